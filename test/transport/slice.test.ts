import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodedBytes, type Encoding } from '../../src/compression/index.js';
import { SLICE_HEADER_BYTES, tcpPayloadBytes } from '../../src/transport/framing.js';
import { packSlice, unpackSlice, type Slice } from '../../src/transport/slice.js';

/** As they are on the wire: sparse ones are bytes there. */
const ENCODINGS: readonly Encoding[] = [
  { kind: 'float32' },
  { kind: 'bfloat16' },
  { kind: 'int8', rounding: 'nearest' },
  { kind: 'int8-blockwise', block: 64, rounding: 'nearest' },
  { kind: 'e3m0', block: 64, rounding: 'nearest' },
  { kind: 'bytes' },
];

const slices = fc
  .record({
    round: fc.nat(100_000),
    sequence: fc.nat(1_000_000),
    offset: fc.nat(2 ** 31),
    encoding: fc.constantFrom('float32', 'int8-blockwise', 'bytes'),
    values: fc.float32Array({ minLength: 1, maxLength: 200 }),
  })
  .map(({ round, sequence, offset, encoding, values }): Slice => ({
    round,
    sequence,
    encoding,
    length: values.length,
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

  test('are as long as the closed form says, within 3 % from 4 KiB of float32 on, whatever the encoding', () => {
    const elements = fc.integer({ min: 1024, max: 65_536 });
    const encodings = fc.constantFrom(...ENCODINGS);
    fc.assert(
      fc.property(slices, encodings, elements, fc.nat(1000), (slice, encoding, length, round) => {
        const data = new Uint8Array(encodedBytes(encoding, length));
        const packed = packSlice({ ...slice, round, encoding: encoding.kind, length, data });
        // What the closed form takes for the payload of a message that is as long as this one.
        const payload = packed.length - SLICE_HEADER_BYTES;
        const [real, closed] = [payload, data.length].map((bytes) => tcpPayloadBytes(bytes, { tls: true }));
        expect(Math.abs(real! / closed! - 1)).toBeLessThan(0.03);
      }),
    );
  });

  test('anything else is refused, with no other error than a RangeError or the decoder’s own', () => {
    const good = packSlice({
      round: 1,
      sequence: 2,
      encoding: 'float32',
      length: 2,
      offset: 0,
      data: Buffer.alloc(8),
    });
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, value) => {
        const bad = Buffer.from(good);
        bad[at] = value;
        try {
          const { round, sequence, offset, length, encoding, data } = unpackSlice(bad);
          for (const count of [round, sequence, offset, length]) expect(count).toBeGreaterThanOrEqual(0);
          expect(encoding).toBeTypeOf('string');
          expect(data).toBeInstanceOf(Uint8Array);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
    expect(() => unpackSlice(good.subarray(0, 3))).toThrow();
  });
});
