/**
 * IP addresses between bytes, 32-bit words and text.
 *
 * Packets are handled with addresses as four 32-bit words (IPv4 in the first, the rest 0), for comparing
 * numbers costs nothing; text is made once per host, when something is shown.
 */

/** An address as its IP version and four unsigned 32-bit words in network order. */
export interface Address {
  readonly version: 4 | 6;
  readonly words: readonly [number, number, number, number];
}

/** The usual text of an address: dotted quad, or RFC 5952 for IPv6. */
export function formatAddress({ version, words }: Address): string {
  if (version === 4) {
    const word = words[0];
    return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
  }
  const groups = words.flatMap((word) => [(word >>> 16).toString(16), (word & 0xffff).toString(16)]);
  // The URL standard's serializer shortens an IPv6 address as RFC 5952 says.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** The address in 4 or 16 bytes at `offset`. */
export function readAddress(view: DataView, offset: number, version: 4 | 6): Address {
  const word = (index: number) => view.getUint32(offset + 4 * index);
  return version === 4
    ? { version, words: [word(0), 0, 0, 0] }
    : { version, words: [word(0), word(1), word(2), word(3)] };
}
