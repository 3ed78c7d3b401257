/** A batch is a function of its seed, rank and step. */
import { describe, expect, it } from 'vitest';
import { RunError } from '../../src/errors.js';
import { batchFor, type BatchRequest } from '../../src/training/batches.js';

const text = Uint8Array.from(Buffer.from('It was a bright cold day in April. '.repeat(30)));
const request: BatchRequest = { text, seed: 1, rank: 0, step: 9, batch: 3, context: 16 };

describe('batchFor', () => {
  it('gives the same bytes again, whatever was drawn between', () => {
    const first = batchFor(request);
    batchFor({ ...request, step: 10 });
    expect(batchFor(request)).toEqual(first);
  });

  it('gives other bytes for another seed, rank or step', () => {
    const first = batchFor(request);
    for (const other of [{ seed: 2 }, { rank: 1 }, { step: 10 }]) {
      expect(batchFor({ ...request, ...other })).not.toEqual(first);
    }
  });

  it('is rows of context + 1 bytes, each a piece of the text', () => {
    const tokens = batchFor(request);
    expect(tokens).toHaveLength(3 * 17);
    const whole = Buffer.from(text).toString();
    for (let row = 0; row < 3; row++) {
      expect(whole).toContain(Buffer.from(tokens.subarray(row * 17, row * 17 + 17)).toString());
    }
  });

  it('takes a text of just one row, and refuses a shorter one', () => {
    expect(batchFor({ ...request, text: text.subarray(0, 17), batch: 1 })).toEqual(text.subarray(0, 17));
    expect(() => batchFor({ ...request, text: text.subarray(0, 16) })).toThrow(RunError);
  });
});
