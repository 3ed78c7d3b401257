/**
 * A node's way to the object store: the ordinary S3 client, told where to dial.
 *
 * A node puts its own object and gets others', over connections that stay open. Who wants an object before it
 * was put asks again every so often until it is there, as Templar's peers do. Large objects travel in parts,
 * several at once.
 *
 * The client is large (some 16 MB for each thread that loads it), so this module is to be imported only where
 * there is a store.
 */
import { once } from 'node:events';
import http, { type ClientRequestArgs } from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { S3, S3ServiceException } from '@aws-sdk/client-s3';
import { messageOf, RunError } from '../src/errors.js';
import {
  bucketOf,
  keyOf,
  LOOK_SECONDS,
  STORE_NAME,
  STORE_REGION,
  type StoreAccess,
} from '../src/object-store/objects.js';
import { partsOfObject, severalAtOnce } from '../src/object-store/parts.js';
import { arrivalRate } from '../src/transport/probing.js';

export interface ObjectClientOptions {
  readonly access: StoreAccess;
  /** What reaches the store from here, which may be a relay. */
  readonly dial: { readonly host: string; readonly port: number };
  /** Objects larger than this travel in parts of this size, bytes. */
  readonly part: number;
}

export interface StoreTally {
  /** Looks for objects that were not there yet. */
  vainLooks: number;
  /** Connections opened. */
  storeConnections: number;
}

interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

/** Parts under way at a time (templar, src/tplr/comms.py: max_conc of files up to 1 GB; _calc_download_params). */
const PARTS_AT_ONCE = 8;
/** Of one node; the objects of 20 peers come at once (templar, hparams.json, gather_peer_count). */
const MOST_CONNECTIONS = 64;

export class ObjectClient {
  readonly #options: ObjectClientOptions;
  readonly #agent: http.Agent;
  readonly #s3: S3;
  readonly #closing = new AbortController();
  #tally: StoreTally = { vainLooks: 0, storeConnections: 0 };
  /** For every request. */
  readonly #until = { abortSignal: this.#closing.signal };

  constructor(options: ObjectClientOptions) {
    this.#options = options;
    this.#agent = agentOf(options, () => this.#tally.storeConnections++);
    this.#s3 = clientOf(options, this.#agent);
  }

  /** Makes the node's own bucket. */
  async open(): Promise<void> {
    const { bucket } = this.#options.access.account;
    await this.#told(`create ${bucket}`, () => this.#s3.createBucket({ Bucket: bucket }, this.#until));
  }

  /** Uploads the node's own object of a round; resolves when the store has it. */
  async put(round: number, bytes: Uint8Array): Promise<void> {
    const { access, part } = this.#options;
    const place = { Bucket: access.account.bucket, Key: keyOf(round) };
    await this.#told(`put ${place.Bucket}/${place.Key}`, async () => {
      if (bytes.length > part) await this.#putParts(place, bytes);
      else await this.#s3.putObject({ ...place, Body: bytes }, this.#until);
    });
  }

  /**
   * Downloads what a rank put in a round into `target`, as soon as it is there.
   *
   * @throws RunError if it has another size, or the client is closed before it is there.
   */
  async get(owner: number, round: number, target: Uint8Array): Promise<void> {
    const place = { Bucket: bucketOf(owner), Key: keyOf(round) };
    await this.#told(`get ${place.Bucket}/${place.Key}`, async () => {
      const size = await this.#waitFor(place);
      if (size !== target.length) throw new Error(`found ${size} bytes; expected ${target.length}`);
      await this.#getParts(place, target);
    });
  }

  /** What it did since this was last asked, or since hangUp(), that depends on the moment. */
  takeTally(): StoreTally {
    const tally = this.#tally;
    this.#tally = { vainLooks: 0, storeConnections: 0 };
    return tally;
  }

  /** Seconds of one round trip with the store over an open connection: a request that is unsigned, hence refused. */
  roundTrip(): Promise<number> {
    const { access } = this.#options;
    const { request } = this.#agent instanceof https.Agent ? https : http;
    const place = { host: STORE_NAME, port: access.port, method: 'HEAD', agent: this.#agent };
    return secondsOf(() =>
      this.#told('measure a round trip', async () => {
        const asked = request({ ...place, signal: this.#closing.signal }).end();
        const [answer] = (await once(asked, 'response')) as [http.IncomingMessage];
        await once(answer.resume(), 'end');
      }),
    );
  }

  /** Rate in bit/s at which the last three quarters of a bulk object arrive, which is put first, and got so many times at once. */
  async bulkRate(bytes: number, times: number): Promise<number> {
    const place = { Bucket: this.#options.access.account.bucket, Key: 'bulk' };
    return this.#told('move a bulk object', async () => {
      await this.#s3.putObject({ ...place, Body: new Uint8Array(bytes) }, this.#until);
      const answers = await Promise.all(
        Array.from({ length: times }, () => this.#s3.getObject(place, this.#until)),
      );
      const bodies = answers.map(({ Body }) => Body as AsyncIterable<Uint8Array>);
      return arrivalRate(bodies, times * bytes);
    });
  }

  /** Closes idle connections; what comes next opens new ones. */
  hangUp(): void {
    this.#agent.destroy();
    this.takeTally();
  }

  /** Ends all connections, and what is still waited for. */
  close(): void {
    this.#closing.abort();
    this.#s3.destroy();
  }

  async #putParts(place: Place, bytes: Uint8Array): Promise<void> {
    const { UploadId } = await this.#s3.createMultipartUpload(place, this.#until);
    const parts = partsOfObject(bytes.length, this.#options.part);
    const Parts = await severalAtOnce(parts, PARTS_AT_ONCE, async ({ offset, length }, index) => {
      const PartNumber = index + 1;
      const Body = bytes.subarray(offset, offset + length);
      const { ETag } = await this.#s3.uploadPart({ ...place, UploadId, PartNumber, Body }, this.#until);
      return { PartNumber, ETag };
    });
    await this.#s3.completeMultipartUpload({ ...place, UploadId, MultipartUpload: { Parts } }, this.#until);
  }

  async #getParts(place: Place, target: Uint8Array): Promise<void> {
    const parts = partsOfObject(target.length, this.#options.part);
    await severalAtOnce(parts, PARTS_AT_ONCE, async ({ offset, length }) => {
      const range = parts.length === 1 ? {} : { Range: `bytes=${offset}-${offset + length - 1}` };
      const { Body } = await this.#s3.getObject({ ...place, ...range }, this.#until);
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
      if (bytes.length !== length) throw new Error(`${bytes.length} bytes came; expected ${length}`);
      target.set(bytes, offset);
    });
  }

  /** The size of an object, once it is there. */
  async #waitFor(place: Place): Promise<number> {
    for (;;) {
      const size = await this.#sizeOf(place);
      if (size !== undefined) return size;
      this.#tally.vainLooks++;
      await sleep(1000 * LOOK_SECONDS, undefined, { signal: this.#closing.signal });
    }
  }

  /** The size of an object; undefined if it is not there. */
  async #sizeOf(place: Place): Promise<number | undefined> {
    try {
      const { ContentLength } = await this.#s3.headObject(place, this.#until);
      return ContentLength;
    } catch (error) {
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
      throw error;
    }
  }

  /** Has an error say what could not be done. */
  async #told<T>(what: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      const why = this.#closing.signal.aborted ? 'the node left before it was done' : messageOf(error);
      throw new RunError(`object store: can't ${what}: ${why}`);
    }
  }
}

/** The client, set to do what it is told and to look for nothing on this machine. */
function clientOf({ access }: ObjectClientOptions, agent: http.Agent): S3 {
  const { account, port, authority } = access;
  const { accessKeyId, secretAccessKey } = account;
  const scheme = authority === undefined ? 'http' : 'https';
  // It says so on stderr, in each thread, that versions of 2027 will need a newer Node.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  return new S3({
    endpoint: `${scheme}://${STORE_NAME}:${port}`,
    forcePathStyle: true,
    region: STORE_REGION,
    credentials: { accessKeyId, secretAccessKey },
    // By default bodies have a CRC-32 besides the SHA-256 that is signed; few stores but Amazon's know it.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    defaultsMode: 'standard',
    retryMode: 'standard',
    maxAttempts: 3,
    useArnRegion: false,
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    requestHandler: agent instanceof https.Agent ? { httpsAgent: agent } : { httpAgent: agent },
  });
}

/** Dials where it is told, whatever the URL says: the store has one name, and each node another way to it. */
function agentOf({ access, dial }: ObjectClientOptions, onConnection: () => void): http.Agent {
  const { authority } = access;
  const options = { keepAlive: true, maxSockets: MOST_CONNECTIONS, maxFreeSockets: MOST_CONNECTIONS };
  const agent =
    authority === undefined
      ? new http.Agent(options)
      : // Whole handshakes, as Templar's client has them: Python's TLS does not resume sessions by itself.
        new https.Agent({ ...options, ca: authority, maxCachedSessions: 0 });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (wanted: ClientRequestArgs, callback) => {
    onConnection();
    return connect({ ...wanted, ...dial }, callback);
  };
  return agent;
}

async function secondsOf(task: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await task();
  return (performance.now() - start) / 1000;
}
