/**
 * A drop-tail queue in front of a transmitter that may send at the instants of a trace only: a link whose rate varies as
 * somebody recorded it (src/scenario/rate-trace.ts).
 *
 * Each instant is an opportunity for so many bytes, as in mahimahi's link emulator: a packet that is larger takes
 * several, several that are smaller share one, and what is not used when nothing waits is lost. The trace begins with the
 * first packet that comes, and again whenever it has come to its end. If the clock that calls release() comes late, what
 * should have left by then leaves at once, but of what is more than `catchUp` seconds ago nothing is made good.
 */
import Denque from 'denque';
import { OPPORTUNITY_BYTES, type RateTrace } from '../../scenario/rate-trace.js';
import type { Queued, Stage } from './stage.js';

export interface TraceQueueSettings {
  readonly trace: RateTrace;
  /** Most bytes that wait, the packet being sent included. */
  readonly limitBytes: number;
  /** Seconds of lateness that are made good. */
  readonly catchUp: number;
}

export class TraceQueue<P extends Queued> implements Stage<P> {
  readonly #waiting = new Denque<P>();
  /** Seconds since the beginning of the trace. */
  readonly #instants: Float64Array;
  readonly #limitBytes: number;
  readonly #catchUp: number;
  #begin: number | undefined;
  /** Number of the opportunity that comes next; they are counted on when the trace begins again. */
  #next = 0;
  #queuedBytes = 0;
  /** Bytes of the first packet that have been sent already. */
  #sentBytes = 0;

  constructor({ trace, limitBytes, catchUp }: TraceQueueSettings) {
    this.#instants = Float64Array.from(trace.opportunities, (ms) => ms / 1000);
    this.#limitBytes = limitBytes;
    this.#catchUp = catchUp;
  }

  /** Bytes waiting or being sent. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  accept(packet: P, now: number): boolean {
    if (this.#queuedBytes > 0 && this.#queuedBytes + packet.bytes > this.#limitBytes) return false;
    this.#begin ??= now;
    packet.due = now; // Its time of arrival, before which it cannot leave.
    if (this.#waiting.length === 0) this.#skipTo(now);
    this.#waiting.push(packet);
    this.#queuedBytes += packet.bytes;
    return true;
  }

  nextEvent(): number {
    return this.#waiting.length === 0 ? Infinity : this.#instantOf(this.#next);
  }

  release(now: number, emit: (packet: P) => void): void {
    if (this.nextEvent() > now) return;
    if (Number.isFinite(now)) this.#skipTo(now - this.#catchUp);
    while (this.#waiting.length > 0) {
      const instant = this.#instantOf(this.#next);
      if (instant > now) return;
      this.#next++;
      this.#use(instant, emit);
      // Of what comes before the next packet does, nothing can be used.
      const head = this.#waiting.peekFront();
      if (head !== undefined && head.due > instant) this.#skipTo(head.due);
    }
  }

  /** Lets as many bytes go as an opportunity has, of packets that were there by then. */
  #use(instant: number, emit: (packet: P) => void): void {
    let left = OPPORTUNITY_BYTES;
    for (
      let head = this.#waiting.peekFront();
      head !== undefined && head.due <= instant && left > 0;
      head = this.#waiting.peekFront()
    ) {
      const unsent = head.bytes - this.#sentBytes;
      if (unsent > left) {
        this.#sentBytes += left;
        return;
      }
      left -= unsent;
      this.#sentBytes = 0;
      this.#waiting.shift();
      this.#queuedBytes -= head.bytes;
      head.due = instant;
      emit(head);
    }
  }

  #instantOf(opportunity: number): number {
    const count = this.#instants.length;
    const rounds = Math.floor(opportunity / count);
    return (this.#begin ?? 0) + rounds * this.#instants[count - 1]! + this.#instants[opportunity % count]!;
  }

  /** Lets all opportunities before an instant pass. */
  #skipTo(instant: number): void {
    if (this.#instantOf(this.#next) >= instant) return;
    const count = this.#instants.length;
    const since = instant - (this.#begin ?? 0);
    const rounds = Math.max(0, Math.floor(since / this.#instants[count - 1]!));
    // The first of this round, or of the one before, for at the seam of two rounds an instant belongs to both.
    let [low, high] = [Math.max(this.#next, (rounds - 1) * count), (rounds + 1) * count];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#instantOf(middle) < instant) low = middle + 1;
      else high = middle;
    }
    this.#next = low;
  }
}
