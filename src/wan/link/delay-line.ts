/**
 * The long way between two access links, with its weather: each packet is lost, or comes out after its lane's delay and
 * what jitter adds to it; some come twice, some damaged, and some before those that set out earlier.
 *
 * A lane is one path (one peer, one direction). Within a lane order is kept: a packet that drew a short
 * delay waits for the one before it, because routers along one path do not overtake each other and TCP
 * would take reordering for loss. So jitter shows as bunching, never as reordering. What is to overtake is
 * drawn by itself (`reorder`): as with netem such a packet does not spend the delay at all, so it arrives before all
 * that are on their way.
 *
 * The line knows packets only by their lane. Whoever owns them copies and damages them (`Handling`); on a path that
 * does neither, no handling is needed.
 */
import type { Random } from '../../random.js';
import type { Path } from '../../scenario/topology.js';
import { jitterSource } from './jitter.js';
import { Lanes } from './lanes.js';
import { lossSource } from './loss.js';
import type { Queued, Stage } from './stage.js';

/** What a path with duplicates or corruption must be able to do to a packet. */
export interface Handling<P> {
  /** A second packet that is like the first. */
  copy(packet: P): P;
  /** Flips one bit of it, which `share`, of at least 0 and below 1, picks. */
  damage(packet: P, share: number): void;
}

/** A path and the sources of its chances. */
interface Lane {
  readonly delay: number;
  /** Absent where the delay does not vary. */
  readonly variation?: () => number;
  /** Absent where nothing is lost. */
  readonly isLost?: () => boolean;
  readonly duplicate: number;
  readonly reorder: number;
  readonly corrupt: number;
}

export class DelayLine<P extends Queued> implements Stage<P> {
  readonly #lanes: Lane[];
  readonly #random: Random;
  readonly #handling: Handling<P> | undefined;
  readonly #lastDue: Float64Array;
  /** One line for each lane; and a last one for packets that overtake, due as soon as they come. */
  readonly #travelling: Lanes<P>;

  /** `paths` is indexed by lane. */
  constructor(paths: readonly Path[], random: Random, handling?: Handling<P>) {
    this.#random = random;
    this.#handling = handling;
    this.#lanes = paths.map((path) => this.#laneOf(path));
    this.#lastDue = new Float64Array(paths.length).fill(-Infinity);
    this.#travelling = new Lanes(paths.length + 1);
  }

  /** Another path for what comes into a lane from now on; what is on its way keeps its time. */
  setPath(lane: number, path: Path): void {
    if (this.#lanes[lane] === undefined) throw new RangeError(`no path for lane ${lane}`);
    this.#lanes[lane] = this.#laneOf(path);
  }

  /** False when the packet is lost on the way. */
  accept(packet: P, now: number): boolean {
    const lane = this.#lanes[packet.lane];
    if (lane === undefined) throw new RangeError(`no path for lane ${packet.lane}`);
    if (lane.isLost?.() === true) return false;
    if (lane.corrupt > 0 && this.#random.uniform() < lane.corrupt)
      this.#handling?.damage(packet, this.#random.uniform());
    this.#setOut(packet, lane, now);
    if (lane.duplicate > 0 && this.#random.uniform() < lane.duplicate && this.#handling !== undefined)
      this.#setOut(this.#handling.copy(packet), lane, now);
    return true;
  }

  nextEvent(): number {
    return this.#travelling.nextDue;
  }

  release(now: number, emit: (packet: P) => void): void {
    for (let packet = this.#travelling.shift(now); packet !== undefined; packet = this.#travelling.shift(now))
      emit(packet);
  }

  #setOut(packet: P, lane: Lane, now: number): void {
    if (lane.reorder > 0 && this.#random.uniform() < lane.reorder) {
      packet.due = now;
      this.#travelling.push(this.#lanes.length, packet);
      return;
    }
    const delay = lane.variation === undefined ? lane.delay : lane.delay + lane.variation();
    const due = Math.max(now + Math.max(0, delay), this.#lastDue[packet.lane]!);
    this.#lastDue[packet.lane] = due;
    packet.due = due;
    this.#travelling.push(packet.lane, packet);
  }

  #laneOf({ delay, jitter, loss, duplicate, reorder, corrupt }: Path): Lane {
    if (this.#handling === undefined && duplicate + corrupt > 0)
      throw new RangeError('a path with duplicates or corruption needs somebody to handle packets');
    const isCertain = loss.kind === 'bernoulli' && loss.probability === 0;
    return {
      delay,
      ...(jitter.kind === 'none' ? {} : { variation: jitterSource(jitter, this.#random) }),
      ...(isCertain ? {} : { isLost: lossSource(loss, this.#random) }),
      duplicate,
      reorder,
      corrupt,
    };
  }
}
