/**
 * The members of a mesh, as the orchestrator knows them: a guest on each seat, one seat per rank.
 *
 * Here control streams become simple verbs: tell one, wait until all have answered. One thing ends
 * everything: a member whose stream ends, or who says it failed. Whoever waits then gets that reason, and
 * the first reason stays the reason; except that who vanished without a word is a better one than what others
 * felt of it, who may be the first to notice.
 */
import { randomBytes } from 'node:crypto';
import type { NodeMessage__Output } from '../proto/types/meshbeat/control/v1/NodeMessage.js';
import type { OrchestratorMessage } from '../proto/types/meshbeat/control/v1/OrchestratorMessage.js';
import { Deferred } from '../src/deferred.js';
import { messageOf, RunError } from '../src/errors.js';
import type { Guest } from './guest.js';

type Kind = NonNullable<NodeMessage__Output['message']>;
type Body<K extends Kind> = NonNullable<NodeMessage__Output[K]>;
type Welcome = NonNullable<OrchestratorMessage['welcome']>;

export interface MembersOptions {
  /** Names of the ranks, for messages to people. */
  readonly names: readonly string[];
  /** What a node is told when it gets its seat; its session is added here. */
  readonly welcome: (rank: number) => Promise<Omit<Welcome, 'session'>>;
}

/** How long a better reason has to be told or noticed, ms. */
const LAST_WORDS_MS = 300;

export class Members {
  readonly #options: MembersOptions;
  readonly #guests: (Guest | undefined)[];
  readonly #sessions: readonly string[];
  readonly #waiting: readonly Map<Kind, Deferred<unknown>>[];
  readonly #failure = new Deferred<never>();
  /** By rank: the weights it hands in. */
  readonly #weights: readonly Deferred<Buffer>[];
  readonly #listeners: ((rank: number, message: NodeMessage__Output) => void)[] = [];
  /** Ranks that have said why they failed. */
  readonly #explained = new Set<number>();
  /** Ranks whose stream ended without that. */
  readonly #vanished = new Set<number>();
  #ending = false;

  constructor(options: MembersOptions) {
    this.#options = options;
    this.#guests = options.names.map(() => undefined);
    this.#sessions = options.names.map(() => randomBytes(24).toString('base64url'));
    this.#weights = options.names.map(() => new Deferred<Buffer>());
    this.#waiting = options.names.map(() => new Map<Kind, Deferred<unknown>>());
    // Nobody may be waiting when it happens.
    this.#failure.promise.catch(() => undefined);
  }

  /** Called with everything that members say. */
  onMessage(listener: (rank: number, message: NodeMessage__Output) => void): void {
    this.#listeners.push(listener);
  }

  /** Gives a guest the seat of a rank and welcomes it; why not, if the seat is taken. */
  seat(rank: number, guest: Guest): string | undefined {
    if (this.#guests[rank] !== undefined) return 'this rank is taken';
    this.#guests[rank] = guest;
    // One that has crashed is not heard any more, and not missed.
    const sits = (): boolean => this.#guests[rank] === guest;
    guest.onMessage((message) => sits() && this.#hear(rank, message));
    void guest.gone.then(() => sits() && this.#leave(rank));
    this.#options.welcome(rank).then(
      (welcome) => guest.tell({ welcome: { ...welcome, session: this.#sessions[rank]! } }),
      (error: unknown) => this.fail(rank, messageOf(error)),
    );
    return undefined;
  }

  /** Frees the seat of a rank, who has crashed and is to come again. */
  excuse(rank: number): void {
    this.#guests[rank] = undefined;
    this.#waiting[rank]?.clear();
  }

  /** Rejects when a member fails or leaves; never resolves. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** The final weights that a rank holds, little-endian bytes, once it has handed them in. */
  weightsOf(rank: number): Promise<Buffer> {
    return Promise.race([this.#weights[rank]!.promise, this.failure]);
  }

  /** Takes the weights that a member hands in; false if no member does. */
  takeWeights(session: string, weights: Buffer): boolean {
    const rank = this.#sessions.indexOf(session);
    this.#weights[rank]?.resolve(weights);
    return rank >= 0;
  }

  /** Ends the run for all with this reason; the first reason stays. */
  fail(rank: number, reason: string): void {
    this.#failure.reject(new RunError(`node ${this.#labelOf(rank)}: ${reason}`));
  }

  tell(rank: number, message: OrchestratorMessage): void {
    this.#guests[rank]?.tell(message);
  }

  /** Resolves with a rank's next message of a kind, which may have come already. One waiter at a time. */
  next<K extends Kind>(rank: number, kind: K): Promise<Body<K>> {
    const answer = this.#expected(rank, kind);
    void answer.promise.finally(() => this.#waiting[rank]!.delete(kind)).catch(() => undefined);
    return Promise.race([answer.promise as Promise<Body<K>>, this.failure]);
  }

  /** next() of every rank, by rank. */
  all<K extends Kind>(kind: K): Promise<Body<K>[]> {
    return Promise.all(this.#guests.map((_, rank) => this.next(rank, kind)));
  }

  /** From now on members may leave, and nothing follows from it. */
  release(): void {
    this.#ending = true;
  }

  /** Ends the control streams, upon which nodes end. */
  close(): void {
    this.release();
    for (const guest of this.#guests) guest?.end();
  }

  /** The name of a rank, and where it is not told by the fabric, of the one who sits there. */
  #labelOf(rank: number): string {
    const sitting = this.#guests[rank]?.hello.name ?? '';
    return `${this.#options.names[rank]}${sitting === '' ? '' : ` (${sitting})`}`;
  }

  #expected(rank: number, kind: Kind): Deferred<unknown> {
    const waiting = this.#waiting[rank]!;
    const known = waiting.get(kind);
    if (known !== undefined) return known;
    const created = new Deferred<unknown>();
    waiting.set(kind, created);
    return created;
  }

  #leave(rank: number): void {
    if (this.#ending || this.#explained.has(rank)) return;
    this.#vanished.add(rank);
    // Whoever hosts it may know more.
    setTimeout(() => this.fail(rank, 'left the run (its control stream ended)'), LAST_WORDS_MS).unref();
  }

  /** A member says that it failed: for a reason of its own, if nobody else has vanished meanwhile. */
  #explain(rank: number, reason: string): void {
    this.#explained.add(rank);
    const failUnlessLost = (): void => {
      if (this.#vanished.size === 0) this.fail(rank, reason);
    };
    setTimeout(failUnlessLost, LAST_WORDS_MS).unref();
  }

  #hear(rank: number, message: NodeMessage__Output): void {
    for (const listener of this.#listeners) listener(rank, message);
    if (message.message === undefined) return;
    if (message.message === 'failed')
      this.#explain(rank, message.failed?.reason ?? 'failed without a reason');
    else this.#expected(rank, message.message).resolve(message[message.message]);
  }
}
