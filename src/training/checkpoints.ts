/**
 * The checkpoints of one node: its replica's memory as it was at the start of each of the last rounds.
 *
 * They stand for what a real host has on its disk: they outlive the node's thread, since whoever hosts it made the
 * memory, and a node that is started anew goes on from them. Three are enough: while the oldest round that anybody
 * still plays is r, nobody has finished more than r and the one after it, so nobody will be asked for one before r
 * nor has made one after r + 2. A checkpoint that a crash cut short does not count.
 */
import { RunError } from '../errors.js';
import type { SharedReplica } from './memory.js';

const SLOTS = 3;
/** Of the rounds that the slots hold; one more than the round, and 0 for none. */
const HEADER_BYTES = 64;

export class Checkpoints {
  readonly #rounds: Int32Array;
  readonly #memory: SharedArrayBuffer;

  /** @param memory as {@link allocate} made it */
  constructor(memory: SharedArrayBuffer) {
    this.#memory = memory;
    this.#rounds = new Int32Array(memory, 0, SLOTS);
  }

  /** Memory for the checkpoints of a replica of so many bytes: see {@link replicaBytes}. */
  static allocate(bytes: number): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + SLOTS * bytes);
  }

  /** Keeps the replica as the first round finds it; nothing if there are checkpoints, for then it is started anew. */
  saveFirst(replica: SharedReplica): void {
    if (this.#rounds.every((round) => round === 0)) this.save(0, replica);
  }

  /** Keeps the replica as it is now, at the start of a round. */
  save(round: number, { buffer }: SharedReplica): void {
    const slot = round % SLOTS;
    Atomics.store(this.#rounds, slot, 0);
    this.#slot(slot, buffer.byteLength).set(new Uint8Array(buffer));
    Atomics.store(this.#rounds, slot, round + 1);
  }

  /**
   * Makes the replica what it was at the start of a round.
   *
   * @throws RunError if there is no checkpoint of that round
   */
  restore(round: number, { buffer }: SharedReplica): void {
    const slot = round % SLOTS;
    if (Atomics.load(this.#rounds, slot) !== round + 1)
      throw new RunError(`there is no checkpoint of the start of round ${round}`);
    new Uint8Array(buffer).set(this.#slot(slot, buffer.byteLength));
  }

  #slot(slot: number, bytes: number): Uint8Array {
    return new Uint8Array(this.#memory, HEADER_BYTES + slot * bytes, bytes);
  }
}
