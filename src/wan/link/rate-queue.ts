/**
 * A drop-tail queue in front of a transmitter of fixed rate: what an access link is.
 *
 * A packet leaves when its last bit has been sent: one serialization time after it reached the
 * transmitter, which is when the packet before it left. The clock that calls release() is never exact. If
 * it comes late, packets leave late but the next ones keep their planned instants, so the mean rate
 * stays true; yet only up to `catchUp` seconds, as a token bucket of that depth, for a long delay made
 * good at once would be a burst above the rate that no real link could send.
 */
import Denque from 'denque';
import type { Queued, Stage } from './stage.js';

export interface RateQueueSettings {
  /** bit/s; Infinity for no limit. */
  readonly rate: number;
  /** Most bytes that wait, the packet being sent included. */
  readonly limitBytes: number;
  /** Seconds of lateness that are made good. */
  readonly catchUp: number;
}

/** Default for RateQueueSettings.catchUp: 2 % of a 100 ms window. */
export const CATCH_UP_SECONDS = 0.002;

export class RateQueue<P extends Queued> implements Stage<P> {
  readonly #waiting = new Denque<P>();
  #secondsPerByte: number;
  #limitBytes: number;
  readonly #catchUp: number;
  #queuedBytes = 0;
  #lastDeparture = -Infinity;

  constructor(settings: RateQueueSettings) {
    this.#secondsPerByte = 8 / settings.rate;
    this.#limitBytes = settings.limitBytes;
    this.#catchUp = settings.catchUp;
  }

  /** Bytes waiting or being sent. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * Another rate (bit/s) and limit from now on. What is being sent goes on at the new rate; what waits beyond a lower
   * limit stays.
   */
  change(rate: number, limitBytes: number, now: number): void {
    const before = this.#secondsPerByte;
    this.#secondsPerByte = 8 / rate;
    this.#limitBytes = limitBytes;
    const head = this.#waiting.peekFront();
    if (head === undefined || head.due <= now) return;
    const unsentBytes = Math.min(head.bytes, (head.due - now) / before);
    head.due = now + unsentBytes * this.#secondsPerByte;
  }

  accept(packet: P, now: number): boolean {
    // A packet larger than the whole queue still passes when the link is idle, as on a real interface.
    if (this.#queuedBytes > 0 && this.#queuedBytes + packet.bytes > this.#limitBytes) return false;
    packet.due = now; // Until it is its turn this is its time of arrival, before which it cannot leave.
    if (this.#waiting.length === 0) this.#schedule(packet);
    this.#waiting.push(packet);
    this.#queuedBytes += packet.bytes;
    return true;
  }

  nextEvent(): number {
    return this.#waiting.peekFront()?.due ?? Infinity;
  }

  release(now: number, emit: (packet: P) => void): void {
    for (
      let head = this.#waiting.peekFront();
      head !== undefined && head.due <= now;
      head = this.#waiting.peekFront()
    ) {
      this.#waiting.shift();
      this.#queuedBytes -= head.bytes;
      this.#lastDeparture = Math.max(head.due, now - this.#catchUp);
      const next = this.#waiting.peekFront();
      if (next !== undefined) this.#schedule(next);
      emit(head);
    }
  }

  /** Turns a packet's time of arrival into its time of departure. */
  #schedule(packet: P): void {
    packet.due = Math.max(packet.due, this.#lastDeparture) + packet.bytes * this.#secondsPerByte;
  }
}
