/**
 * When the relay reads from a node, and when it makes it wait.
 *
 * A drop-tail queue tells a sender by loss that it is full. A stream relay may not lose, so it stops reading,
 * and the sender's own TCP then stops it. The same limits apply: an uplink takes bytes while its queue
 * is below its limit, and a downlink is promised at most its queue's limit and what its longest path
 * holds. Who has to wait stands in line at the link that is full, and is served in order, so that connections
 * share a full link evenly.
 */
import Denque from 'denque';
import { changedNetwork, type Change } from '../../scenario/events/change.js';
import type { Topology } from '../../scenario/topology.js';
import { jitterMost } from '../../scenario/weather.js';
import { queueBytes } from '../shaper/queue-bytes.js';

/** One who sends from a node to a node and may have to wait. */
export interface Waiter {
  readonly from: number;
  readonly to: number;
  /** There is room: send what fits, and wait again if some is left. */
  proceed(): void;
}

/** The state of the links, as StreamWan gives it. */
export interface LinkState {
  uplinkBytes(rank: number): number;
  committedBytes(rank: number): number;
  /** Whether nothing passes from a node to another at present. */
  isCut(from: number, to: number): boolean;
}

/** A queue shorter than the relay's clock needs to refill it would leave its link idle. */
const SHORTEST_QUEUE_SECONDS = 0.005;

export class BackPressure {
  readonly #links: LinkState;
  #topology: Topology;
  #uplinkLimits: readonly number[];
  #downlinkLimits: readonly number[];
  readonly #atUplink: readonly Denque<Waiter>[];
  readonly #atDownlink: readonly Denque<Waiter>[];
  /** Those whose way is cut. */
  readonly #atCut = new Denque<Waiter>();

  constructor(topology: Topology, links: LinkState) {
    const { nodes } = topology;
    this.#links = links;
    this.#topology = topology;
    this.#uplinkLimits = uplinkLimits(topology);
    this.#downlinkLimits = downlinkLimits(topology);
    this.#atUplink = nodes.map(() => new Denque<Waiter>());
    this.#atDownlink = nodes.map(() => new Denque<Waiter>());
  }

  /** Other rates and paths from now on. */
  apply(change: Change): void {
    if (change.links.length === 0 && change.paths.length === 0) return;
    this.#topology = changedNetwork(this.#topology, change);
    this.#uplinkLimits = uplinkLimits(this.#topology);
    this.#downlinkLimits = downlinkLimits(this.#topology);
  }

  /** Whether another segment may be sent; it may exceed the limit by its own size. */
  hasRoom(from: number, to: number): boolean {
    return !this.#links.isCut(from, to) && this.#uplinkHasRoom(from) && this.#downlinkHasRoom(to);
  }

  /** Stands in line until there is room. Call it once, when hasRoom() is false. */
  wait(waiter: Waiter): void {
    if (this.#links.isCut(waiter.from, waiter.to)) {
      this.#atCut.push(waiter);
      return;
    }
    const line = this.#uplinkHasRoom(waiter.from) ? this.#atDownlink[waiter.to] : this.#atUplink[waiter.from];
    line?.push(waiter);
  }

  /** Lets those proceed for whom there is room by now. */
  wake(): void {
    for (let count = this.#atCut.length; count > 0; count--) this.#advance(this.#atCut);
    for (const [rank, line] of this.#atUplink.entries()) {
      while (line.length > 0 && this.#uplinkHasRoom(rank)) this.#advance(line);
    }
    for (const [rank, line] of this.#atDownlink.entries()) {
      while (line.length > 0 && this.#downlinkHasRoom(rank)) this.#advance(line);
    }
  }

  #advance(line: Denque<Waiter>): void {
    const waiter = line.shift();
    if (waiter === undefined) return;
    if (this.hasRoom(waiter.from, waiter.to)) waiter.proceed();
    else this.wait(waiter); // at another of the places where it may have to
  }

  #uplinkHasRoom(rank: number): boolean {
    return this.#links.uplinkBytes(rank) < (this.#uplinkLimits[rank] ?? 0);
  }

  #downlinkHasRoom(rank: number): boolean {
    return this.#links.committedBytes(rank) < (this.#downlinkLimits[rank] ?? 0);
  }
}

function uplinkLimits(topology: Topology): number[] {
  return topology.nodes.map((node) => queueLimit(topology, node.uplink));
}

function downlinkLimits(topology: Topology): number[] {
  return topology.nodes.map(
    (node) => queueLimit(topology, node.downlink) + (node.downlink / 8) * longestDelayTo(topology, node.rank),
  );
}

function queueLimit(topology: Topology, rate: number): number {
  return Math.max(queueBytes(topology.queue, rate), (SHORTEST_QUEUE_SECONDS * rate) / 8);
}

function longestDelayTo(topology: Topology, rank: number): number {
  const delays = topology.paths
    .filter((_, from) => from !== rank)
    .map((row) => row[rank]!.delay + jitterMost(row[rank]!.jitter));
  return Math.max(0, ...delays);
}
