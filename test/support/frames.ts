/**
 * Packets for tests, made by hand: Ethernet frames with IPv4 or IPv6 and TCP or UDP, of which only the
 * headers exist. A frame of 1514 bytes is 54 captured bytes and a claim, so whole meshes fit in a test.
 */
import { LinkType, Packet } from '../../src/capture/index.js';

export interface FrameFields {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  /** TCP flags; default ACK. */
  readonly flags?: number;
  /** Bytes of TCP payload. */
  readonly payload?: number;
}

export const tcpHeaderBytes = 54;

/** The headers of an Ethernet frame with TCP over IPv4. */
export function tcpFrame(fields: FrameFields): Buffer {
  const {
    sourcePort = 50_000,
    destinationPort = 443,
    sequence = 0,
    acknowledgement = 0,
    flags = 16,
  } = fields;
  const frame = Buffer.alloc(tcpHeaderBytes);
  frame.writeUInt16BE(0x0800, 12);
  frame[14] = 0x45;
  frame.writeUInt16BE(40 + (fields.payload ?? 0), 16);
  frame[22] = 64;
  frame[23] = 6;
  frame.set(fields.source.split('.').map(Number), 26);
  frame.set(fields.destination.split('.').map(Number), 30);
  frame.writeUInt16BE(sourcePort, 34);
  frame.writeUInt16BE(destinationPort, 36);
  frame.writeUInt32BE(sequence >>> 0, 38);
  frame.writeUInt32BE(acknowledgement >>> 0, 42);
  frame[46] = 0x50;
  frame[47] = flags;
  return frame;
}

/** A packet as a parser would deliver it. Time in seconds since 1970. */
export function packetOf(
  bytes: Uint8Array,
  seconds: number,
  originalLength = bytes.length,
  linkType: number = LinkType.ethernet,
): Packet {
  const packet = new Packet();
  packet.bytes = bytes;
  packet.length = bytes.length;
  packet.originalLength = originalLength;
  packet.linkType = linkType;
  packet.seconds = Math.floor(seconds);
  packet.nanoseconds = Math.round((seconds - packet.seconds) * 1e9);
  return packet;
}
