/** Segments in any order come out in sequence, each once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Reassembly, type Stretch } from '../../../src/wan/threads/reassembly.js';

test('hands on every segment once and in order, whatever the order of arrival', () => {
  const spans = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 30 });
  const shuffled = spans.chain((lengths) => {
    let sequence = 0;
    const segments = lengths.map((span) => {
      sequence += span;
      return { sequence: sequence - span, span };
    });
    return fc.record({
      segments: fc.constant(segments),
      arrivals: fc.shuffledSubarray(segments, { minLength: segments.length }),
    });
  });
  fc.assert(
    fc.property(shuffled, ({ segments, arrivals }) => {
      const reassembly = new Reassembly();
      const out: Stretch[] = [];
      for (const segment of arrivals) {
        const before = reassembly.next;
        const inOrder = reassembly.accept(segment, (ready) => out.push(ready));
        expect(inOrder).toBe(segment.sequence === before);
        // A segment that comes twice changes nothing.
        reassembly.accept(segment, (ready) => out.push(ready));
      }
      expect(out).toEqual(segments);
      expect(reassembly.next).toBe(segments.reduce((sum, { span }) => sum + span, 0));
    }),
  );
});

test('a reset waits for the bytes before it', () => {
  const reassembly = new Reassembly<Stretch & { name: string }>();
  const out: string[] = [];
  const deliver = ({ name }: { name: string }) => out.push(name);
  reassembly.accept({ sequence: 10, span: 0, name: 'reset' }, deliver);
  expect(out).toEqual([]);
  reassembly.accept({ sequence: 0, span: 10, name: 'data' }, deliver);
  expect(out).toEqual(['data', 'reset']);
});
