/**
 * What becomes of a run when nodes crash and come back.
 *
 * As in a cluster that trains by checkpoints: when a node is lost, everybody lets go of the round that can't be
 * finished without it. When it is there again, started anew, all take up their checkpoints of the oldest round that not
 * everybody has finished, dial each other again, and play from there. Batches, sums and updates are functions of seed
 * and round, so the weights at the end are those of a run in which nothing happened.
 *
 * Crashes and returns are worked off one after the other; whoever wants to know that the mesh is whole waits for all.
 */
import { Deferred } from '../src/deferred.js';
import { RunError } from '../src/errors.js';
import type { Members } from './members.js';

/** Who ends nodes and starts them anew. */
export interface Reviver {
  /** Ends a node at once. */
  crash(rank: number): Promise<void>;
  /** Starts it anew; it comes to its seat by itself. */
  revive(rank: number): void;
}

export interface RecoveryOptions {
  readonly members: Members;
  /** Absent where no node can be started anew. */
  readonly reviver: Reviver | undefined;
  readonly worldSize: number;
  /** By rank: whom it receives slices from. */
  readonly senders: readonly (readonly number[])[];
  /** The oldest round that not everybody has finished. */
  readonly oldestRound: () => number;
  /** All are there, as they were at the start of that round: dispatch it, and those after it, again. */
  readonly playFrom: (round: number) => void;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  /** Ended, and not yet there again. */
  readonly #down = new Set<number>();
  /** Crashes that are still to be worked off. */
  #pending = 0;
  /** Resolves with the next crash. */
  #disturbed = new Deferred<void>();
  #whole = true;
  /** All crashes and returns up to now, worked off. */
  #work: Promise<void> = Promise.resolve();
  #healed = new Deferred<void>();
  readonly #failed = new Deferred<never>();

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#failed.promise.catch(() => undefined); // Nobody may be waiting when it happens.
  }

  /** Whether everybody is there and plays what is dispatched. */
  get whole(): boolean {
    return this.#whole;
  }

  /** Nodes are gone: they are ended, and the others stop to play. */
  crash(ranks: readonly number[]): void {
    this.#whole = false;
    this.#pending++;
    this.#disturbed.resolve();
    this.#disturbed = new Deferred<void>();
    this.#then(() => this.#interrupt(ranks));
  }

  /** Nodes are back: they are started anew, and once nobody is missing all go on. */
  comeBack(ranks: readonly number[]): void {
    this.#then(() => this.#resume(ranks));
  }

  /** Resolves when the mesh is whole; rejects if a recovery failed. */
  async settled(): Promise<void> {
    while (!this.#whole) await Promise.race([this.#healed.promise, this.#failed.promise]);
  }

  /** Rejects if a recovery fails; never resolves. */
  get failure(): Promise<never> {
    return this.#failed.promise;
  }

  #then(step: () => Promise<void>): void {
    this.#work = this.#work.then(step).catch((error: unknown) => this.#failed.reject(error));
  }

  async #interrupt(ranks: readonly number[]): Promise<void> {
    const { members, reviver, worldSize } = this.#options;
    if (reviver === undefined) throw new RunError('a node crashed that nobody can start anew');
    this.#pending--;
    for (const rank of ranks) {
      this.#down.add(rank);
      members.excuse(rank);
    }
    await Promise.all(ranks.map((rank) => reviver.crash(rank)));
    const others = Array.from({ length: worldSize }, (_, rank) => rank).filter(
      (rank) => !this.#down.has(rank),
    );
    for (const rank of others) members.tell(rank, { abandon: {} });
    await Promise.all(others.map((rank) => members.next(rank, 'abandoned')));
  }

  async #resume(ranks: readonly number[]): Promise<void> {
    const { members, reviver, senders, oldestRound, playFrom } = this.#options;
    for (const rank of ranks) reviver?.revive(rank);
    await Promise.all(ranks.map((rank) => members.next(rank, 'ready')));
    for (const rank of ranks) this.#down.delete(rank);
    // Who crashes meanwhile has all let go once more; there is no use in going on before.
    if (this.#down.size > 0 || this.#pending > 0) return;
    const disturbed = this.#disturbed.promise;
    const round = oldestRound();
    senders.forEach((_, rank) => members.tell(rank, { restore: { round } }));
    await members.all('restored');
    senders.forEach((receiveFrom, rank) =>
      members.tell(rank, { connect: { receiveFrom: [...receiveFrom] } }),
    );
    await Promise.race([members.all('connected'), disturbed]);
    if (this.#pending > 0) return;
    this.#whole = true;
    playFrom(round);
    this.#healed.resolve();
    this.#healed = new Deferred<void>();
  }
}
