/**
 * Names of connections, as Zeek's look: "C" and up to 96 bits in base 62.
 *
 * Zeek draws them from a random seed, so that a name is never seen twice. Here they come from a counter, mixed well:
 * the same capture gives the same names each time, and a log can be compared with yesterday's.
 */
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const MASK = (1n << 64n) - 1n;

/** @param number 1 for the first connection or tunnel, 2 for the next. */
export function uidOf(number: number): string {
  const count = BigInt(number);
  const bits = mix(count) | ((mix(count ^ MASK) & 0xffffffffn) << 64n);
  let text = '';
  for (let rest = bits; rest > 0n; rest /= 62n) text += DIGITS[Number(rest % 62n)];
  return `C${text}`;
}

/** splitmix64's finalizer (Steele, Lea and Flood, 2014): one to one, so that no two are equal. */
function mix(value: bigint): bigint {
  let bits = (value * 0x9e3779b97f4a7c15n) & MASK;
  bits = ((bits ^ (bits >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  bits = ((bits ^ (bits >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return bits ^ (bits >> 31n);
}
