/**
 * One end of a TCP connection: its state, and how far its sequence numbers have come.
 *
 * Sequence numbers are kept as they are in packets (32 bits) with a count of how often they wrapped; "relative" is
 * counted from the SYN. Where no SYN was seen, one is made up just before the first number that was.
 */
import { isDecade } from './history.js';
import { Stream } from './stream.js';
import type { StreamEnd } from './stream.js';
import type { TcpSession } from './tcp-session.js';

export const TcpState = {
  /** Nothing was seen of this end. */
  inactive: 0,
  synSent: 1,
  /** A SYN with ACK though no SYN was seen. */
  synAckSent: 2,
  /** Something without a SYN. */
  partial: 3,
  established: 4,
  /** FIN. */
  closed: 5,
  /** RST. */
  reset: 6,
} as const;
export type TcpState = (typeof TcpState)[keyof typeof TcpState];

const WRAP = 2 ** 32;

/** Difference of two sequence numbers, negative when `a` is behind. */
export const sequenceDelta = (a: number, b: number): number => (a - b) | 0;

export class TcpEnd implements StreamEnd {
  state: TcpState = TcpState.inactive;
  previous: TcpState = TcpState.inactive;
  startSequence = 0;
  /** One past the last that was sent. */
  lastSequence = 0;
  acknowledged = 0;
  sequenceWraps = 0;
  acknowledgedWraps = 0;
  hasFin = false;
  /** Relative, one past the FIN. */
  finSequence = 0;
  didClose = false;
  didEnd = false;
  lastSyn = 0;
  lastFin = 0;
  lastRst = 0;
  peer!: TcpEnd;
  readonly stream = new Stream(this);
  #retransmissions = 0;
  #zeroWindows = 0;
  #gaps = 0;

  constructor(
    readonly session: TcpSession,
    public isOriginator: boolean,
  ) {}

  startAt(start: number, last: number): void {
    this.startSequence = this.acknowledged = start >>> 0;
    this.lastSequence = last >>> 0;
  }

  advanceTo(sequence: number): void {
    if (sequence < this.lastSequence) this.sequenceWraps += 1;
    this.lastSequence = sequence;
  }

  acknowledgeTo(sequence: number): void {
    if (sequence < this.acknowledged) this.acknowledgedWraps += 1;
    this.acknowledged = sequence;
  }

  /** Relative to the SYN; negative for a number from before it. */
  relative(sequence: number, last: number, wraps: number): number {
    const delta = sequenceDelta(sequence, last);
    if (delta < 0 && wraps > 0 && sequence > last) wraps -= 1;
    else if (delta > 0 && sequence < last) wraps += 1;
    if (wraps === 0) return sequenceDelta(sequence, this.startSequence);
    return wraps * WRAP + sequence - this.startSequence;
  }

  get isUnacknowledged(): boolean {
    const acknowledged = this.acknowledgedWraps * WRAP + this.acknowledged;
    return acknowledged === this.startSequence || acknowledged === this.startSequence + 1;
  }

  get isPartial(): boolean {
    return this.session.isPartial;
  }

  /** The acknowledgements of its data, relative. */
  get relativeAcknowledged(): number {
    return this.acknowledgedWraps * WRAP + this.acknowledged - this.startSequence;
  }

  /**
   * Bytes of data sent, by sequence numbers: what was sent or what was acknowledged, whichever is more, without SYN and
   * FIN. Negative where numbers contradict each other; Zeek then wraps around at 2^64.
   */
  get size(): number {
    const isAborted =
      this.previous === TcpState.synSent &&
      this.state === TcpState.reset &&
      this.peer.state === TcpState.inactive;
    if (isAborted && !this.isUnacknowledged) return 0;
    const last = this.sequenceWraps * WRAP + this.lastSequence;
    const acknowledged = this.acknowledgedWraps * WRAP + this.acknowledged;
    let size = Math.max(last, acknowledged) - this.startSequence;
    if (size !== 0) size -= 1;
    if (this.hasFin && size !== 0) size -= 1;
    return size;
  }

  /** Data is still to come before the end of this stream is its end. */
  get isDataPending(): boolean {
    if (this.stream.isGivenUp) return false;
    const delivered = this.startSequence + this.stream.delivered;
    const last = this.sequenceWraps * WRAP + this.lastSequence;
    if (last < delivered) return false;
    if (delivered !== last - 1 && delivered !== last) return true;
    return this.state !== TcpState.reset && this.peer.stream.hasBuffered;
  }

  seen(bit: number, letter: string): boolean {
    return this.session.connection.history.addOnce(bit, letter, this.isOriginator);
  }

  /** Adds a letter again. */
  again(letter: string): void {
    this.session.connection.history.add(this.isOriginator ? letter : letter.toLowerCase());
  }

  retransmitted(): void {
    this.#retransmissions += 1;
    if (isDecade(this.#retransmissions)) this.again('T');
  }

  zeroWindow(): void {
    this.#zeroWindows += 1;
    if (isDecade(this.#zeroWindows)) this.again('W');
  }

  /** Gaps count only where both ends are known to be in a regular state: else they can be an artefact. */
  onGap(length: number): void {
    if (!isClean(this) || !isClean(this.peer)) return;
    this.#gaps += 1;
    if (isDecade(this.#gaps)) this.again('G');
    this.session.connection.missedBytes += length;
  }
}

function isClean(end: TcpEnd): boolean {
  return (
    end.state === TcpState.established ||
    (end.state === TcpState.closed && end.previous === TcpState.established)
  );
}
