/**
 * An object store that any S3 client can talk to: HTTP in front of `storage.ts`.
 *
 * It speaks as much of the S3 protocol as peers need that put an object per round and get those of others:
 * CreateBucket, PutObject, GetObject (whole or a range), HeadObject, ListObjectsV2, and uploads in parts;
 * buckets are named in the path. What it does not speak it refuses in S3's own words. Nobody gets in without
 * an access key: every request must be signed, and each key writes one bucket only.
 *
 * It is no archive: objects live in memory, the oldest make room for new ones, and all end with the server.
 */
import { once } from 'node:events';
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { messageOf, RunError } from '../errors.js';
import { completionDocument, errorDocument, listDocument, partsOf, uploadDocument } from './documents.js';
import { StoreError } from './errors.js';
import { STORE_REGION, type Account } from './objects.js';
import { checkBody, decoded, signerOf, splitTarget } from './signature.js';
import { ObjectStorage, type StorageLimits, type StoredObject } from './storage.js';

export interface StoreOptions {
  readonly host: string;
  readonly port: number;
  /** Certificate and key, PEM; absent: plain HTTP. */
  readonly identity?: { readonly certificate: string; readonly privateKey: string };
  readonly accounts: readonly Account[];
  readonly limits: StorageLimits;
}

/** Of a list of parts: S3's most, 10,000, at some 100 bytes each. */
const LARGEST_DOCUMENT = 2 ** 20;
/** S3's, and the most that a client gets. */
const LARGEST_PAGE = 1000;

/** Where a request leads. */
interface Target {
  readonly bucket: string;
  /** Empty: the bucket itself is meant. */
  readonly key: string;
  readonly query: URLSearchParams;
}

interface Reply {
  readonly status?: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Buffer | string;
}

export class ObjectStoreServer {
  readonly #server: http.Server;
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #storage: ObjectStorage;

  private constructor({ identity, accounts, limits }: StoreOptions) {
    this.#accounts = new Map(accounts.map((account) => [account.accessKeyId, account]));
    this.#storage = new ObjectStorage(limits);
    this.#server =
      identity === undefined
        ? http.createServer()
        : https.createServer({ cert: identity.certificate, key: identity.privateKey });
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(request, response);
    this.#server.on('request', serve).on('checkContinue', serve);
    // Connections stay open from window to window, and a slow uplink may take its time.
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
  }

  /** Begins to listen. Throws a RunError naming the address when it can't. */
  static async listen(options: StoreOptions): Promise<ObjectStoreServer> {
    const { host, port } = options;
    const store = new ObjectStoreServer(options);
    store.#server.listen(port, host);
    try {
      await once(store.#server, 'listening');
    } catch (error) {
      throw new RunError(`the object store can't listen on ${host}:${port}: ${messageOf(error)}`);
    }
    return store;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '/' } = request;
    try {
      const { status = 200, headers = {}, body = '' } = await this.#answer(request, response);
      response.writeHead(status, { ...headers, 'content-length': headers['content-length'] ?? body.length });
      response.end(method === 'HEAD' ? undefined : body);
    } catch (error) {
      if (response.destroyed) return; // Whoever asked is gone.
      const { code, message, status } =
        error instanceof StoreError ? error : new StoreError('InternalError', messageOf(error));
      const body = errorDocument(code, message, splitTarget(url)[0]);
      const headers = { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) };
      // A body that nobody reads would be taken for the next request.
      const unread = !request.complete && method !== 'GET' && method !== 'HEAD';
      response.writeHead(status, { ...headers, ...(unread ? { connection: 'close' } : {}) });
      response.end(method === 'HEAD' ? undefined : body);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Reply> {
    const { method = '', url = '/', headers } = request;
    const signer = signerOf(
      { method, target: url, headers },
      {
        secretOf: (accessKeyId) => this.#accounts.get(accessKeyId)?.secretAccessKey,
        region: STORE_REGION,
        now: new Date(),
      },
    );
    const target = targetOf(url);
    const writes = method !== 'GET' && method !== 'HEAD';
    if (writes && this.#accounts.get(signer)?.bucket !== target.bucket)
      throw new StoreError('AccessDenied', 'This access key does not write this bucket.');
    if (headers.expect !== undefined) response.writeContinue();
    const limit = method === 'PUT' ? this.#storage.largestBody : LARGEST_DOCUMENT;
    const body = writes ? await bodyOf(request, limit) : Buffer.alloc(0);
    checkBody(headers, body);
    return target.key === ''
      ? this.#ofBucket(method, target)
      : this.#ofObject(method, target, headers.range, body);
  }

  #ofBucket(method: string, { bucket, query }: Target): Reply {
    if (method === 'PUT') {
      this.#storage.createBucket(bucket);
      return { headers: { location: `/${bucket}` } };
    }
    if (method === 'GET' && query.get('list-type') === '2') return this.#list(bucket, query);
    throw new StoreError(
      'NotImplemented',
      `${method} of a bucket, other than ListObjectsV2, is not understood.`,
    );
  }

  #list(bucket: string, query: URLSearchParams): Reply {
    if (query.has('delimiter') || query.has('encoding-type'))
      throw new StoreError('NotImplemented', 'delimiter and encoding-type are not understood.');
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
    const maxKeys = Number(query.get('max-keys') ?? LARGEST_PAGE);
    if (!Number.isInteger(maxKeys) || maxKeys < 0)
      throw new StoreError('InvalidArgument', 'max-keys must be a whole number.');
    const all = this.#storage.list(bucket, { prefix, after });
    const objects = all.slice(0, Math.min(maxKeys, LARGEST_PAGE));
    const last = objects.at(-1);
    const next = all.length > objects.length && last !== undefined ? { next: last.key } : {};
    return xml(listDocument({ bucket, prefix, maxKeys, objects, ...next }));
  }

  #ofObject(method: string, { bucket, key, query }: Target, range: string | undefined, body: Buffer): Reply {
    const upload = query.get('uploadId');
    switch (method) {
      case 'HEAD': {
        const object = this.#storage.get(bucket, key);
        return { headers: { ...headersOf(object), 'content-length': object.bytes.length } };
      }
      case 'GET':
        return download(this.#storage.get(bucket, key), range);
      case 'PUT': {
        if (upload === null) return { headers: { etag: this.#storage.put(bucket, key, body).etag } };
        const number = partNumberOf(query);
        return { headers: { etag: this.#storage.putPart(bucket, key, upload, number, body) } };
      }
      case 'POST':
        if (query.has('uploads'))
          return xml(uploadDocument(bucket, key, this.#storage.beginUpload(bucket, key)));
        if (upload !== null) {
          const parts = partsOf(body.toString('utf8'));
          return xml(completionDocument(bucket, this.#storage.completeUpload(bucket, key, upload, parts)));
        }
        break;
      case 'DELETE':
        if (upload !== null) {
          this.#storage.abortUpload(bucket, key, upload);
          return { status: 204 };
        }
    }
    throw new StoreError('NotImplemented', `${method} of an object, as asked for here, is not understood.`);
  }
}

function targetOf(url: string): Target {
  const [path, query] = splitTarget(url);
  const [, bucket = '', ...key] = path.split('/');
  if (bucket === '')
    throw new StoreError('NotImplemented', 'Only requests that name a bucket in the path are.');
  return { bucket: decoded(bucket), key: decoded(key.join('/')), query: new URLSearchParams(query) };
}

/** The whole body. @throws StoreError if it is longer than `limit`, which its header tells beforehand. */
async function bodyOf(request: IncomingMessage, limit: number): Promise<Buffer> {
  const length = request.headers['content-length'];
  if (length === undefined && request.headers['transfer-encoding'] !== undefined)
    throw new StoreError('MissingContentLength', 'The length of the body must be told beforehand.');
  const bytes = Number(length ?? 0);
  if (bytes > limit) throw new StoreError('EntityTooLarge', `Found ${bytes} bytes; allowed: ${limit}.`);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function partNumberOf(query: URLSearchParams): number {
  const number = Number(query.get('partNumber'));
  if (Number.isInteger(number) && number >= 1 && number <= 10_000) return number;
  throw new StoreError('InvalidArgument', 'Part numbers are whole numbers from 1 to 10000.');
}

function headersOf({ etag, modified }: StoredObject): OutgoingHttpHeaders {
  return {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    etag,
    'last-modified': modified.toUTCString(),
  };
}

/** An object, or the one range of it that is asked for (RFC 9110, section 14). */
function download(object: StoredObject, range: string | undefined): Reply {
  const headers = headersOf(object);
  const { bytes } = object;
  if (range === undefined) return { headers, body: bytes };
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  if (first === '' && last === '') return { headers, body: bytes }; // Not understood, hence ignored.
  const from = first === '' ? Math.max(0, bytes.length - Number(last)) : Number(first);
  const to = first === '' || last === '' ? bytes.length - 1 : Math.min(Number(last), bytes.length - 1);
  if (from > to) throw new StoreError('InvalidRange', `The object has ${bytes.length} bytes.`);
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${from}-${to}/${bytes.length}` },
    body: bytes.subarray(from, to + 1),
  };
}

const xml = (body: string): Reply => ({
  headers: { 'content-type': 'application/xml' },
  body: Buffer.from(body),
});
