/**
 * What is asked of a measuring instrument, and what it answers. Plain data: it crosses from thread to thread.
 *
 * All instants are of the mesh's one clock (src/clock.ts), seconds, so an instant of one instrument compares with that of
 * another, and one-way delays need no second machine to be trusted.
 */
import type { Placement } from '../wan/fabric.js';

export interface InstrumentData {
  readonly placement: Placement;
}

export interface EchoOrder {
  readonly peer: number;
  readonly count: number;
  /** Between two of them, at least, seconds. */
  readonly spacing: number;
  /** How long to wait for those that may never come, after the last was sent, seconds. */
  readonly patience: number;
}

/** A train of numbered datagrams. */
export interface TrainOrder {
  readonly peer: number;
  /** A number that no other train to this peer has. */
  readonly train: number;
  readonly packets: number;
  /** Bytes of each IP packet. */
  readonly bytes: number;
  /** Datagrams a second. */
  readonly pace: number;
}

export type InstrumentCommand =
  /** Send a peer datagrams that it sends back. Answers EchoTimes. */
  | ({ readonly do: 'echo' } & EchoOrder)
  /** Dial a peer and send it messages that it sends back, each after the last came. Answers EchoTimes. */
  | ({ readonly do: 'stream-echo' } & Omit<EchoOrder, 'patience'>)
  /** Dial a peer and send whatever TCP takes, until so many seconds are over; then reset. */
  | { readonly do: 'stream'; readonly peer: number; readonly flow: number; readonly seconds: number }
  /** What came of a flow that a peer sent. Answers StreamArrivals, once; then it is forgotten. */
  | { readonly do: 'stream-arrivals'; readonly flow: number }
  /** Send a train. Answers Departures. */
  | ({ readonly do: 'train' } & TrainOrder)
  /** What came of a train. Answers TrainArrivals, once; then it is forgotten. */
  | { readonly do: 'train-arrivals'; readonly from: number; readonly train: number }
  /** Answers KernelCounters of the instrument's network. */
  | { readonly do: 'counters' };

/** Round trips in seconds, of the messages that came back. */
export interface EchoTimes {
  readonly sent: number;
  readonly seconds: Float64Array;
}

export interface StreamArrivals {
  /** When data was read, and how many bytes of the flow had come until then. */
  readonly times: Float64Array;
  readonly totals: Float64Array;
}

export interface Departures {
  /** By index. */
  readonly times: Float64Array;
}

export interface TrainArrivals {
  /** In order of arrival; a datagram that came twice is there twice. */
  readonly indices: Uint32Array;
  readonly times: Float64Array;
}

/** What the kernel counted of UDP in one network since that was made (/proc/net/snmp, RFC 4113). */
export interface KernelCounters {
  /** Datagrams that reached the socket, and found its buffer full. */
  readonly overflowed: number;
  /** Datagrams whose checksum was wrong. */
  readonly damaged: number;
}

export interface InstrumentRequest {
  readonly id: number;
  readonly command: InstrumentCommand;
}

export type InstrumentReply =
  { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: string };

/** The first bytes of a connection: what is to be done with the rest, and the flow's number. */
export const STREAM_HEADER_BYTES = 5;
export const STREAM_ECHO = 0;
export const STREAM_SINK = 1;
/** Of one message of a stream-echo. */
export const STREAM_ECHO_BYTES = 16;

/** The first bytes of a datagram: kind, sender's rank, train, index. */
export const DATAGRAM_HEADER_BYTES = 16;
export const DATAGRAM_ECHO = 0x4d42_4550; // "MBEP"
export const DATAGRAM_ECHOED = 0x4d42_4552; // "MBER"
export const DATAGRAM_CARRIAGE = 0x4d42_4543; // "MBEC"
/** IPv4 and UDP headers (RFC 791, RFC 768). */
export const IP_UDP_BYTES = 28;
/** Bytes of an echo's IP packet. */
export const ECHO_BYTES = 64;
