/**
 * IP addresses between bytes, 32-bit words and text.
 *
 * Packets are handled with addresses as four 32-bit words (IPv4 in the first, the rest 0), for comparing
 * numbers costs nothing; text is made once per host, when something is shown. The other way, text becomes an address
 * where a user or a file names one. What is an address in text is what `net.isIP` takes, without a zone (`%eth0`), which
 * means something on one machine only.
 */
import { isIPv6 } from 'node:net';
import { InputError } from '../errors.js';

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

/** The address as 4 or 16 bytes in network order. */
export function addressBytes({ version, words }: Address): Uint8Array {
  const bytes = new Uint8Array(version === 4 ? 4 : 16);
  const view = new DataView(bytes.buffer);
  for (let index = 0; 4 * index < bytes.length; index++) view.setUint32(4 * index, words[index]!);
  return bytes;
}

/** The address that is this text, all of it; undefined when it is none. IPv4 within IPv6 stays IPv6. */
export function parseAddress(text: string): Address | undefined {
  const word = ipv4Word(text);
  if (word >= 0) return { version: 4, words: [word, 0, 0, 0] };
  return isIPv6(text) && !text.includes('%') ? { version: 6, words: ipv6Words(text) } : undefined;
}

/** @throws InputError naming `place`, when the text is no address. */
export function addressFrom(place: string, text: string): Address {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  throw new InputError(
    `${place}: found "${text}"; allowed: an IP address like 192.0.2.1 or 2001:db8::1, without a zone`,
  );
}

/** A network: the first `bits` bits of the address count. */
export interface Prefix {
  readonly address: Address;
  readonly bits: number;
}

/** @throws InputError naming `place`, when the text is no address with a prefix length, or one alone. */
export function prefixFrom(place: string, text: string): Prefix {
  const [, host = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseAddress(host);
  if (address !== undefined) {
    const most = address.version === 4 ? 32 : 128;
    const bits = length === undefined ? most : Number(length);
    if (bits <= most) return { address, bits };
  }
  throw new InputError(`${place}: found "${text}"; allowed: a network like 192.0.2.0/24 or 2001:db8::/32`);
}

const DOT = 46;
const ZERO = 48;

/**
 * The four bytes of a dotted quad as a number, or -1. Letter by letter, since readers of flow records come here twice a
 * record. A leading zero is refused, for some programs take it for octal.
 */
function ipv4Word(text: string): number {
  let [word, byte, digits, dots] = [0, 0, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0) return -1;
      word = word * 256 + byte;
      byte = digits = 0;
      dots += 1;
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || (digits > 0 && byte === 0)) return -1;
    byte = byte * 10 + digit;
    digits += 1;
    if (byte > 255) return -1;
  }
  return dots === 3 && digits > 0 ? word * 256 + byte : -1;
}

/** The words of text that `isIPv6` took. */
function ipv6Words(text: string): Address['words'] {
  const [head = '', tail = ''] = text.split('::');
  const [front, back] = [groupsOf(head), groupsOf(tail)];
  const groups = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
  const word = (index: number) => groups[2 * index]! * 65_536 + groups[2 * index + 1]!;
  return [word(0), word(1), word(2), word(3)];
}

/** 16-bit groups between colons; the last may be an IPv4 address. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const word = ipv4Word(group);
    return [word >>> 16, word & 0xffff];
  });
}
