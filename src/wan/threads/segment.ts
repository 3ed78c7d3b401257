/**
 * A segment: what the relay sends through its modelled WAN in place of a packet.
 *
 * A byte stream has no packets, so the relay makes some: it plays, for each relayed connection, the TCP
 * that the two nodes would speak over a real path, segment by segment, with handshake, acknowledgements and
 * FIN. That gives every byte the overhead and the reply traffic it would have on a wire, and a capture
 * something to show. It is not a TCP: there is no window, no congestion control, no timer.
 */
import type { Queued } from '../link/index.js';
import { ETHERNET_HEADER_BYTES } from '../shaper/packet.js';

/** Flags of the TCP header (RFC 9293, 3.1). */
export const Flag = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;

/** IP and TCP headers with the timestamps option, as Linux sends them. */
export const HEADER_BYTES = 52;
/** The same of a SYN, whose options are MSS, SACK permitted, timestamps and window scale. */
export const SYN_HEADER_BYTES = 60;

const NO_PAYLOAD = Buffer.alloc(0);

/** The end of a connection as far as a segment must know it. */
export interface SegmentEnd {
  readonly rank: number;
  /** Whether this end opened the connection. */
  readonly dialer: boolean;
}

export interface SegmentFields<E extends SegmentEnd> {
  readonly sender: E;
  readonly receiver: E;
  readonly lane: number;
  readonly flags: number;
  /** Sequence number relative to the initial one: the SYN is 0, the first byte of payload 1. */
  readonly sequence: number;
  /** Sequence number the sender expects next from the other side, likewise relative. */
  readonly acknowledgement: number;
  /** TCP timestamp of the sender, milliseconds, and the last one it saw from the other side. */
  readonly timestamp: number;
  readonly timestampEcho: number;
  readonly payload?: Buffer;
  /** Sent again when lost. A mere acknowledgement is not: the next one says all that it said. */
  readonly reliable: boolean;
}

export class Segment<E extends SegmentEnd = SegmentEnd> implements Queued {
  readonly sender: E;
  readonly receiver: E;
  readonly lane: number;
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly timestamp: number;
  readonly timestampEcho: number;
  readonly payload: Buffer;
  readonly reliable: boolean;
  /** Bytes of the Ethernet frame that would carry it: rates count those. */
  readonly bytes: number;
  due = 0;

  constructor(fields: SegmentFields<E>) {
    this.sender = fields.sender;
    this.receiver = fields.receiver;
    this.lane = fields.lane;
    this.flags = fields.flags;
    this.sequence = fields.sequence;
    this.acknowledgement = fields.acknowledgement;
    this.timestamp = fields.timestamp;
    this.timestampEcho = fields.timestampEcho;
    this.payload = fields.payload ?? NO_PAYLOAD;
    this.reliable = fields.reliable;
    this.bytes = ETHERNET_HEADER_BYTES + headerBytes(fields.flags) + this.payload.length;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Sequence numbers it takes up: one for each byte of payload, one for a SYN, one for a FIN. */
  get span(): number {
    return this.payload.length + (this.has(Flag.syn) ? 1 : 0) + (this.has(Flag.fin) ? 1 : 0);
  }
}

/** Bytes of the IP and TCP headers of a segment with these flags. */
export function headerBytes(flags: number): number {
  return (flags & Flag.syn) === 0 ? HEADER_BYTES : SYN_HEADER_BYTES;
}
