/**
 * Long tasks of one test file, several at a time.
 *
 * A run mostly waits: for its pace, its links, its heartbeats. Tests that need one each would wait for one after the
 * other; here the first that asks sets all of them going, so many at once, and each waits only for its own.
 */
export class Ahead {
  readonly #waiting: (() => Promise<void>)[] = [];
  #free: number;
  #started = false;

  /** @param atOnce how many run at the same time. */
  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Registers a task; what it gives starts the tasks if none has yet, and is settled when this one is. */
  task<T>(work: () => Promise<T>): () => Promise<T> {
    const result = new Promise<T>((resolve, reject) => {
      this.#waiting.push(() => work().then(resolve, reject));
    });
    result.catch(() => undefined); // Who asks for it hears of it.
    return () => {
      if (!this.#started) {
        this.#started = true;
        this.#next();
      }
      return result;
    };
  }

  #next(): void {
    while (this.#free > 0) {
      const work = this.#waiting.shift();
      if (work === undefined) return;
      this.#free--;
      void work().finally(() => {
        this.#free++;
        this.#next();
      });
    }
  }
}
