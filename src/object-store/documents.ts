/** The XML documents that an S3 server answers with, and the one that it reads. */
import { StoreError } from './errors.js';
import type { ListedPart, StoredObject } from './storage.js';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** Fields of an element: text, or elements of one name. */
type Fields = Readonly<Record<string, string | number | boolean | readonly Fields[]>>;

export function errorDocument(code: string, message: string, resource: string): string {
  return document(`<Error>${fieldsText({ Code: code, Message: message, Resource: resource })}</Error>`);
}

export function uploadDocument(bucket: string, key: string, id: string): string {
  return root('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: id });
}

export function completionDocument(bucket: string, { key, etag }: StoredObject): string {
  return root('CompleteMultipartUploadResult', { Bucket: bucket, Key: key, ETag: etag });
}

export interface Listing {
  readonly bucket: string;
  readonly prefix: string;
  readonly maxKeys: number;
  readonly objects: readonly StoredObject[];
  /** Where to go on; absent at the end. */
  readonly next?: string;
}

/** Of ListObjectsV2. */
export function listDocument({ bucket, prefix, maxKeys, objects, next }: Listing): string {
  return root('ListBucketResult', {
    Name: bucket,
    Prefix: prefix,
    KeyCount: objects.length,
    MaxKeys: maxKeys,
    IsTruncated: next !== undefined,
    ...(next === undefined ? {} : { NextContinuationToken: next }),
    Contents: objects.map(({ key, modified, etag, bytes }) => ({
      Key: key,
      LastModified: modified.toISOString(),
      ETag: etag,
      Size: bytes.length,
      StorageClass: 'STANDARD',
    })),
  });
}

/** The parts in the body of CompleteMultipartUpload. */
export function partsOf(body: string): ListedPart[] {
  return [...body.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => {
    const number = Number(/<PartNumber>\s*(\d+)\s*<\/PartNumber>/.exec(part)?.[1]);
    const etag = /<ETag>\s*(?:"|&quot;|&#34;)?([0-9a-f]{32})(?:"|&quot;|&#34;)?\s*<\/ETag>/.exec(part)?.[1];
    if (!Number.isInteger(number) || etag === undefined)
      throw new StoreError('MalformedXML', 'A part needs a PartNumber and an ETag.');
    return { number, etag: `"${etag}"` };
  });
}

const document = (content: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n${content}`;
const root = (name: string, fields: Fields): string =>
  document(`<${name} xmlns="${NAMESPACE}">${fieldsText(fields)}</${name}>`);

function fieldsText(fields: Fields): string {
  return Object.entries(fields)
    .flatMap(([name, value]) =>
      typeof value === 'object'
        ? value.map((inner) => `<${name}>${fieldsText(inner)}</${name}>`)
        : [`<${name}>${escaped(String(value))}</${name}>`],
    )
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[<>&"]/g, (character) => ENTITIES[character] ?? '');
