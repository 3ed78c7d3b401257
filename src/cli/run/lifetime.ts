/**
 * The lifetime of a run: what was opened for it, why it ends early, and that all is closed in the end.
 *
 * Whatever is opened is closed once, the newest first, whether the run came to its end or broke off; and whoever waits
 * for anything in the run hears of a reason to end it early.
 */
import { Deferred } from '../../deferred.js';
import { messageOf, RunError } from '../../errors.js';

export class Lifetime {
  /** Ends what was opened. */
  readonly #closers: (() => Promise<void> | void)[] = [];
  /** What is being opened, or has been. */
  readonly #openings: Promise<unknown>[] = [];
  #closing = false;
  /** Rejects when the run must end early. */
  readonly #broken = new Deferred<never>();

  /** @param signal aborted with the reason when the run is to end early. */
  constructor(signal: AbortSignal) {
    this.#broken.promise.catch(() => undefined);
    const abort = (): void => this.breakOff(new RunError(String(signal.reason)));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  }

  /** Ends the run early; the first reason stays the reason. */
  breakOff(reason: unknown): void {
    this.#broken.reject(reason);
  }

  /** Has something closed at the end. */
  own(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  /** Waits for something, or for the end of the run. */
  wait<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#broken.promise]);
  }

  /** Does something; what goes wrong with it ends the run. */
  attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.breakOff(error);
    }
  }

  /** Opens something. A run that breaks off meanwhile goes on to its end at once, but closes it all the same. */
  async open<T>(open: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new RunError('the run is ending');
    const opening = open();
    this.#openings.push(opening);
    return this.wait(opening);
  }

  /** Closes everything, even if closing one thing fails; the first failure is thrown at the end. */
  async closeAll(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled(this.#openings);
    const failures: unknown[] = [];
    for (const close of this.#closers.reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#closers.length = 0;
    if (failures.length > 0) throw new RunError(messageOf(failures[0]));
  }
}
