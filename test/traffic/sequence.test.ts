import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SequenceTracker } from '../../src/traffic/sequence.js';

/** [first byte, length] of segments, counted from the tracker's start. */
function track(start: number, segments: readonly (readonly [number, number])[]): SequenceTracker {
  const tracker = new SequenceTracker();
  tracker.synchronize(start - 1);
  for (const [offset, length] of segments) tracker.add((start + offset) >>> 0, length);
  return tracker;
}

describe('SequenceTracker', () => {
  test.each([
    {
      name: 'in order',
      segments: [
        [0, 10],
        [10, 10],
      ],
      unique: 20,
      repeated: 0,
      missing: 0,
    },
    {
      name: 'sent again whole',
      segments: [
        [0, 10],
        [0, 10],
      ],
      unique: 10,
      repeated: 10,
      missing: 0,
    },
    {
      name: 'sent again in part',
      segments: [
        [0, 10],
        [5, 10],
      ],
      unique: 15,
      repeated: 5,
      missing: 0,
    },
    {
      name: 'out of order',
      segments: [
        [10, 10],
        [0, 10],
      ],
      unique: 20,
      repeated: 0,
      missing: 0,
    },
    {
      name: 'lost',
      segments: [
        [0, 10],
        [20, 10],
      ],
      unique: 20,
      repeated: 0,
      missing: 10,
    },
    {
      name: 'a hole filled in part, twice',
      segments: [
        [0, 10],
        [30, 10],
        [15, 5],
        [15, 5],
      ],
      unique: 25,
      repeated: 5,
      missing: 15,
    },
    {
      name: 'a keep-alive probe',
      segments: [
        [0, 10],
        [9, 1],
      ],
      unique: 10,
      repeated: 1,
      missing: 0,
    },
  ] as const)('$name', ({ segments, unique, repeated, missing }) => {
    const expected = { unique, repeated, missing };
    for (const start of [0, 1000, 0xffff_fff0]) expect(track(start, segments)).toMatchObject(expected);
  });

  test('any segments near each other, around the wrap: the same as a set of byte numbers', () => {
    const segment = fc.tuple(fc.nat(400), fc.nat(60));
    fc.assert(
      fc.property(
        fc.constantFrom(0, 0xffff_ff00),
        fc.array(segment, { maxLength: 80 }),
        (start, segments) => {
          const seen = new Set<number>();
          let repeated = 0;
          let end = 0;
          for (const [offset, length] of segments) {
            for (let byte = offset; byte < offset + length; byte++) {
              if (seen.has(byte)) repeated += 1;
              seen.add(byte);
            }
            if (length > 0) end = Math.max(end, offset + length);
          }
          const expected = { unique: seen.size, repeated, missing: end - seen.size };
          expect(track(start, segments)).toMatchObject(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('more than 4 GiB pass without a byte miscounted', () => {
    const tracker = track(5, []);
    const length = 2 ** 20;
    for (let sent = 0; sent < 5000; sent++) tracker.add((5 + sent * length) >>> 0, length);
    expect(tracker).toMatchObject({ unique: 5000 * length, repeated: 0, missing: 0 });
  });

  test('a capture that starts in the middle, and a second connection on the same ports', () => {
    const tracker = new SequenceTracker();
    tracker.add(5000, 100);
    tracker.add(5100, 100);
    tracker.synchronize(77);
    tracker.synchronize(77);
    tracker.add(78, 50);
    tracker.add(138, 50);
    tracker.synchronize(77);
    expect(tracker).toMatchObject({ unique: 300, repeated: 0, missing: 10 });
  });

  test('holes are bounded in number, and those forgotten still count as missing', () => {
    const segments = Array.from({ length: 10_000 }, (_, index) => [index * 20, 10] as const);
    expect(track(0, segments)).toMatchObject({ unique: 100_000, missing: 9999 * 10 });
  });
});
