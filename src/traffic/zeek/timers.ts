/**
 * Timers on the capture's own clock.
 *
 * A binary heap by time, first set first run where times are equal. A timer that is cancelled stays in the heap as an
 * empty shell until its time comes, or until shells are the larger half and all are thrown out at once.
 */
export class Timer<Owner> {
  /** Undefined when cancelled or done. */
  owner: Owner | undefined;

  constructor(
    readonly at: number,
    readonly order: number,
    readonly kind: TimerKind,
    owner: Owner,
  ) {
    this.owner = owner;
  }
}

/** What is to be looked at. Those that end something at the end of the capture, too, are in {@link runsAtEnd}. */
export type TimerKind = 'idle' | 'attempt' | 'look' | 'delete' | 'dns';

export const runsAtEnd = (kind: TimerKind): boolean => kind === 'attempt' || kind === 'dns';

const MIN_SIZE_TO_SWEEP = 1024;

export class Timers<Owner> {
  #heap: Timer<Owner>[] = [];
  #set = 0;
  #cancelled = 0;

  add(at: number, kind: TimerKind, owner: Owner): Timer<Owner> {
    const timer = new Timer(at, this.#set, kind, owner);
    this.#set += 1;
    this.#heap.push(timer);
    this.#up(this.#heap.length - 1);
    return timer;
  }

  cancel(timer: Timer<Owner>): void {
    if (timer.owner === undefined) return;
    timer.owner = undefined;
    this.#cancelled += 1;
    if (this.#heap.length >= MIN_SIZE_TO_SWEEP && this.#cancelled * 2 > this.#heap.length) this.#sweep();
  }

  /** True when something might be due: cheap, for once per packet. */
  isDue(now: number): boolean {
    const first = this.#heap[0];
    return first !== undefined && first.at <= now;
  }

  /** Takes the next timer that is due at `now`; undefined when there is none. */
  take(now: number): Timer<Owner> | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > now) return undefined;
      this.#removeFirst();
      if (first.owner !== undefined) return first;
      this.#cancelled -= 1;
    }
  }

  #removeFirst(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((timer) => timer.owner !== undefined);
    this.#cancelled = 0;
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index--) this.#down(index);
  }

  #up(index: number): void {
    const heap = this.#heap;
    const timer = heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = timer;
  }

  #down(index: number): void {
    const heap = this.#heap;
    const timer = heap[index]!;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, timer)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = timer;
  }
}

function isBefore<Owner>(a: Timer<Owner>, b: Timer<Owner>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
