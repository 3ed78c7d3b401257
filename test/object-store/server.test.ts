/** The store, asked by the ordinary client of S3, as anybody's program would be. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNTS, content, openStore, type StoreWithAccess } from './stores.js';

const [own, other] = [ACCOUNTS[0]!, ACCOUNTS[1]!];
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

let store: StoreWithAccess;
let s3: S3Client;
const clients: S3Client[] = [];

/** The client as it comes, but for where to dial and who asks. */
function clientWith(config: S3ClientConfig): S3Client {
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${store.server.port}`,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: own,
    ...config,
  });
  clients.push(client);
  return client;
}

const get = async (Key: string, Range?: string) => {
  const { Body, ...rest } = await s3.send(
    new GetObjectCommand({ Bucket: own.bucket, Key, ...(Range === undefined ? {} : { Range }) }),
  );
  return { ...rest, bytes: (await Body?.transformToByteArray()) ?? new Uint8Array() };
};

beforeAll(async () => {
  store = await openStore({ objectBytes: 12 * 2 ** 20 });
  s3 = clientWith({});
  await s3.send(new CreateBucketCommand({ Bucket: own.bucket }));
});
afterAll(() => clients.forEach((client) => client.destroy()));

describe('the object store', () => {
  it('gives back what was put, with its MD5 as ETag', async () => {
    const Body = content(100_000);
    const { ETag } = await s3.send(new PutObjectCommand({ Bucket: own.bucket, Key: 'a', Body }));
    expect(ETag).toBe(`"${md5(Body)}"`);
    const got = await get('a');
    expect(Buffer.from(got.bytes).equals(Body)).toBe(true);
    expect(got).toMatchObject({ ETag, ContentLength: Body.length });
    const head = await s3.send(new HeadObjectCommand({ Bucket: own.bucket, Key: 'a' }));
    expect(head).toMatchObject({ ETag, ContentLength: Body.length });
    expect(Math.abs(Date.now() - head.LastModified!.getTime())).toBeLessThan(60_000);
  });

  it('keeps keys that are not plain', async () => {
    const Key = "über/o b+j (1)*'!.bin";
    await s3.send(new PutObjectCommand({ Bucket: own.bucket, Key, Body: content(3) }));
    expect((await get(Key)).bytes).toHaveLength(3);
    await s3.send(new PutObjectCommand({ Bucket: own.bucket, Key, Body: new Uint8Array() }));
    expect((await get(Key)).bytes).toHaveLength(0);
  });

  it('gives any range of an object', async () => {
    const Body = content(1000);
    await s3.send(new PutObjectCommand({ Bucket: own.bucket, Key: 'a', Body }));
    await fc.assert(
      fc.asyncProperty(fc.nat(999), fc.nat(1500), async (from, more) => {
        const { bytes, ContentRange } = await get('a', `bytes=${from}-${from + more}`);
        const expected = Body.subarray(from, from + more + 1);
        expect(Buffer.from(bytes).equals(expected)).toBe(true);
        expect(ContentRange).toBe(`bytes ${from}-${from + expected.length - 1}/1000`);
      }),
      { numRuns: 20 },
    );
    expect((await get('a', 'bytes=990-')).bytes).toHaveLength(10);
    expect((await get('a', 'bytes=-7')).bytes).toEqual(Body.subarray(993));
    await expect(get('a', 'bytes=1000-')).rejects.toMatchObject({ name: 'InvalidRange' });
  });

  it('lists keys in order, by prefix and page after page', async () => {
    const bucket = { Bucket: other.bucket };
    const its = clientWith({ credentials: other });
    await its.send(new CreateBucketCommand(bucket));
    for (const Key of ['b2', 'a&<1>', 'b1'])
      await its.send(new PutObjectCommand({ ...bucket, Key, Body: content(5) }));
    const keysOf = (contents: { Key?: string | undefined }[] = []) => contents.map(({ Key }) => Key);
    const all = await s3.send(new ListObjectsV2Command(bucket));
    expect(keysOf(all.Contents)).toEqual(['a&<1>', 'b1', 'b2']);
    expect(all).toMatchObject({ KeyCount: 3, IsTruncated: false });
    const page = await s3.send(new ListObjectsV2Command({ ...bucket, Prefix: 'b', MaxKeys: 1 }));
    expect(keysOf(page.Contents)).toEqual(['b1']);
    expect(page.IsTruncated).toBe(true);
    const ContinuationToken = page.NextContinuationToken!;
    const next = await s3.send(new ListObjectsV2Command({ ...bucket, Prefix: 'b', ContinuationToken }));
    expect(keysOf(next.Contents)).toEqual(['b2']);
    expect(next.IsTruncated).toBe(false);
  });

  it('makes one object of parts that come in any order, with the ETag that S3 gives it', async () => {
    const place = { Bucket: own.bucket, Key: 'parts' };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(place));
    const bodies = [content(5 * 2 ** 20, 1), content(700, 2)];
    const upload = async (PartNumber: number) => {
      const Body = bodies[PartNumber - 1]!;
      const { ETag } = await s3.send(new UploadPartCommand({ ...place, UploadId, PartNumber, Body }));
      return { PartNumber, ETag };
    };
    const [second, first] = await Promise.all([upload(2), upload(1)]);
    const complete = (...Parts: object[]) =>
      s3.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }));
    await expect(complete(second, first)).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(complete({ ...first, ETag: second.ETag })).rejects.toMatchObject({ name: 'InvalidPart' });
    const { ETag } = await complete(first, second);
    const digests = Buffer.concat(bodies.map((body) => Buffer.from(md5(body), 'hex')));
    expect(ETag).toBe(`"${md5(digests)}-2"`);
    expect(Buffer.from((await get('parts')).bytes).equals(Buffer.concat(bodies))).toBe(true);
    await expect(complete(first, second)).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it('forgets an upload that is given up', async () => {
    const place = { Bucket: own.bucket, Key: 'given up' };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(place));
    await s3.send(new AbortMultipartUploadCommand({ ...place, UploadId }));
    const part = { ...place, UploadId, PartNumber: 1, Body: content(9) };
    await expect(s3.send(new UploadPartCommand(part))).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it('serves many at once', async () => {
    const bodies = Array.from({ length: 3 }, (_, i) => content(200_000, i));
    const bucket = { Bucket: own.bucket };
    await Promise.all(
      bodies.map((Body, i) => s3.send(new PutObjectCommand({ ...bucket, Key: `many-${i}`, Body }))),
    );
    const got = await Promise.all(Array.from({ length: 30 }, (_, i) => get(`many-${i % 3}`)));
    got.forEach(({ bytes }, i) => expect(Buffer.from(bytes).equals(bodies[i % 3]!)).toBe(true));
  });

  it('keeps the newest objects of a bucket', async () => {
    const Bucket = own.bucket;
    for (let i = 0; i < 5; i++)
      await s3.send(new PutObjectCommand({ Bucket, Key: `kept-${i}`, Body: content(i) }));
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents.map(({ Key }) => Key)).toEqual(['kept-2', 'kept-3', 'kept-4']);
  });
});

describe('the object store refuses', () => {
  const put = (client: S3Client, input: Partial<{ Bucket: string; Body: Uint8Array }> = {}) =>
    client.send(new PutObjectCommand({ Bucket: own.bucket, Key: 'refused', Body: content(10), ...input }));

  it.each([
    ['a wrong secret', { credentials: { ...own, secretAccessKey: 'guessed' } }, 'SignatureDoesNotMatch'],
    ['a key it does not know', { credentials: { ...own, accessKeyId: 'SOMEBODY' } }, 'InvalidAccessKeyId'],
    ['a signature for elsewhere', { region: 'eu-west-1' }, 'SignatureDoesNotMatch'],
    ['another rank that would write here', { credentials: other }, 'AccessDenied'],
    ['a clock that is far off', { systemClockOffset: 20 * 60 * 1000 }, 'RequestTimeTooSkewed'],
  ])('%s', async (_, config, name) => {
    await expect(put(clientWith(config))).rejects.toMatchObject({ name });
    await expect(get('refused')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('a request without a signature, and a body that is not the one that was signed', async () => {
    const url = `http://127.0.0.1:${store.server.port}/${own.bucket}/refused`;
    const unsigned = await fetch(url, { method: 'PUT', body: 'x' });
    expect(unsigned.status).toBe(403);
    expect(await unsigned.text()).toContain('<Code>AccessDenied</Code>');

    const client = clientWith({});
    client.middlewareStack.add(
      (next) => (args) => {
        const { request } = args as { request: { body: Uint8Array } };
        request.body = content(10, 77);
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    await expect(put(client)).rejects.toMatchObject({ name: 'XAmzContentSHA256Mismatch' });
  });

  it('what is too large, before it has come', async () => {
    await expect(put(s3, { Body: new Uint8Array(13 * 2 ** 20) })).rejects.toMatchObject({
      name: 'EntityTooLarge',
    });
  });

  it('buckets and objects that are not there', async () => {
    await expect(get('nothing')).rejects.toMatchObject({
      name: 'NoSuchKey',
      $metadata: { httpStatusCode: 404 },
    });
    const absent = new GetObjectCommand({ Bucket: 'rank-77', Key: 'nothing' });
    await expect(s3.send(absent)).rejects.toMatchObject({ name: 'NoSuchBucket' });
    const head = s3.send(new HeadObjectCommand({ Bucket: own.bucket, Key: 'nothing' }));
    await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
  });
});
