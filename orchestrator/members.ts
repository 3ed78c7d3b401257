/**
 * The members of a mesh, as the orchestrator knows them: one control stream each.
 *
 * Nodes dial in with a token, get their rank and are told what to do; here their streams become simple
 * verbs: tell one, wait until all have answered. One thing ends everything: a member whose stream ends, or
 * who says it failed. Whoever waits then gets that reason, and the first reason stays the reason.
 */
import * as grpc from '@grpc/grpc-js';
import type { NodeMessage__Output } from '../proto/types/meshbeat/control/v1/NodeMessage.js';
import type { OrchestratorHandlers } from '../proto/types/meshbeat/control/v1/Orchestrator.js';
import type { OrchestratorMessage } from '../proto/types/meshbeat/control/v1/OrchestratorMessage.js';
import type { WeightsChunk__Output } from '../proto/types/meshbeat/control/v1/WeightsChunk.js';
import { Deferred } from '../src/deferred.js';
import { RunError } from '../src/errors.js';
import { controlContract } from '../src/transport/contracts.js';

type NodeStream = grpc.ServerDuplexStream<NodeMessage__Output, OrchestratorMessage>;
type Kind = NonNullable<NodeMessage__Output['message']>;
type Body<K extends Kind> = NonNullable<NodeMessage__Output[K]>;

export interface MembersOptions {
  /** Address to listen on: `unix:PATH` or `HOST:PORT`. */
  readonly address: string;
  /** Names of the ranks, for messages to people. */
  readonly names: readonly string[];
  /** The token that each rank must present. */
  readonly tokens: readonly string[];
  /** What a node is told when it is admitted. */
  readonly welcome: (rank: number) => Promise<NonNullable<OrchestratorMessage['welcome']>>;
}

/** How long a member whose stream ended has for a better reason to be told by whoever hosts it, ms. */
const LAST_WORDS_MS = 300;

export class Members {
  readonly #options: MembersOptions;
  readonly #server: grpc.Server;
  readonly #streams: (NodeStream | undefined)[];
  readonly #waiting: Map<Kind, Deferred<unknown>>[];
  readonly #failure = new Deferred<never>();
  readonly #weights = new Deferred<Buffer>();
  #onMessage: (rank: number, message: NodeMessage__Output) => void = () => undefined;
  #ending = false;

  private constructor(options: MembersOptions) {
    this.#options = options;
    this.#streams = options.names.map(() => undefined);
    this.#waiting = options.names.map(() => new Map<Kind, Deferred<unknown>>());
    // Nobody may be waiting when it happens.
    this.#failure.promise.catch(() => undefined);
    this.#server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
    const handlers: OrchestratorHandlers = {
      Attach: (stream) => this.#attach(stream),
      DeliverWeights: (call, done) => this.#collectWeights(call, done),
    };
    this.#server.addService(controlContract.service, handlers);
  }

  static async listen(options: MembersOptions): Promise<Members> {
    const members = new Members(options);
    await new Promise<void>((resolve, reject) => {
      members.#server.bindAsync(options.address, grpc.ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(new RunError(`control plane: ${error.message}`)),
      );
    });
    return members;
  }

  /** Called with everything that members say. */
  onMessage(listener: (rank: number, message: NodeMessage__Output) => void): void {
    this.#onMessage = listener;
  }

  /** Rejects when a member fails or leaves; never resolves. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** The final weights, little-endian bytes, once rank 0 has handed them in. */
  get weights(): Promise<Buffer> {
    return Promise.race([this.#weights.promise, this.failure]);
  }

  /** Ends the run for all with this reason; the first reason stays. */
  fail(rank: number, reason: string): void {
    this.#failure.reject(new RunError(`node ${this.#options.names[rank]}: ${reason}`));
  }

  tell(rank: number, message: OrchestratorMessage): void {
    this.#streams[rank]?.write(message);
  }

  tellAll(message: OrchestratorMessage): void {
    for (let rank = 0; rank < this.#streams.length; rank++) this.tell(rank, message);
  }

  /** Resolves with a rank's next message of a kind, which may have come already. One waiter at a time. */
  next<K extends Kind>(rank: number, kind: K): Promise<Body<K>> {
    const answer = this.#expected(rank, kind);
    void answer.promise.finally(() => this.#waiting[rank]!.delete(kind)).catch(() => undefined);
    return Promise.race([answer.promise as Promise<Body<K>>, this.failure]);
  }

  /** next() of every rank, by rank. */
  all<K extends Kind>(kind: K): Promise<Body<K>[]> {
    return Promise.all(this.#streams.map((_, rank) => this.next(rank, kind)));
  }

  /** Ends the control streams, upon which nodes end, and the server. */
  close(): void {
    this.#ending = true;
    for (const stream of this.#streams) stream?.end();
    this.#server.forceShutdown();
  }

  #expected(rank: number, kind: Kind): Deferred<unknown> {
    const waiting = this.#waiting[rank]!;
    const known = waiting.get(kind);
    if (known !== undefined) return known;
    const created = new Deferred<unknown>();
    waiting.set(kind, created);
    return created;
  }

  #attach(stream: NodeStream): void {
    let rank: number | undefined;
    const leave = (): void => {
      if (rank === undefined || this.#ending) return;
      const left = rank;
      setTimeout(() => this.fail(left, 'left the run (its control stream ended)'), LAST_WORDS_MS).unref();
    };
    stream.on('data', (message: NodeMessage__Output) => {
      if (rank === undefined) rank = this.#admit(stream, message);
      else this.#hear(rank, message);
    });
    stream.on('cancelled', leave).on('error', leave).on('end', leave);
  }

  #admit(stream: NodeStream, message: NodeMessage__Output): number | undefined {
    const rank = this.#options.tokens.indexOf(message.hello?.token ?? '');
    if (rank === -1 || this.#streams[rank] !== undefined) {
      const details = rank === -1 ? 'wrong or missing token' : 'this rank is taken';
      stream.emit('error', { code: grpc.status.PERMISSION_DENIED, details });
      return undefined;
    }
    this.#streams[rank] = stream;
    this.#options.welcome(rank).then(
      (welcome) => this.tell(rank, { welcome }),
      (error: Error) => this.fail(rank, error.message),
    );
    return rank;
  }

  #hear(rank: number, message: NodeMessage__Output): void {
    this.#onMessage(rank, message);
    if (message.message === undefined) return;
    if (message.message === 'failed') this.fail(rank, message.failed?.reason ?? 'failed without a reason');
    else this.#expected(rank, message.message).resolve(message[message.message]);
  }

  #collectWeights(
    call: grpc.ServerReadableStream<WeightsChunk__Output, object>,
    done: grpc.sendUnaryData<object>,
  ): void {
    const chunks: Buffer[] = [];
    call.on('data', ({ session, data }: WeightsChunk__Output) => {
      if (session === this.#options.tokens[0]) chunks.push(data);
    });
    call.on('end', () => {
      this.#weights.resolve(Buffer.concat(chunks));
      done(null, {});
    });
  }
}
