/**
 * Conversations of every kind, as whole frames: TCP from handshake to FIN or RST, UDP, DNS, ICMP and its answers, other
 * protocols, over IPv4, IPv6 and VLANs, with pauses that timeouts fall into. For comparing what we count with what real
 * tools count, so frames are complete and their lengths true; payload is zeros.
 */
import { Random } from '../../src/random.js';
import { pcapFile } from './captures.js';
import type { PcapRecord } from './captures.js';

export interface Frame {
  /** Whole microseconds since 1970. */
  readonly micros: number;
  readonly data: Buffer;
}

export interface IpFields {
  /** Dotted quad, or 16 bytes of IPv6. */
  readonly source: string | Buffer;
  readonly destination: string | Buffer;
  readonly protocol: number;
  /** Header of the transport and payload. */
  readonly body: Buffer;
  readonly vlans?: readonly number[];
  readonly identification?: number;
  /** Of IPv4: flags and offset as in the header. */
  readonly fragment?: number;
}

/** An Ethernet frame with an IPv4 or IPv6 packet, padded to 60 bytes as a network card does. */
export function ipFrame(fields: IpFields): Buffer {
  const { source, destination, protocol, body, vlans = [] } = fields;
  const isSix = Buffer.isBuffer(source);
  const tags = vlans.flatMap((id) => [0x81, 0, id >> 8, id & 255]);
  const ether = Buffer.from([
    2,
    0,
    0,
    0,
    0,
    1,
    2,
    0,
    0,
    0,
    0,
    2,
    ...tags,
    ...(isSix ? [0x86, 0xdd] : [8, 0]),
  ]);
  const header = Buffer.alloc(isSix ? 40 : 20);
  if (Buffer.isBuffer(source) && Buffer.isBuffer(destination)) {
    header[0] = 0x60;
    header.writeUInt16BE(body.length, 4);
    header[6] = protocol;
    header[7] = 64;
    header.set(source, 8);
    header.set(destination, 24);
  } else {
    header[0] = 0x45;
    header.writeUInt16BE(20 + body.length, 2);
    header.writeUInt16BE(fields.identification ?? 0, 4);
    header.writeUInt16BE(fields.fragment ?? 0x4000, 6);
    header[8] = 64;
    header[9] = protocol;
    header.set(String(source).split('.').map(Number), 12);
    header.set(String(destination).split('.').map(Number), 16);
  }
  const frame = Buffer.concat([ether, header, body]);
  return frame.length >= 60 ? frame : Buffer.concat([frame, Buffer.alloc(60 - frame.length)]);
}

/** The IP packet of such a frame, with one VLAN tag or none, without padding. */
export function ipOf(frame: Buffer): Buffer {
  const at = frame.readUInt16BE(12) === 0x8100 ? 18 : 14;
  const isSix = frame[at]! >> 4 === 6;
  return frame.subarray(at, at + (isSix ? 40 + frame.readUInt16BE(at + 4) : frame.readUInt16BE(at + 2)));
}

export interface TcpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly flags: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly payload?: number;
}

export function tcpBody(fields: TcpFields): Buffer {
  const body = Buffer.alloc(20 + (fields.payload ?? 0));
  body.writeUInt16BE(fields.sourcePort, 0);
  body.writeUInt16BE(fields.destinationPort, 2);
  body.writeUInt32BE((fields.sequence ?? 0) >>> 0, 4);
  body.writeUInt32BE((fields.acknowledgement ?? 0) >>> 0, 8);
  body[12] = 0x50;
  body[13] = fields.flags;
  body.writeUInt16BE(65_535, 14);
  return body;
}

export function udpBody(sourcePort: number, destinationPort: number, payload: number): Buffer {
  const body = Buffer.alloc(8 + payload);
  body.writeUInt16BE(sourcePort, 0);
  body.writeUInt16BE(destinationPort, 2);
  body.writeUInt16BE(8 + payload, 4);
  return body;
}

export function icmpBody(type: number, code: number, payload: number): Buffer {
  const body = Buffer.alloc(8 + payload);
  body[0] = type;
  body[1] = code;
  return body;
}

/** A little-endian pcap file with microseconds, in the order given. */
export function pcapOf(frames: readonly Frame[]): Buffer {
  const records = frames.map(({ micros, data }): PcapRecord => ({
    seconds: Math.floor(micros / 1e6),
    fraction: micros % 1e6,
    data,
  }));
  return pcapFile('little', 0xa1b2c3d4, 1, records);
}

const [FIN, SYN, RST, PSH, ACK] = [1, 2, 4, 8, 16];

/** Random conversations over some minutes, in order of time. The same seed makes the same frames. */
export function conversations(seed: number, count: number, minutes = 10): Frame[] {
  const random = new Random(seed, 'conversations');
  const integer = (below: number): number => Math.floor(random.uniform() * below);
  const frames: Frame[] = [];
  const six = (host: number): Buffer =>
    Buffer.from(`20010db80000000000000000000000${(16 + host).toString(16)}`, 'hex');
  for (let index = 0; index < count; index++) {
    const isSix = random.uniform() < 0.25;
    const [a, b] = [1 + integer(12), 20 + integer(12)];
    const ends = isSix ? ([six(a), six(b)] as const) : ([`10.1.0.${a}`, `10.1.0.${b}`] as const);
    const vlans = random.uniform() < 0.15 ? [1 + integer(4000)] : [];
    const port = 10_000 + integer(40_000);
    let micros = 1_700_000_000_000_000 + integer(minutes * 60e6);
    const send = (isForward: boolean, protocol: number, body: Buffer): void => {
      const [source, destination] = isForward ? ends : [ends[1], ends[0]];
      frames.push({ micros, data: ipFrame({ source, destination, protocol, body, vlans }) });
      micros += pause();
    };
    const pause = (): number => {
      const kind = random.uniform();
      // Most within a burst, some as long as a timeout and longer.
      return kind < 0.85 ? integer(200_000) : kind < 0.97 ? integer(15e6) : integer(140e6);
    };
    const kind = random.uniform();
    if (kind < 0.5) tcpConversation();
    else if (kind < 0.75)
      for (let rest = 1 + integer(40); rest > 0; rest--) {
        const there = random.uniform() < 0.6;
        send(there, 17, there ? udpBody(port, 4789, integer(1300)) : udpBody(4789, port, integer(1300)));
      }
    else if (kind < 0.85) {
      send(true, 17, udpBody(port, 53, 30));
      send(false, 17, udpBody(53, port, 100));
    } else if (kind < 0.95)
      for (let rest = 1 + integer(6); rest > 0; rest--) {
        send(true, isSix ? 58 : 1, icmpBody(isSix ? 128 : 8, 0, 56));
        send(false, isSix ? 58 : 1, icmpBody(isSix ? 129 : 0, 0, 56));
      }
    else
      for (let rest = 1 + integer(8); rest > 0; rest--)
        send(random.uniform() < 0.5, 103, Buffer.alloc(integer(900)));

    function tcpConversation(): void {
      const numbers = [integer(2 ** 32), integer(2 ** 32)];
      const segment = (isForward: boolean, flags: number, payload = 0): void => {
        const [own, other] = isForward ? [0, 1] : [1, 0];
        const ports = isForward ? [port, 443] : [443, port];
        const [sourcePort, destinationPort] = ports as [number, number];
        const acknowledgement = (flags & ACK) === 0 ? 0 : numbers[other]!;
        const fields = {
          sourcePort,
          destinationPort,
          flags,
          payload,
          sequence: numbers[own]!,
          acknowledgement,
        };
        send(isForward, 6, tcpBody(fields));
        numbers[own]! += payload + ((flags & (SYN | FIN)) === 0 ? 0 : 1);
      };
      segment(true, SYN);
      segment(false, SYN | ACK);
      segment(true, ACK);
      for (let rest = integer(60); rest > 0; rest--) {
        const there = random.uniform() < 0.7;
        segment(there, PSH | ACK, random.uniform() < 0.3 ? 0 : integer(1449));
      }
      const end = random.uniform();
      if (end < 0.2) segment(random.uniform() < 0.5, RST | ACK);
      else if (end < 0.8) {
        segment(true, FIN | ACK);
        segment(false, ACK);
        segment(false, FIN | ACK);
        segment(true, ACK);
      }
    }
  }
  return frames.sort((a, b) => a.micros - b.micros);
}
