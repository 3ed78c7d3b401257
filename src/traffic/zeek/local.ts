/**
 * Which addresses are "local": private and special networks, and those that the user adds.
 *
 * The list is what Zeek's scripts (base/utils/site.zeek) have as private address space, IPv4 networks also as their
 * 6to4 form (RFC 3056: 2002, then the 32 bits).
 */
import { prefixFrom } from '../../capture/index.js';
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
  const { address, bits } = prefixFrom(option, text);
  if (address.version === 6) return { words: address.words, bits };
  return { words: [0, 0, 0xffff, address.words[0]], bits: bits + MAPPED_BITS };
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
