/** Numbers of a few bits each, packed without gaps, the lowest bit first. */

/** Bytes that `count` numbers of `width` bits take. */
export const packedBytes = (count: number, width: number): number => Math.ceil((count * width) / 8);

/** Bits that tell `count` places apart. */
export const placeBits = (count: number): number => Math.ceil(Math.log2(count));

/** Writes a number of `width` ≤ 24 bits as the `index`-th into bytes that were zeros. */
export function packBits(bytes: Uint8Array, index: number, width: number, value: number): void {
  const first = index * width;
  let rest = value << (first & 7);
  for (let at = first >> 3; rest > 0; at++, rest >>>= 8) bytes[at]! |= rest & 0xff;
}

/** The `index`-th number of `width` ≤ 24 bits. */
export function unpackBits(bytes: Uint8Array, index: number, width: number): number {
  const first = index * width;
  const at = first >> 3;
  const four =
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24);
  return (four >>> (first & 7)) & (2 ** width - 1);
}
