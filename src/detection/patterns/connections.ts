/**
 * From flow records to connections: puts together again what an exporter's timeouts cut.
 *
 * RITA reads Zeek's conn.log, in which a connection is one line however long it lasts. A router's records of the same
 * connection are many. Records of the same endpoints, in either direction, are joined here as Zeek would have seen them:
 * unless one ended by its protocol's word (FIN, RST), or the silence between two is longer than Zeek's timeout for that
 * protocol (tcp_inactivity_timeout 5 min; udp_ and icmp_inactivity_timeout 1 min).
 *
 * Memory is bounded: of more pieces than `maxPieces` the rest is counted and not joined.
 */
import { formatAddress } from '../../capture/index.js';
import { FlowEndReason } from '../../traffic/flows/record.js';
import type { FlowRecord } from '../../traffic/flows/record.js';

const TCP = 6;
const TCP_SILENCE_SECONDS = 300;
const OTHER_SILENCE_SECONDS = 60;

export interface Connection {
  /** Who opened it. */
  readonly source: string;
  readonly destination: string;
  /** Seconds since 1970-01-01 UTC. */
  readonly start: number;
  readonly end: number;
  /** Bytes of IP packets that the source sent, as observed times the sampling rate. */
  readonly bytes: number;
}

interface Piece {
  readonly source: string;
  readonly destination: string;
  readonly start: number;
  readonly end: number;
  readonly forward: number;
  readonly backward: number;
  readonly isOver: boolean;
}

export class ConnectionJoiner {
  /** Records that found no room. */
  leftOut = 0;
  readonly #pieces = new Map<string, Piece[]>();
  readonly #max: number;
  #count = 0;

  constructor(maxPieces = 1_000_000) {
    this.#max = maxPieces;
  }

  add(record: FlowRecord): void {
    if (this.#count >= this.#max) {
      this.leftOut += 1;
      return;
    }
    this.#count += 1;
    const source = formatAddress(record.source);
    const destination = formatAddress(record.destination);
    const ends = [`${source} ${record.sourcePort}`, `${destination} ${record.destinationPort}`].sort();
    const key = `${record.protocol} ${ends.join(' ')}`;
    const piece: Piece = {
      source,
      destination,
      start: record.startMicros / 1e6,
      end: record.endMicros / 1e6,
      forward: record.forward.octets * record.samplingRate,
      backward: record.backward.octets * record.samplingRate,
      isOver: record.endReason === FlowEndReason.end,
    };
    const pieces = this.#pieces.get(key);
    if (pieces === undefined) this.#pieces.set(key, [piece]);
    else pieces.push(piece);
  }

  /** All connections, in no particular order. */
  *connections(): Iterable<Connection> {
    for (const [key, pieces] of this.#pieces) {
      const silence = key.startsWith(`${TCP} `) ? TCP_SILENCE_SECONDS : OTHER_SILENCE_SECONDS;
      yield* joined(pieces, silence);
    }
  }
}

function* joined(pieces: Piece[], silence: number): Iterable<Connection> {
  pieces.sort((a, b) => a.start - b.start);
  let open: { -readonly [Key in keyof Connection]: Connection[Key] } | undefined;
  let isOver = false;
  for (const piece of pieces) {
    if (open === undefined || isOver || piece.start - open.end > silence) {
      if (open !== undefined) yield open;
      const { source, destination, start, end, forward } = piece;
      open = { source, destination, start, end, bytes: forward };
    } else {
      // A piece may begin with a packet of the other side.
      open.bytes += piece.source === open.source ? piece.forward : piece.backward;
      open.end = Math.max(open.end, piece.end);
    }
    isOver = piece.isOver;
  }
  if (open !== undefined) yield open;
}
