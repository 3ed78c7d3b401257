/**
 * Long tasks of one test file, several at a time.
 *
 * A run mostly waits: for its pace, its links, its heartbeats. Tests that need one each would wait for one after the
 * other; here the first that asks sets all of them going, so many at once, and each waits only for its own.
 */
import { Deferred } from '../../src/deferred.js';
import { severalAtOnce } from '../../src/object-store/parts.js';

export class Ahead {
  readonly #atOnce: number;
  readonly #tasks: (() => Promise<void>)[] = [];
  #started = false;

  /** @param atOnce how many run at the same time. */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Registers a task; what it gives starts the tasks if none has yet, and is settled when this one is. */
  task<T>(work: () => Promise<T>): () => Promise<T> {
    const result = new Deferred<T>();
    result.promise.catch(() => undefined); // Who asks for it hears of it.
    this.#tasks.push(() => work().then(result.resolve, result.reject));
    return () => {
      if (!this.#started) void severalAtOnce(this.#tasks, this.#atOnce, (task) => task());
      this.#started = true;
      return result.promise;
    };
  }
}
