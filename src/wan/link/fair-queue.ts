/**
 * A queue of a rate that several flows share fairly: what a congested link in the core of a network is, if its router
 * keeps the flows apart.
 *
 * Which packet is sent next is decided by deficit round robin (M. Shreedhar and G. Varghese, "Efficient Fair Queuing
 * Using Deficit Round-Robin", IEEE/ACM Transactions on Networking 4(3), 1996). Each flow has a line of its own; they
 * take turns, and in a turn a flow may send as many bytes as its credit has, which grows by a quantum with each turn.
 * So flows that always have something to send get equal rates, whatever the sizes of their packets. When there is no
 * room, a packet of the longest line makes it (the buffer stealing of the same paper), so a flow that floods the queue
 * loses its own packets and not another's.
 *
 * Sending takes time as in a rate queue (rate-queue.ts), and lateness is made good in the same way.
 */
import Denque from 'denque';
import type { RateQueueSettings } from './rate-queue.js';
import type { Queued, Stage } from './stage.js';

export interface FlowPacket extends Queued {
  /** Packets with the same number are of one flow. */
  readonly flow: number;
}

export interface FairQueueSettings extends RateQueueSettings {
  /** Bytes by which a flow's credit grows each turn: the largest packet, so that no turn is in vain. */
  readonly quantum: number;
}

interface Flow<P> {
  readonly line: Denque<P>;
  bytes: number;
  credit: number;
  /** Whether it is among those that take turns. */
  isWaiting: boolean;
}

/** Flows that are remembered while they have nothing to send; beyond, they are forgotten. */
const IDLE_FLOWS = 1024;

export class FairQueue<P extends FlowPacket> implements Stage<P> {
  readonly #flows = new Map<number, Flow<P>>();
  readonly #turns = new Denque<Flow<P>>();
  readonly #quantum: number;
  readonly #catchUp: number;
  readonly #drop: (packet: P) => void;
  #secondsPerByte: number;
  #limitBytes: number;
  #queuedBytes = 0;
  #sending: P | undefined;
  #lastDeparture = -Infinity;

  /** `drop` is given packets that had been accepted and must make room. */
  constructor(settings: FairQueueSettings, drop: (packet: P) => void) {
    this.#secondsPerByte = 8 / settings.rate;
    this.#limitBytes = settings.limitBytes;
    this.#catchUp = settings.catchUp;
    this.#quantum = settings.quantum;
    this.#drop = drop;
  }

  /** Bytes waiting or being sent. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Another rate (bit/s) and limit for what is sent from now on. */
  change(rate: number, limitBytes: number): void {
    this.#secondsPerByte = 8 / rate;
    this.#limitBytes = limitBytes;
  }

  accept(packet: P, now: number): boolean {
    const flow = this.#flowOf(packet.flow);
    while (this.#queuedBytes > 0 && this.#queuedBytes + packet.bytes > this.#limitBytes) {
      const longest = this.#longest();
      if (longest === undefined || longest.bytes <= flow.bytes + packet.bytes) return false;
      this.#takeLast(longest);
    }
    packet.due = now; // Until it is its turn this is its time of arrival, before which it cannot leave.
    this.#queuedBytes += packet.bytes;
    flow.line.push(packet);
    flow.bytes += packet.bytes;
    if (!flow.isWaiting) {
      flow.isWaiting = true;
      this.#turns.push(flow);
    }
    if (this.#sending === undefined) this.#sendNext();
    return true;
  }

  nextEvent(): number {
    return this.#sending?.due ?? Infinity;
  }

  release(now: number, emit: (packet: P) => void): void {
    for (let packet = this.#sending; packet !== undefined && packet.due <= now; packet = this.#sending) {
      this.#queuedBytes -= packet.bytes;
      this.#lastDeparture = Math.max(packet.due, now - this.#catchUp);
      this.#sendNext();
      emit(packet);
    }
  }

  #sendNext(): void {
    const packet = this.#nextByTurn();
    this.#sending = packet;
    if (packet !== undefined)
      packet.due = Math.max(packet.due, this.#lastDeparture) + packet.bytes * this.#secondsPerByte;
  }

  #nextByTurn(): P | undefined {
    for (let flow = this.#turns.peekFront(); flow !== undefined; flow = this.#turns.peekFront()) {
      const head = flow.line.peekFront();
      if (head !== undefined && head.bytes <= flow.credit) {
        flow.line.shift();
        flow.bytes -= head.bytes;
        flow.credit -= head.bytes;
        if (flow.line.length === 0) this.#retire();
        return head;
      }
      if (head === undefined) this.#retire();
      else {
        flow.credit += this.#quantum;
        this.#turns.push(this.#turns.shift()!);
      }
    }
    return undefined;
  }

  /** Takes the flow whose turn it is out of the round: it has nothing more to send, and keeps no credit. */
  #retire(): void {
    const flow = this.#turns.shift();
    if (flow === undefined) return;
    flow.credit = 0;
    flow.isWaiting = false;
  }

  #takeLast(flow: Flow<P>): void {
    const packet = flow.line.pop();
    if (packet === undefined) return;
    flow.bytes -= packet.bytes;
    this.#queuedBytes -= packet.bytes;
    this.#drop(packet);
  }

  #longest(): Flow<P> | undefined {
    let longest: Flow<P> | undefined;
    for (let index = 0; index < this.#turns.length; index++) {
      const flow = this.#turns.peekAt(index)!;
      if (longest === undefined || flow.bytes > longest.bytes) longest = flow;
    }
    return longest;
  }

  #flowOf(key: number): Flow<P> {
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      if (this.#flows.size >= IDLE_FLOWS)
        for (const [other, { isWaiting }] of this.#flows) if (!isWaiting) this.#flows.delete(other);
      flow = { line: new Denque<P>(), bytes: 0, credit: 0, isWaiting: false };
      this.#flows.set(key, flow);
    }
    return flow;
  }
}
