/**
 * One node's end of the data plane: a gRPC server that its peers pull from, and streams it pulls itself.
 *
 * Think of a switchboard with a few outgoing and as many incoming lines per peer; each line is a TCP
 * connection, and slices take the lines in turn, so both ends know which line has the next one. The receiver
 * dials (see proto/mesh.proto); once a line stands it stays for the run. Back-pressure is end to end: a slice
 * that the receiving node has not asked for stays in the stream, the stream fills its HTTP/2 window, TCP's
 * window fills, and the sender's send() does not resolve. So memory is bounded by windows, not by luck.
 */
import * as grpc from '@grpc/grpc-js';
import type { MeshClient, MeshHandlers } from '../../proto/types/meshbeat/mesh/v1/Mesh.js';
import type { Slice as SliceMessage, Slice__Output } from '../../proto/types/meshbeat/mesh/v1/Slice.js';
import type { ReceiveRequest__Output } from '../../proto/types/meshbeat/mesh/v1/ReceiveRequest.js';
import { Deferred } from '../deferred.js';
import { messageOf, RunError } from '../errors.js';
import type { Identity } from './certificates.js';
import { meshContract } from './contracts.js';
import { echo, sendBulk } from './probing.js';
import { packSlice, unpackSlice, type Slice } from './slice.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface MeshOptions {
  readonly rank: number;
  readonly listen: Address;
  /** By rank: what to dial, and the name that the certificate there must bear. */
  readonly peers: readonly (Address & { readonly name: string })[];
  /** Absent: no TLS. */
  readonly identity?: Identity;
  /** Lines for each direction of a pair; all nodes must have as many. Default 1. */
  readonly connections?: number;
}

/** Receive window of all lines from one peer together: 1 Gbit/s over 250 ms, as the kernel's own in the netns fabric. */
const WINDOW_BYTES = 32 * 1024 * 1024;

function channelOptions(connections: number): grpc.ChannelOptions {
  return {
    'grpc-node.flow_control_window': Math.ceil(WINDOW_BYTES / connections),
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    // One connection per channel: neither lines of different peers nor those of one may share or reuse any.
    'grpc.use_local_subchannel_pool': 1,
  };
}

type Outgoing = grpc.ServerWritableStream<ReceiveRequest__Output, SliceMessage>;

export class Mesh {
  readonly #options: MeshOptions;
  readonly #connections: number;
  readonly #server: grpc.Server;
  /** By peer: the channels of its lines, as far as they were dialed. */
  readonly #clients = new Map<number, MeshClient[]>();
  readonly #outgoing = new Map<number, Lines<Deferred<Outgoing>>>();
  readonly #incoming = new Map<number, Lines<IncomingLine>>();
  /** Lines that a peer has dialed. */
  readonly #answered = new WeakSet<Deferred<Outgoing>>();
  /** Streams that peers have opened here. */
  readonly #accepted = new Set<Outgoing>();
  #closing = false;

  private constructor(options: MeshOptions) {
    this.#options = options;
    this.#connections = options.connections ?? 1;
    this.#server = new grpc.Server(channelOptions(this.#connections));
    const handlers: MeshHandlers = {
      Receive: (call) => this.#accept(call),
      Echo: echo,
      Bulk: sendBulk,
    };
    this.#server.addService(meshContract.service, handlers);
  }

  /** Starts to listen. Throws a RunError naming the address when it can't. */
  static async start(options: MeshOptions): Promise<Mesh> {
    const mesh = new Mesh(options);
    const { host, port } = options.listen;
    await new Promise<void>((resolve, reject) => {
      mesh.#server.bindAsync(`${host}:${port}`, mesh.#serverCredentials(), (error) => {
        if (error === null) resolve();
        else reject(new RunError(`can't listen on ${host}:${port}: ${error.message}`));
      });
    });
    return mesh;
  }

  /** The channel of a line to a peer, dialed on first use. */
  client(peer: number, line = 0): MeshClient {
    const clients = this.#clients.get(peer) ?? [];
    this.#clients.set(peer, clients);
    return (clients[line] ??= this.#dial(peer));
  }

  /** Closes the channels to a peer; the next use dials again. */
  hangUp(peer: number): void {
    for (const client of this.#clients.get(peer) ?? []) client.close();
    this.#clients.delete(peer);
  }

  /** Dials a peer for the slices it will send; resolves when all lines stand. */
  async connect(peer: number): Promise<void> {
    const lines = Array.from({ length: this.#connections }, (_, line) => this.#open(peer, line));
    this.#incoming.set(peer, new Lines(await Promise.all(lines)));
  }

  /** Resolves when the stream has taken the slice, which it copies. */
  async send(peer: number, slice: Slice): Promise<void> {
    const call = await this.#linesTo(peer).inTurn().promise;
    if (call.write({ packed: packSlice(slice) })) return;
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        call.off('drain', done).off('cancelled', broken);
        resolve();
      };
      const broken = (): void => {
        call.off('drain', done).off('cancelled', broken);
        reject(new RunError(`rank ${peer} hung up`));
      };
      call.once('drain', done).once('cancelled', broken);
    });
  }

  /** The next slice from a peer; slices come in the order in which it sent them. */
  async receive(peer: number): Promise<Slice> {
    const lines = this.#incoming.get(peer);
    if (lines === undefined) throw new RunError(`no line to rank ${peer}`);
    let message: Slice__Output | undefined;
    try {
      message = await lines.inTurn().next();
    } catch (error) {
      throw new RunError(`line to rank ${peer} broke: ${messageOf(error)}`);
    }
    if (message === undefined) throw new RunError(`rank ${peer} hung up`);
    return unpackSlice(message.packed);
  }

  /**
   * Ends all lines, whatever is on them, and goes on to listen: connect() opens new ones. Who waits for a slice gets
   * an error; who waits to send one may wait for ever.
   */
  reset(): void {
    for (const { lines } of this.#incoming.values()) for (const line of lines) line.cancel();
    this.#incoming.clear();
    for (const peer of [...this.#clients.keys()]) this.hangUp(peer);
    for (const call of this.#accepted)
      call.emit('error', { code: grpc.status.ABORTED, details: 'abandoned' });
    this.#accepted.clear();
    this.#outgoing.clear();
  }

  /** Ends all lines and the server. Safe to call twice. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    for (const { lines } of this.#incoming.values()) for (const line of lines) line.cancel();
    for (const peer of [...this.#clients.keys()]) this.hangUp(peer);
    this.#server.forceShutdown();
  }

  #dial(peer: number): MeshClient {
    const address = this.#options.peers[peer];
    if (address === undefined) throw new RangeError(`no rank ${peer}`);
    return new meshContract(`${address.host}:${address.port}`, this.#channelCredentials(), {
      ...channelOptions(this.#connections),
      'grpc.ssl_target_name_override': address.name,
      'grpc.default_authority': address.name,
    });
  }

  async #open(peer: number, line: number): Promise<IncomingLine> {
    const call = this.client(peer, line).receive({ rank: this.#options.rank, line });
    // A failure is met by whoever waits in receive(); before that it must not end the process.
    call.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      call.once('metadata', () => resolve());
      call.once('error', (error) => reject(new RunError(`can't reach rank ${peer}: ${error.message}`)));
    });
    return new IncomingLine(call);
  }

  #accept(call: Outgoing): void {
    const { rank, line } = call.request;
    const claimed = this.#options.peers[rank]?.name;
    const proved = call.getAuthContext()?.sslPeerCertificate?.subject.CN;
    if (claimed === undefined || (this.#options.identity !== undefined && proved !== claimed)) {
      const details = `rank ${rank} is not who it says it is`;
      call.emit('error', { code: grpc.status.PERMISSION_DENIED, details });
      return;
    }
    const lines = this.#linesTo(rank);
    const waiting = lines.lines[line];
    if (waiting === undefined) {
      const details = `found line ${line}; allowed: 0 to ${this.#connections - 1}`;
      call.emit('error', { code: grpc.status.OUT_OF_RANGE, details });
      return;
    }
    call.sendMetadata(new grpc.Metadata());
    this.#accepted.add(call);
    call.once('close', () => this.#accepted.delete(call));
    // Who dials a line again has let go of the call before, which may have been under way when this mesh was reset.
    const outgoing = this.#answered.has(waiting) ? new Deferred<Outgoing>() : waiting;
    lines.lines[line] = outgoing;
    this.#answered.add(outgoing);
    outgoing.resolve(call);
  }

  #linesTo(peer: number): Lines<Deferred<Outgoing>> {
    const known = this.#outgoing.get(peer);
    if (known !== undefined) return known;
    const created = new Lines(Array.from({ length: this.#connections }, () => new Deferred<Outgoing>()));
    this.#outgoing.set(peer, created);
    return created;
  }

  #serverCredentials(): grpc.ServerCredentials {
    const identity = this.#options.identity;
    if (identity === undefined) return grpc.ServerCredentials.createInsecure();
    const pair = {
      private_key: Buffer.from(identity.privateKey),
      cert_chain: Buffer.from(identity.certificate),
    };
    return grpc.ServerCredentials.createSsl(Buffer.from(identity.authority), [pair], true);
  }

  #channelCredentials(): grpc.ChannelCredentials {
    const identity = this.#options.identity;
    if (identity === undefined) return grpc.credentials.createInsecure();
    const [authority, key, certificate] = [identity.authority, identity.privateKey, identity.certificate].map(
      (pem) => Buffer.from(pem),
    );
    return grpc.credentials.createSsl(authority, key, certificate);
  }
}

/** The lines of one direction of a pair. Both ends count from the first slice on, so they agree without a word. */
class Lines<Line> {
  readonly lines: Line[];
  #next = 0;

  constructor(lines: Line[]) {
    this.lines = lines;
  }

  /** The line of the next slice. */
  inTurn(): Line {
    const line = this.lines[this.#next];
    if (line === undefined) throw new RangeError('no lines');
    this.#next = (this.#next + 1) % this.lines.length;
    return line;
  }
}

/**
 * A stream of slices from one peer, always one slice ahead of who reads it. Until its first read grpc-js
 * takes in everything that comes, without any limit; from then on it takes what is read.
 */
class IncomingLine {
  readonly #call: grpc.ClientReadableStream<Slice__Output>;
  readonly #iterator: AsyncIterator<Slice__Output>;
  #ahead: Promise<IteratorResult<Slice__Output>>;

  constructor(call: grpc.ClientReadableStream<Slice__Output>) {
    this.#call = call;
    this.#iterator = call[Symbol.asyncIterator]() as AsyncIterator<Slice__Output>;
    this.#ahead = this.#read();
  }

  /** The next message; undefined at the end. One caller at a time. */
  async next(): Promise<Slice__Output | undefined> {
    const result = await this.#ahead;
    if (result.done === true) return undefined;
    this.#ahead = this.#read();
    return result.value;
  }

  cancel(): void {
    this.#call.cancel();
  }

  #read(): Promise<IteratorResult<Slice__Output>> {
    const reading = this.#iterator.next();
    reading.catch(() => undefined); // Who calls next() will see it.
    return reading;
  }
}
