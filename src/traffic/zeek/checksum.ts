/**
 * The Internet checksum (RFC 1071): whether a header or a segment arrived as it was sent.
 */
import type { IpHeader } from './ip-header.js';

/** Sum of 16-bit words, not yet folded; an odd last byte counts as the upper half of a word. */
function sumWords(bytes: Uint8Array, at: number, length: number): number {
  const end = at + (length & ~1);
  let sum = 0;
  for (let index = at; index < end; index += 2) sum += (bytes[index]! << 8) | bytes[index + 1]!;
  if ((length & 1) === 1) sum += bytes[end]! << 8;
  return sum;
}

function fold(sum: number): number {
  while (sum > 0xffff) sum = (sum % 65_536) + Math.floor(sum / 65_536);
  return sum;
}

const half = (word: number): number => (word >>> 16) + (word & 0xffff);

/** True when `length` bytes, checksum included, add up. */
export function isIntact(bytes: Uint8Array, at: number, length: number): boolean {
  return fold(sumWords(bytes, at, length)) === 0xffff;
}

/**
 * The same with the pseudo header of the packet around it (RFC 9293, 8200).
 *
 * @param length bytes of the transport header and what follows, all of which are captured.
 */
export function isIntactWithin(
  ip: IpHeader,
  protocol: number,
  bytes: Uint8Array,
  at: number,
  length: number,
): boolean {
  let sum = sumWords(bytes, at, length) + protocol + half(length);
  sum += half(ip.source3) + half(ip.destination3);
  if (ip.version === 6) {
    sum += half(ip.source0) + half(ip.source1) + half(ip.source2);
    sum += half(ip.destination0) + half(ip.destination1) + half(ip.destination2);
  }
  return fold(sum) === 0xffff;
}
