/**
 * Whose request is it? Verifies AWS Signature Version 4 in the Authorization header, as S3 does.
 *
 * The client has signed a canonical form of the request with a key that is derived from its secret, the day,
 * the region and the service; here the same is done again and compared. The body is covered by its SHA-256 in
 * a signed header, so a request can be judged before its body has come (Amazon S3 API Reference,
 * "Authenticating Requests: Using the Authorization Header"). Presigned URLs and bodies signed chunk by chunk
 * are not understood.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { StoreError } from './errors.js';

/** A request as it came, before its body. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, encoded as on the wire. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

/** In place of a hash: the body is not covered by the signature. */
const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
/** S3 allows this much between the clocks, ms. */
const MOST_SKEW_MS = 15 * 60 * 1000;
const ALGORITHM = 'AWS4-HMAC-SHA256';
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/s3\/aws4_request,\s*SignedHeaders=([a-z0-9;-]+),\s*Signature=([0-9a-f]{64})$/;

/**
 * The access key that signed the request.
 *
 * @param secretOf The secret of an access key; undefined if there is no such key.
 * @throws StoreError if it is not signed, wrongly signed, or signed at another time.
 */
export function signerOf(
  request: SignedRequest,
  {
    secretOf,
    region,
    now,
  }: { secretOf: (accessKeyId: string) => string | undefined; region: string; now: Date },
): string {
  const { headers } = request;
  const match = AUTHORIZATION.exec(headers.authorization ?? '');
  if (match === null) throw new StoreError('AccessDenied', 'The request bears no signature of version 4.');
  const [, accessKeyId = '', day = '', signedRegion = '', signedNames = '', signature = ''] = match;
  const secret = secretOf(accessKeyId);
  if (secret === undefined) throw new StoreError('InvalidAccessKeyId', 'The access key does not exist.');
  const time = textOf(headers['x-amz-date']);
  if (signedRegion !== region || !time.startsWith(day))
    throw new StoreError('SignatureDoesNotMatch', `The signature is not for ${region} at x-amz-date.`);
  if (!(Math.abs(instantOf(time) - now.getTime()) <= MOST_SKEW_MS))
    throw new StoreError('RequestTimeTooSkewed', 'The clocks of client and store are too far apart.');
  const names = signedNames.split(';');
  if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => names.includes(name)))
    throw new StoreError(
      'SignatureDoesNotMatch',
      'Host, x-amz-content-sha256 and x-amz-date must be signed.',
    );

  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = [ALGORITHM, time, scope, sha256(canonicalOf(request, names))].join('\n');
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`);
  if (!timingSafeEqual(Buffer.from(signature, 'hex'), hmac(key, toSign)))
    throw new StoreError('SignatureDoesNotMatch', 'The signature does not match the request and the secret.');
  return accessKeyId;
}

/** Whether the body is the one that was signed. */
export function checkBody(headers: IncomingHttpHeaders, body: Uint8Array): void {
  const signed = textOf(headers['x-amz-content-sha256']);
  if (signed === UNSIGNED_PAYLOAD) return;
  if (signed.startsWith('STREAMING-'))
    throw new StoreError('NotImplemented', 'Bodies that are signed chunk by chunk are not understood.');
  if (signed !== sha256(body))
    throw new StoreError('XAmzContentSHA256Mismatch', 'The body is not the one whose SHA-256 was signed.');
}

function canonicalOf({ method, target, headers }: SignedRequest, names: readonly string[]): string {
  const [path = '', query = ''] = splitTarget(target);
  const lines = names.map((name) => `${name}:${textOf(headers[name]).trim().replace(/\s+/g, ' ')}`);
  return [
    method,
    path.split('/').map(recoded).join('/'),
    canonicalQuery(query),
    ...lines,
    '',
    names.join(';'),
    textOf(headers['x-amz-content-sha256']),
  ].join('\n');
}

export function splitTarget(target: string): [path: string, query: string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return `${recoded(name)}=${recoded(value.join('='))}`;
    })
    .sort()
    .join('&');
}

/** Encoded anew, so that two ways to encode the same are the same: all but RFC 3986's unreserved characters. */
function recoded(text: string): string {
  return encodeURIComponent(decoded(text)).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** @throws StoreError for what is no encoding. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new StoreError('InvalidArgument', 'The URL is not encoded as it should be.');
  }
}

/** "20260102T030405Z" in ms since 1970; NaN if it is not of that form. */
function instantOf(time: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time);
  if (match === null) return NaN;
  const [, year, month, day, hour, minute, second] = match;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

const textOf = (header: string | string[] | undefined): string =>
  header === undefined ? '' : typeof header === 'string' ? header : header.join(',');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');
