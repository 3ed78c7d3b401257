/**
 * One node's end of the data plane: a gRPC server that its peers pull from, and streams it pulls itself.
 *
 * Think of a switchboard with one outgoing and one incoming line per peer. The receiver dials (see
 * proto/mesh.proto); once a line stands it stays for the run. Back-pressure is end to end: a slice that the
 * receiving node has not asked for stays in the stream, the stream fills its HTTP/2 window, TCP's window
 * fills, and the sender's send() does not resolve. So memory is bounded by windows, not by luck.
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
}

/** Receive window of each connection: 1 Gbit/s over 250 ms, as the kernel's own in the netns fabric. */
const WINDOW_BYTES = 32 * 1024 * 1024;

const CHANNEL_OPTIONS: grpc.ChannelOptions = {
  'grpc-node.flow_control_window': WINDOW_BYTES,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // One connection per channel: lines of different peers must not be shared or reused.
  'grpc.use_local_subchannel_pool': 1,
};

type Outgoing = grpc.ServerWritableStream<ReceiveRequest__Output, SliceMessage>;

export class Mesh {
  readonly #options: MeshOptions;
  readonly #server: grpc.Server;
  readonly #clients = new Map<number, MeshClient>();
  readonly #outgoing = new Map<number, Deferred<Outgoing>>();
  readonly #incoming = new Map<number, IncomingLine>();
  #closing = false;

  private constructor(options: MeshOptions) {
    this.#options = options;
    this.#server = new grpc.Server(CHANNEL_OPTIONS);
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

  /** The channel to a peer, dialed on first use. */
  client(peer: number): MeshClient {
    const known = this.#clients.get(peer);
    if (known !== undefined) return known;
    const address = this.#options.peers[peer];
    if (address === undefined) throw new RangeError(`no rank ${peer}`);
    const client = new meshContract(`${address.host}:${address.port}`, this.#channelCredentials(), {
      ...CHANNEL_OPTIONS,
      'grpc.ssl_target_name_override': address.name,
      'grpc.default_authority': address.name,
    });
    this.#clients.set(peer, client);
    return client;
  }

  /** Closes the channel to a peer; the next use dials again. */
  hangUp(peer: number): void {
    this.#clients.get(peer)?.close();
    this.#clients.delete(peer);
  }

  /** Dials a peer for the slices it will send; resolves when the line stands. */
  async connect(peer: number): Promise<void> {
    const call = this.client(peer).receive({ rank: this.#options.rank });
    // A failure is met by whoever waits in receive(); before that it must not end the process.
    call.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      call.once('metadata', () => resolve());
      call.once('error', (error) => reject(new RunError(`can't reach rank ${peer}: ${error.message}`)));
    });
    this.#incoming.set(peer, new IncomingLine(call));
  }

  /** Resolves when the stream has taken the slice, which it copies. */
  async send(peer: number, slice: Slice): Promise<void> {
    const call = await this.#line(peer).promise;
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
    const line = this.#incoming.get(peer);
    if (line === undefined) throw new RunError(`no line to rank ${peer}`);
    let message: Slice__Output | undefined;
    try {
      message = await line.next();
    } catch (error) {
      throw new RunError(`line to rank ${peer} broke: ${messageOf(error)}`);
    }
    if (message === undefined) throw new RunError(`rank ${peer} hung up`);
    return unpackSlice(message.packed);
  }

  /** Ends all lines and the server. Safe to call twice. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    for (const line of this.#incoming.values()) line.cancel();
    for (const client of this.#clients.values()) client.close();
    this.#server.forceShutdown();
  }

  #accept(call: Outgoing): void {
    const { rank } = call.request;
    const claimed = this.#options.peers[rank]?.name;
    const proved = call.getAuthContext()?.sslPeerCertificate?.subject.CN;
    if (claimed === undefined || (this.#options.identity !== undefined && proved !== claimed)) {
      const details = `rank ${rank} is not who it says it is`;
      call.emit('error', { code: grpc.status.PERMISSION_DENIED, details });
      return;
    }
    call.sendMetadata(new grpc.Metadata());
    this.#line(rank).resolve(call);
  }

  #line(peer: number): Deferred<Outgoing> {
    const known = this.#outgoing.get(peer);
    if (known !== undefined) return known;
    const created = new Deferred<Outgoing>();
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
