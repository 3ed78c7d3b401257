/**
 * Values of flow files in text: addresses, times, protocols, flags. Each returns undefined (or NaN) for what it can't
 * read; whoever calls decides whether that is a skipped record or a wrong file.
 */
import { parseAddress } from '../../capture/index.js';
import type { Address } from '../../capture/index.js';

const MAX_REMEMBERED = 65_536;
const remembered = new Map<string, Address>();

/**
 * The address a file names, in either version; a zone (`%eth0`) is dropped. Those of IPv6 are remembered, up to a bound:
 * files name the same few hosts again and again.
 */
export function addressOf(text: string): Address | undefined {
  if (!text.includes(':')) return parseAddress(text);
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const [plain = ''] = text.split('%', 1);
  const address = parseAddress(plain);
  if (address === undefined) return undefined;
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(text, address);
  return address;
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
