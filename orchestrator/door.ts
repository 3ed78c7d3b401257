/**
 * The door: the control plane's gRPC server, where nodes and observers come in.
 *
 * It listens, hears the first word of whoever attaches, and asks its owner whether to let them in. Who is
 * let in becomes a guest; who is not is told why, and so is the owner's log. What becomes of a guest is the
 * owner's business: a seat among the members (members.ts), or the lobby until all have come (lobby.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import type { NodeMessage__Output } from '../proto/types/meshbeat/control/v1/NodeMessage.js';
import type { OrchestratorHandlers } from '../proto/types/meshbeat/control/v1/Orchestrator.js';
import type { WeightsChunk__Output } from '../proto/types/meshbeat/control/v1/WeightsChunk.js';
import { RunError } from '../src/errors.js';
import { controlContract } from '../src/transport/contracts.js';
import { Guest, type GuestStream } from './guest.js';

export interface DoorOptions {
  /** Address to listen on: `unix:PATH` or `HOST:PORT`. */
  readonly address: string;
  readonly credentials: grpc.ServerCredentials;
  /** Takes a newcomer in, or says why not. */
  readonly admit: (guest: Guest) => string | undefined;
  /** Whether these are the weights of somebody who may hand them in. */
  readonly takeWeights: (session: string, weights: Buffer) => boolean;
}

/** How often a silent connection is asked whether it still lives, and how long it has to answer, ms. */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 10_000 };

/** How long guests have to hang up by themselves, ms. */
const FAREWELL_MS = 1000;

export class Door {
  readonly #server: grpc.Server;
  readonly #guests = new Set<Guest>();

  private constructor(server: grpc.Server) {
    this.#server = server;
  }

  /** @throws RunError if it can't listen there. */
  static async listen(options: DoorOptions): Promise<Door> {
    grpc.setLogVerbosity(grpc.logVerbosity.NONE); // It would print what it also throws.
    const server = new grpc.Server({ 'grpc.max_receive_message_length': -1, ...KEEPALIVE });
    const door = new Door(server);
    const handlers: OrchestratorHandlers = {
      Attach: (stream) => door.#attach(stream, options),
      DeliverWeights: (call, done) => collectWeights(call, done, options),
    };
    server.addService(controlContract.service, handlers);
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(options.address, options.credentials, (error) =>
        error === null
          ? resolve()
          : reject(new RunError(`can't serve the control plane on ${options.address}: ${reasonOf(error)}`)),
      );
    });
    return door;
  }

  /** Ends all streams, upon which guests end, and the server. Safe to call twice. */
  async close(): Promise<void> {
    for (const guest of this.#guests) guest.end();
    const shutDown = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    await Promise.race([shutDown, sleep(FAREWELL_MS, undefined, { ref: false })]);
    this.#server.forceShutdown();
  }

  #attach(stream: GuestStream, { admit }: DoorOptions): void {
    // A stream may break before its first word; nobody needs to know.
    stream.on('error', () => undefined);
    stream.once('data', (first: NodeMessage__Output) => {
      const guest = Guest.from(stream, first);
      const refusal = guest === undefined ? 'the first message must be a hello' : admit(guest);
      if (guest === undefined || refusal !== undefined) {
        stream.emit('error', { code: grpc.status.PERMISSION_DENIED, details: refusal });
        return;
      }
      this.#guests.add(guest);
      void guest.gone.then(() => this.#guests.delete(guest));
    });
  }
}

function reasonOf({ message }: Error): string {
  return message.includes('EADDRINUSE') ? 'it is taken' : message;
}

function collectWeights(
  call: grpc.ServerReadableStream<WeightsChunk__Output, object>,
  done: grpc.sendUnaryData<object>,
  { takeWeights }: DoorOptions,
): void {
  const chunks: Buffer[] = [];
  let sender = '';
  call.on('error', () => undefined); // Whoever waits for the weights hears of it from the member's stream.
  call.on('data', ({ session, data }: WeightsChunk__Output) => {
    sender = session;
    chunks.push(data);
  });
  call.on('end', () => {
    if (takeWeights(sender, Buffer.concat(chunks))) done(null, {});
    else done({ code: grpc.status.PERMISSION_DENIED, details: 'these weights were not asked for' });
  });
}
