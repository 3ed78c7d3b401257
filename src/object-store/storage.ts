/**
 * Buckets and objects, in memory: what an object store is, without the network.
 *
 * Think of a cloakroom with one rack per peer. A rack has a few hooks; when all are taken, the coat that has
 * hung longest is thrown out, so that a long run needs no more memory than a short one. Peers that play round
 * after round never come back for a coat that old.
 */
import { createHash, randomUUID } from 'node:crypto';
import { StoreError } from './errors.js';

export interface StoredObject {
  readonly key: string;
  readonly bytes: Buffer;
  /** Quoted, as in the header: the MD5 of the content, or of the parts' MD5s and how many they are. */
  readonly etag: string;
  readonly modified: Date;
}

export interface StorageLimits {
  /** Largest object, bytes. */
  readonly objectBytes: number;
  /** Objects that a bucket keeps: with one more, the oldest goes. Of uploads in parts likewise. */
  readonly objectsPerBucket: number;
}

/** A part as the client lists it when it completes an upload. */
export interface ListedPart {
  readonly number: number;
  readonly etag: string;
}

interface Upload {
  readonly key: string;
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string }>;
}

interface Bucket {
  /** In the order in which they were put. */
  readonly objects: Map<string, StoredObject>;
  readonly uploads: Map<string, Upload>;
}

export class ObjectStorage {
  readonly #limits: StorageLimits;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: StorageLimits) {
    this.#limits = limits;
  }

  /** Bytes of the largest body that makes sense. */
  get largestBody(): number {
    return this.#limits.objectBytes;
  }

  /** Makes a bucket; that it is there already is no error, as in S3's first region. */
  createBucket(name: string): void {
    if (!this.#buckets.has(name)) this.#buckets.set(name, { objects: new Map(), uploads: new Map() });
  }

  /** Puts an object, over one of the same key if there is one. */
  put(bucket: string, key: string, bytes: Buffer): StoredObject {
    return this.#store(this.#bucket(bucket), { key, bytes, etag: `"${md5(bytes)}"`, modified: new Date() });
  }

  get(bucket: string, key: string): StoredObject {
    const object = this.#bucket(bucket).objects.get(key);
    if (object === undefined) throw new StoreError('NoSuchKey', 'The specified key does not exist.');
    return object;
  }

  /** Keys in order, those after `after` that begin with `prefix`. */
  list(
    bucket: string,
    { prefix, after }: { readonly prefix: string; readonly after: string },
  ): StoredObject[] {
    return [...this.#bucket(bucket).objects.values()]
      .filter(({ key }) => key.startsWith(prefix) && key > after)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Begins an upload in parts; its id. */
  beginUpload(bucket: string, key: string): string {
    const { uploads } = this.#bucket(bucket);
    const id = randomUUID();
    uploads.set(id, { key, parts: new Map() });
    dropOldest(uploads, this.#limits.objectsPerBucket);
    return id;
  }

  /** The part's ETag. */
  putPart(bucket: string, key: string, id: string, number: number, bytes: Buffer): string {
    const { parts } = this.#upload(bucket, key, id);
    const etag = `"${md5(bytes)}"`;
    parts.set(number, { bytes, etag });
    this.#checkSize([...parts.values()].reduce((sum, part) => sum + part.bytes.length, 0));
    return etag;
  }

  /** Makes an object of the parts that are listed, which must be in ascending order. */
  completeUpload(bucket: string, key: string, id: string, listed: readonly ListedPart[]): StoredObject {
    const { parts } = this.#upload(bucket, key, id);
    const chosen = listed.map(({ number, etag }, index) => {
      const part = parts.get(number);
      const inOrder = index === 0 || listed[index - 1]!.number < number;
      if (part?.etag !== etag || !inOrder)
        throw new StoreError('InvalidPart', `Part ${number} was not found, or has another ETag or place.`);
      return part;
    });
    if (chosen.length === 0) throw new StoreError('MalformedXML', 'No part is listed.');
    const digests = chosen.map(({ bytes }) => createHash('md5').update(bytes).digest());
    const holder = this.#bucket(bucket);
    holder.uploads.delete(id);
    return this.#store(holder, {
      key,
      bytes: Buffer.concat(chosen.map(({ bytes }) => bytes)),
      etag: `"${md5(Buffer.concat(digests))}-${chosen.length}"`,
      modified: new Date(),
    });
  }

  abortUpload(bucket: string, key: string, id: string): void {
    this.#upload(bucket, key, id);
    this.#bucket(bucket).uploads.delete(id);
  }

  #bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw new StoreError('NoSuchBucket', 'The specified bucket does not exist.');
    return bucket;
  }

  #upload(bucket: string, key: string, id: string): Upload {
    const upload = this.#bucket(bucket).uploads.get(id);
    if (upload?.key !== key) throw new StoreError('NoSuchUpload', 'The specified upload does not exist.');
    return upload;
  }

  #store({ objects }: Bucket, object: StoredObject): StoredObject {
    this.#checkSize(object.bytes.length);
    objects.delete(object.key);
    objects.set(object.key, object);
    dropOldest(objects, this.#limits.objectsPerBucket);
    return object;
  }

  #checkSize(bytes: number): void {
    if (bytes > this.#limits.objectBytes)
      throw new StoreError('EntityTooLarge', `Found ${bytes} bytes; allowed: ${this.#limits.objectBytes}.`);
  }
}

function dropOldest<T>(entries: Map<string, T>, most: number): void {
  for (const key of entries.keys()) {
    if (entries.size <= most) return;
    entries.delete(key);
  }
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
