/**
 * Values of flow files in text: addresses, times, protocols, flags. Each returns undefined (or NaN) for what it can't
 * read; whoever calls decides whether that is a skipped record or a wrong file.
 */
import type { Address } from '../../capture/index.js';

const MAX_REMEMBERED = 65_536;
const remembered = new Map<string, Address>();

/**
 * An IPv4 or IPv6 address; a zone (`%eth0`) is dropped. Those of IPv6 are remembered, up to a bound: files name the same
 * few hosts again and again.
 */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) {
    const word = ipv4Word(text);
    return word < 0 ? undefined : { version: 4, words: [word, 0, 0, 0] };
  }
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const address = parseIpv6(text);
  if (address === undefined) return undefined;
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(text, address);
  return address;
}

const DOT = 46;
const ZERO = 48;

/** The four bytes of a dotted quad as a number, or -1. */
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
    if (digit < 0 || digit > 9) return -1;
    byte = byte * 10 + digit;
    digits += 1;
    if (digits > 3 || byte > 255) return -1;
  }
  return dots === 3 && digits > 0 ? word * 256 + byte : -1;
}

function parseIpv6(text: string): Address | undefined {
  const [plain = ''] = text.split('%', 1);
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const parts = halves.map(groupsOf);
  const [head, tail] = parts;
  if (head === undefined || parts.includes(undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<number>(Math.max(0, missing)).fill(0), ...(tail ?? [])];
  const word = (index: number) => groups[2 * index]! * 65_536 + groups[2 * index + 1]!;
  return { version: 6, words: [word(0), word(1), word(2), word(3)] };
}

/** 16-bit groups between colons; the last may be an IPv4 address. */
function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      const word = ipv4Word(part);
      if (word < 0) return undefined;
      groups.push(word >>> 16, word & 0xffff);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

/** Seconds, with a fraction or without, as whole microseconds; NaN for what is none, or more than exact numbers hold. */
export function parseSeconds(text: string): number {
  const micros = text === '' ? NaN : Math.round(Number(text) * 1e6);
  return Number.isSafeInteger(micros) ? micros : NaN;
}

/**
 * A date and time as whole microseconds since 1970: `2011-03-18 19:06:08.853`, with a T or a blank between, with any
 * fraction. Without a zone it is taken as UTC. NaN when it is none.
 */
export function parseDate(text: string): number {
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (match === null) return NaN;
  const [, day, time, fraction = '', zone = 'Z'] = match;
  const millis = Date.parse(`${day}T${time}${zone.replace(/^(.\d\d)(\d\d)$/, '$1:$2')}`);
  return millis * 1000 + Math.round(Number(`0.${fraction === '' ? '0' : fraction}`) * 1e6);
}

/** Names that nfdump and Zeek print, lower case. */
const protocols: ReadonlyMap<string, number> = new Map([
  ['hopopt', 0],
  ['icmp', 1],
  ['igmp', 2],
  ['ipip', 4],
  ['tcp', 6],
  ['egp', 8],
  ['udp', 17],
  ['dccp', 33],
  ['ipv6', 41],
  ['rsvp', 46],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['icmp6', 58],
  ['eigrp', 88],
  ['ospf', 89],
  ['pim', 103],
  ['ipcomp', 108],
  ['vrrp', 112],
  ['l2tp', 115],
  ['sctp', 132],
  ['udplt', 136],
]);

/** Number of an IP protocol, from its number or its name; undefined for what is neither. */
export function parseProtocol(text: string): number | undefined {
  const name = text.trim().toLowerCase();
  if (/^\d{1,3}$/.test(name)) return Number(name);
  return protocols.get(name);
}

/** TCP flags as nfdump prints them, a letter or a dot for each bit from CWR to FIN: `...AP.SF`; or as a number. */
export function parseFlags(text: string): number {
  if (/^(0x)?\d+$/.test(text)) return Number(text) & 0xff;
  let flags = 0;
  for (const letter of text) flags = (flags << 1) | (letter === '.' ? 0 : 1);
  return flags & 0xff;
}

/** A count, a whole number; NaN for what is none. */
export function parseCount(text: string): number {
  const value = text === '' ? NaN : Number(text);
  return value >= 0 && Number.isInteger(value) ? value : NaN;
}

/** A port; NaN for what is none. */
export function parsePort(text: string): number {
  const value = parseCount(text);
  return value <= 0xffff ? value : NaN;
}
