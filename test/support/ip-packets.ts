/**
 * Whole packets for tests, made by hand from the inside out: payloads, checksums and all.
 *
 * Each function puts a header around what it is given; `at` makes a captured packet of the result.
 */
import { LinkType } from '../../src/capture/index.js';
import type { Packet } from '../../src/capture/index.js';
import { packetOf } from './frames.js';

export const Flag = { fin: 1, syn: 2, rst: 4, push: 8, ack: 16 } as const;

/** Two ends of a conversation. */
export interface Ends {
  readonly from: string;
  readonly to: string;
}

export interface SegmentFields {
  readonly fromPort?: number;
  readonly toPort?: number;
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgement?: number;
  readonly window?: number;
  readonly payload?: Uint8Array | number;
}

const bytesOf = (payload: Uint8Array | number = 0): Uint8Array =>
  typeof payload === 'number' ? new Uint8Array(payload).fill(0x61) : payload;

/** RFC 1071. */
function checksum(parts: readonly Uint8Array[]): number {
  let sum = 0;
  const all = Buffer.concat(
    parts.map((part) => (part.length % 2 === 0 ? part : Buffer.concat([part, Buffer.of(0)]))),
  );
  for (let index = 0; index < all.length; index += 2) sum += all.readUInt16BE(index);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function addressBytes(text: string): Buffer {
  if (text.includes('.')) return Buffer.from(text.split('.').map(Number));
  const [head = '', tail = ''] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<number>(missing).fill(0), ...groups(tail)];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
}

function pseudoHeader({ from, to }: Ends, protocol: number, length: number): Buffer {
  return Buffer.concat([
    addressBytes(from),
    addressBytes(to),
    Buffer.from([0, protocol, length >> 8, length & 255]),
  ]);
}

/** IPv4 or IPv6, by the addresses. */
export function ip(ends: Ends, protocol: number, payload: Uint8Array): Buffer {
  return ends.from.includes('.') ? ipv4(ends, protocol, payload) : ipv6(ends, protocol, payload);
}

export interface Fragmentation {
  readonly id: number;
  /** In bytes. */
  readonly offset: number;
  readonly more: boolean;
}

export function ipv4(
  { from, to }: Ends,
  protocol: number,
  payload: Uint8Array,
  fragment?: Fragmentation,
): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  if (fragment !== undefined) {
    header.writeUInt16BE(fragment.id, 4);
    header.writeUInt16BE((fragment.more ? 0x2000 : 0) | (fragment.offset / 8), 6);
  }
  header[8] = 64;
  header[9] = protocol;
  addressBytes(from).copy(header, 12);
  addressBytes(to).copy(header, 16);
  header.writeUInt16BE(checksum([header]), 10);
  return Buffer.concat([header, payload]);
}

export function ipv6({ from, to }: Ends, protocol: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = protocol;
  header[7] = 64;
  addressBytes(from).copy(header, 8);
  addressBytes(to).copy(header, 24);
  return Buffer.concat([header, payload]);
}

export function tcp(ends: Ends, fields: SegmentFields): Buffer {
  const payload = bytesOf(fields.payload);
  const header = Buffer.alloc(20);
  header.writeUInt16BE(fields.fromPort ?? 50_000, 0);
  header.writeUInt16BE(fields.toPort ?? 80, 2);
  header.writeUInt32BE(fields.sequence >>> 0, 4);
  header.writeUInt32BE((fields.acknowledgement ?? 0) >>> 0, 8);
  header[12] = 0x50;
  header[13] = fields.flags;
  header.writeUInt16BE(fields.window ?? 1000, 14);
  header.writeUInt16BE(checksum([pseudoHeader(ends, 6, 20 + payload.length), header, payload]), 16);
  return ip(ends, 6, Buffer.concat([header, payload]));
}

export interface DatagramFields {
  readonly fromPort: number;
  readonly toPort: number;
  readonly payload?: Uint8Array | number;
}

export function udp(ends: Ends, fields: DatagramFields): Buffer {
  return ip(ends, 17, udpDatagram(ends, fields));
}

export function udpDatagram(ends: Ends, { fromPort, toPort, payload: data }: DatagramFields): Buffer {
  const payload = bytesOf(data);
  const header = Buffer.alloc(8);
  header.writeUInt16BE(fromPort, 0);
  header.writeUInt16BE(toPort, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  const sum = checksum([pseudoHeader(ends, 17, 8 + payload.length), header, payload]);
  header.writeUInt16BE(sum === 0 ? 0xffff : sum, 6);
  return Buffer.concat([header, payload]);
}

export function icmp(ends: Ends, type: number, code: number, payload: Uint8Array | number = 8): Buffer {
  const isIpv4 = ends.from.includes('.');
  const message = Buffer.concat([Buffer.from([type, code, 0, 0, 0, 1, 0, 1]), bytesOf(payload)]);
  const pseudo = isIpv4 ? Buffer.alloc(0) : pseudoHeader(ends, 58, message.length);
  message.writeUInt16BE(checksum([pseudo, message]), 2);
  return ip(ends, isIpv4 ? 1 : 58, message);
}

const macs = Buffer.from('0200000000020200000000010800', 'hex');

export function ethernet(packet: Uint8Array): Buffer {
  const header = Buffer.from(macs);
  if (packet[0]! >> 4 === 6) header.writeUInt16BE(0x86dd, 12);
  return Buffer.concat([header, packet]);
}

/** An IP packet as captured without a link layer. */
export function at(seconds: number, packet: Uint8Array): Packet {
  return packetOf(packet, seconds, packet.length, LinkType.raw);
}
