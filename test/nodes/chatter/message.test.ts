/** Control messages in a stream, however the network cuts it. */
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HEADER_BYTES, message, MessageReader, noise, wantedBy } from '../../../nodes/chatter/message.js';

const question = fc.record({
  request: fc.integer({ min: HEADER_BYTES, max: 3000 }),
  response: fc.integer({ min: 0, max: 0xffff_ffff }),
});

test('each message is found once, when its last byte is there', () => {
  fc.assert(
    fc.property(
      fc.array(question, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 4000 }), { maxLength: 40 }),
      (questions, cuts) => {
        const stream = Buffer.concat(questions.map(({ request, response }) => message(request, response)));
        const reader = new MessageReader();
        const found: { response: number; at: number }[] = [];
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          const due = reader.read(stream.subarray(at, at + cut));
          at = Math.min(stream.length, at + cut);
          for (const response of due) found.push({ response, at });
        }
        expect(found.map(({ response }) => response)).toEqual(questions.map(({ response }) => response));
        let end = 0;
        questions.forEach(({ request }, index) => {
          end += request;
          expect(found[index]!.at).toBeGreaterThanOrEqual(end);
        });
      },
    ),
  );
});

test('a message is as long as it is to be, and no compression makes it much smaller', () => {
  const bytes = message(2000, 7);
  expect(bytes).toHaveLength(2000);
  expect(wantedBy(bytes)).toBe(7);
  expect(
    deflateSync(Buffer.concat(Array.from({ length: 20 }, () => message(2000, 7)))).length,
  ).toBeGreaterThan(0.9 * 20 * 2000);
});

test('one that could not hold its header is refused, and noise is left as it is', () => {
  expect(() => message(HEADER_BYTES - 1, 0)).toThrow(RangeError);
  const before = Buffer.from(noise(64));
  const after = message(64, 0);
  expect(after.subarray(HEADER_BYTES)).not.toEqual(before.subarray(HEADER_BYTES));
  expect(wantedBy(Buffer.alloc(3))).toBe(0);
});
