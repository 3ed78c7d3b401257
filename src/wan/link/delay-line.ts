/**
 * The long way between two access links: each packet is lost with a fixed probability, or comes out after
 * its lane's delay, varied by jitter.
 *
 * A lane is one path (one peer, one direction). Within a lane order is kept: a packet that drew a short
 * delay waits for the one before it, because routers along one path do not overtake each other and TCP
 * would take reordering for loss. So jitter shows as bunching, never as reordering.
 */
import TinyQueue from 'tinyqueue';
import type { Random } from '../../random.js';
import type { Path } from '../../scenario/topology.js';
import type { Queued, Stage } from './stage.js';

interface Traveller<P> {
  readonly packet: P;
  readonly due: number;
  readonly order: number;
}

export class DelayLine<P extends Queued> implements Stage<P> {
  readonly #paths: readonly Path[];
  readonly #random: Random;
  readonly #lastDue: Float64Array;
  readonly #travelling = new TinyQueue<Traveller<P>>([], byDueThenArrival);
  #arrivals = 0;

  /** `paths` is indexed by lane. */
  constructor(paths: readonly Path[], random: Random) {
    this.#paths = paths;
    this.#random = random;
    this.#lastDue = new Float64Array(paths.length).fill(-Infinity);
  }

  /** False when the packet is lost on the way. */
  accept(packet: P, now: number): boolean {
    const path = this.#paths[packet.lane];
    if (path === undefined) throw new RangeError(`no path for lane ${packet.lane}`);
    if (path.loss > 0 && this.#random.uniform() < path.loss) return false;
    const variation = path.jitter > 0 ? path.jitter * (2 * this.#random.uniform() - 1) : 0;
    const due = Math.max(now + Math.max(0, path.delay + variation), this.#lastDue[packet.lane] ?? -Infinity);
    this.#lastDue[packet.lane] = due;
    packet.due = due;
    this.#travelling.push({ packet, due, order: this.#arrivals++ });
    return true;
  }

  nextEvent(): number {
    return this.#travelling.peek()?.due ?? Infinity;
  }

  release(now: number, emit: (packet: P) => void): void {
    for (
      let next = this.#travelling.peek();
      next !== undefined && next.due <= now;
      next = this.#travelling.peek()
    ) {
      this.#travelling.pop();
      emit(next.packet);
    }
  }
}

/** Ties leave in order of arrival: a heap alone does not promise it. */
function byDueThenArrival(a: Traveller<Queued>, b: Traveller<Queued>): number {
  return a.due - b.due || a.order - b.order;
}
