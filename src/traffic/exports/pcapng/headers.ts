/** Parts of headers, copied without what could name somebody: see anonymize.ts. */

const Extension = { hopByHop: 0, routing: 43, fragment: 44, authentication: 51, destination: 60 } as const;
const PADDING = 1;

/**
 * Fills `to` from `at` to `end` with the extension headers of IPv6 that lie at `start` in `from`: of the same kinds and
 * lengths, with nothing inside. `to` is zero there before.
 *
 * @param next the kind of the first.
 */
export function padIpv6Extensions(
  to: Uint8Array,
  at: number,
  end: number,
  from: Uint8Array,
  start: number,
  next: number,
): void {
  while (end - at >= 8) {
    const length =
      next === Extension.fragment
        ? 8
        : next === Extension.authentication
          ? Math.max(8, (from[start + 1]! + 2) * 4)
          : (from[start + 1]! + 1) * 8;
    // Next header and length; of a fragment, of authentication and of routes what is behind them, up to addresses.
    const kept = next === Extension.fragment ? 8 : next === Extension.authentication ? 12 : 2;
    const keep = next === Extension.routing ? 4 : Math.min(kept, length);
    to.set(from.subarray(start, start + Math.min(keep, end - at)), at);
    if (next === Extension.hopByHop || next === Extension.destination) {
      // One option that pads the rest (PadN): its length counts neither itself nor its type.
      to[at + 2] = PADDING;
      to[at + 3] = Math.min(255, length - 4);
    }
    next = from[start]!;
    at += length;
    start += length;
  }
}

/** MSS, window scale, SACK permitted, SACK, timestamps. */
const harmless: ReadonlySet<number> = new Set([2, 3, 4, 5, 8]);
const END = 0;
const NO_OPERATION = 1;

/**
 * Copies TCP's options from `start` to `end` of `from`, to `at` of `to`; those that may name somebody become
 * no-operations. Returns their length.
 */
export function copyTcpOptions(
  to: Uint8Array,
  at: number,
  from: Uint8Array,
  start: number,
  end: number,
): number {
  const total = Math.max(0, end - start);
  for (let position = start; position < end;) {
    const kind = from[position]!;
    if (kind === END) break;
    const isLong = kind !== NO_OPERATION;
    const length = isLong ? (from[position + 1] ?? 0) : 1;
    if (isLong && (length < 2 || position + length > end)) break;
    const target = at + position - start;
    if (isLong && harmless.has(kind) && length <= 34)
      to.set(from.subarray(position, position + length), target);
    else to.fill(NO_OPERATION, target, target + length);
    position += length;
  }
  return total;
}

/** The one's complement of the one's complement sum of 16-bit words (RFC 1071), over an even number of bytes. */
export function internetChecksum(bytes: Uint8Array, at: number, end: number): number {
  let sum = 0;
  for (; at + 1 < end; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
