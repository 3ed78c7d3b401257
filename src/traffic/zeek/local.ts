/**
 * Which addresses are "local": private and special networks, and those that the user adds.
 *
 * The list is what Zeek's scripts (base/utils/site.zeek) have as private address space, IPv4 networks also as their
 * 6to4 form (RFC 3056: 2002, then the 32 bits).
 */
import { InputError } from '../../errors.js';
import type { Words } from './connection.js';

/** An address and how many of its 128 bits count; IPv4 is mapped. */
export interface Network {
  readonly words: Words;
  readonly bits: number;
}

const MAPPED_BITS = 96;

const ipv4Networks = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/24',
  '239.0.0.0/8',
  '240.0.0.0/4',
  '255.255.255.255/32',
] as const;

const ipv6Networks = [
  '::/128',
  '::1/128',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:2::/48',
  '2001:db8::/32',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
] as const;

/** @throws InputError naming the option, what was found and what is allowed. */
export function networkOf(option: string, text: string): Network {
  const [address, bits, ...more] = text.split('/');
  const isIpv4 = address !== undefined && /^\d+\.\d+\.\d+\.\d+$/.test(address);
  const words = isIpv4 ? ipv4Words(address) : ipv6Words(address ?? '');
  const most = isIpv4 ? 32 : 128;
  const length = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : most + 1;
  if (words === undefined || more.length > 0 || length > most) {
    throw new InputError(`${option}: found "${text}"; allowed: a network like 192.0.2.0/24 or 2001:db8::/32`);
  }
  return { words, bits: isIpv4 ? length + MAPPED_BITS : length };
}

function ipv4Words(text: string): Words | undefined {
  const bytes = text.split('.').map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  const [a, b, c, d] = bytes as [number, number, number, number];
  return [0, 0, 0xffff, ((a << 24) | (b << 16) | (c << 8) | d) >>> 0];
}

function ipv6Words(text: string): Words | undefined {
  if (!/^[0-9a-f:.]+$/i.test(text) || !URL.canParse(`http://[${text}]`)) return undefined;
  const plain = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [before = '', after] = plain.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)));
  const head = groups(before);
  const tail = after === undefined ? [] : groups(after);
  const all = [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  const word = (index: number) => ((all[index * 2]! << 16) | all[index * 2 + 1]!) >>> 0;
  return [word(0), word(1), word(2), word(3)];
}

/** The 6to4 network of an IPv4 network. */
function in6to4({ words, bits }: Network): Network {
  const address = words[3];
  const first = (0x2002_0000 | (address >>> 16)) >>> 0;
  return { words: [first, (address << 16) >>> 0, 0, 0], bits: bits - MAPPED_BITS + 16 };
}

/** Networks that are local without being asked for. */
export const privateNetworks: readonly Network[] = [
  ...ipv4Networks.map((text) => networkOf('', text)),
  ...ipv4Networks.map((text) => in6to4(networkOf('', text))),
  ...ipv6Networks.map((text) => networkOf('', text)),
];

export function isWithin(networks: readonly Network[], words: Words): boolean {
  return networks.some((network) => isIn(network, words));
}

function isIn(network: Network, words: Words): boolean {
  let left = network.bits;
  for (let index = 0; index < 4 && left > 0; index++, left -= 32) {
    const unused = Math.max(0, 32 - left);
    if (words[index]! >>> unused !== network.words[index]! >>> unused) return false;
  }
  return true;
}
