import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SLICE_HEADER_BYTES } from '../../src/transport/framing.js';
import { packSlice, unpackSlice, type Slice } from '../../src/transport/slice.js';

const slices = fc
  .record({
    round: fc.nat(100_000),
    sequence: fc.nat(1_000_000),
    offset: fc.nat(2 ** 31),
    values: fc.float32Array({ minLength: 1, maxLength: 200 }),
  })
  .map(({ round, sequence, offset, values }): Slice => ({
    round,
    sequence,
    dtype: 'float32',
    shape: [values.length],
    offset,
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  }));

describe('slices on the wire', () => {
  test('come back as they went, bit for bit', () => {
    fc.assert(
      fc.property(slices, (slice) => {
        const back = unpackSlice(packSlice(slice));
        expect({ ...back, data: Buffer.from(back.data) }).toEqual({
          ...slice,
          data: Buffer.from(slice.data),
        });
      }),
    );
  });

  test('have a header as small as the closed form counts', () => {
    fc.assert(
      fc.property(slices, (slice) => {
        const header = packSlice(slice).length - slice.data.length;
        expect(header).toBeLessThanOrEqual(SLICE_HEADER_BYTES);
        expect(header).toBeGreaterThanOrEqual(SLICE_HEADER_BYTES / 2);
      }),
    );
  });

  test('anything else is refused, with no other error than a RangeError or the decoder’s own', () => {
    const good = packSlice({
      round: 1,
      sequence: 2,
      dtype: 'float32',
      shape: [2],
      offset: 0,
      data: Buffer.alloc(8),
    });
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        const bad = Buffer.from(good);
        bad[at] = value;
        try {
          const slice = unpackSlice(bad);
          expect(slice.data.length).toBe(4 * slice.shape.reduce((product, size) => product * size, 1));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
    expect(() => unpackSlice(good.subarray(0, 3))).toThrow();
  });
});
