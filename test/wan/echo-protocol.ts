/** What a test asks of an echo worker, and what it answers. */
import type { Placement } from '../../src/wan/fabric.js';

export interface EchoWorkerSettings {
  readonly placement: Placement;
}

export type EchoCommand =
  /** Dial a peer and send it `count` small messages, each after the last came back. Answers EchoTimes. */
  | { readonly do: 'ping'; readonly peer: number; readonly count: number; readonly bytes: number }
  /** Dial a peer and send it random bytes, then FIN. Answers BulkSent once the peer has confirmed the end. */
  | { readonly do: 'bulk'; readonly peer: number; readonly bytes: number; readonly transfer: number }
  /** What arrived of a transfer so far. Answers BulkReceived. */
  | { readonly do: 'received'; readonly transfer: number }
  /** Dial a peer and write for some time whatever the socket takes, then reset. Answers Flooded. */
  | { readonly do: 'flood'; readonly peer: number; readonly seconds: number; readonly transfer: number }
  /** Send datagrams to a peer's mesh port at a rate in bit/s of payload. Answers the number sent. */
  | {
      readonly do: 'blast';
      readonly peer: number;
      readonly seconds: number;
      readonly rate: number;
      readonly bytes: number;
    }
  /** Datagrams that arrived so far. Answers their number. */
  | { readonly do: 'datagrams' };

/** Round trips in seconds. */
export type EchoTimes = readonly number[];

export interface BulkSent {
  readonly sha256: string;
}

export interface BulkReceived {
  readonly bytes: number;
  readonly sha256: string;
  /** Instants in seconds and bytes received until then. */
  readonly times: readonly number[];
  readonly totals: readonly number[];
}

export interface Flooded {
  /** Bytes that the program has got rid of: its own buffer is not counted. */
  readonly accepted: number;
}

export interface EchoRequest {
  readonly id: number;
  readonly command: EchoCommand;
}

export type EchoReply =
  { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: string };

/** The first bytes on a connection: what the server shall do with the rest, and the transfer's number. */
export const HEADER_BYTES = 5;
export const ECHO = 0;
export const SINK = 1;
/** What a sink answers when the stream has ended. */
export const DONE_BYTES = 1;
