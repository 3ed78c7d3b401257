/**
 * From an object to the wire: how many bytes TCP carries when one is put or got.
 *
 * HTTP adds a header to each request and each response, TLS cuts both into records; the rest is the object.
 * Headers were measured, not derived, with the requests of nodes/object-client.ts and the answers of
 * server.ts: they vary by a few bytes with the size of the numbers in them, and by some twenty with the names
 * of kernel and Node that the client tells. What is left out: retransmissions, and looks for an object that is
 * not there yet, which depend on the moment and have a figure of their own.
 */
import { recordedBytes, type Framing } from '../transport/framing.js';
import { partsOfObject } from './parts.js';

/** Bytes of a request's header, and of its response's where that has no body to speak of. */
const PUT = { request: 840, response: 141 };
const HEAD = { request: 731, response: 253 };
const GET = { request: 749, response: 253 };
const VAIN_LOOK = { request: 731, response: 139 };
/** What a range adds to both. */
const RANGE = { request: 34, response: 62 };
/** What a part of an upload adds to a put, which names upload and part. */
const PART_REQUEST = 62;
const BEGIN_UPLOAD = { request: 759, response: 385 };
/** And for each part its number and its ETag. */
const COMPLETE_UPLOAD = { request: 937, response: 387, requestPerPart: 115 };
const CREATE_BUCKET = { request: 781, response: 118 };
/** A client that sends this much first asks whether it may: a header line, and "100 Continue" (AWS SDK, 2 MiB). */
const EXPECT = { from: 2 * 2 ** 20, request: 22, response: 25 };
/** TLS 1.3 with a certificate on P-256, and two session tickets. */
const HANDSHAKE = { toStore: 443, fromStore: 1254 };

export interface ObjectFraming extends Framing {
  /** Objects larger than this travel in parts of this size, bytes. */
  readonly part: number;
}

/** Bytes that TCP carries in either direction. */
export interface StoreTraffic {
  readonly toStore: number;
  readonly fromStore: number;
}

/** A request with its body, and a response with its own, bytes before TLS. */
interface Exchange {
  readonly request: number;
  readonly response: number;
}

/** Of putting or getting an object of `bytes` bytes, once. */
export function objectTraffic(kind: 'put' | 'get', bytes: number, framing: ObjectFraming): StoreTraffic {
  const exchanges = kind === 'put' ? putting(bytes, framing.part) : getting(bytes, framing.part);
  return {
    toStore: exchanges.reduce((sum, { request }) => sum + recordedBytes(request, framing), 0),
    fromStore: exchanges.reduce((sum, { response }) => sum + recordedBytes(response, framing), 0),
  };
}

/** Round trips that a put or get takes besides the transfer itself, before it begins and after it has ended. */
export function idleRoundTrips(
  kind: 'put' | 'get',
  bytes: number,
  part: number,
): { before: number; after: number } {
  if (kind === 'get') return { before: 1, after: 0 };
  const inParts = bytes > part ? 1 : 0;
  const asks = Math.min(bytes, part) >= EXPECT.from ? 1 : 0;
  return { before: inParts + asks, after: inParts };
}

/** What there is besides objects, of one or several nodes. */
export interface Besides {
  readonly buckets: number;
  readonly connections: number;
  /** Looks for objects that were not there yet. */
  readonly vainLooks: number;
}

/** Of creating buckets, opening connections, and looking in vain. */
export function besidesTraffic({ buckets, connections, vainLooks }: Besides, framing: Framing): StoreTraffic {
  const handshakes = framing.tls ? connections : 0;
  const sum = (way: keyof Exchange, handshake: number): number =>
    handshakes * handshake +
    buckets * recordedBytes(CREATE_BUCKET[way], framing) +
    vainLooks * recordedBytes(VAIN_LOOK[way], framing);
  return { toStore: sum('request', HANDSHAKE.toStore), fromStore: sum('response', HANDSHAKE.fromStore) };
}

function putting(bytes: number, part: number): Exchange[] {
  if (bytes <= part) return uploading(bytes, 0);
  const parts = partsOfObject(bytes, part);
  const { request, response, requestPerPart } = COMPLETE_UPLOAD;
  return [
    BEGIN_UPLOAD,
    ...parts.flatMap(({ length }) => uploading(length, PART_REQUEST)),
    { request: request + requestPerPart * parts.length, response },
  ];
}

function uploading(bytes: number, more: number): Exchange[] {
  const put = { request: PUT.request + more + bytes, response: PUT.response };
  if (bytes < EXPECT.from) return [put];
  return [
    { request: put.request + EXPECT.request, response: put.response },
    { request: 0, response: EXPECT.response },
  ];
}

function getting(bytes: number, part: number): Exchange[] {
  const parts = partsOfObject(bytes, part);
  const more = parts.length > 1 ? RANGE : { request: 0, response: 0 };
  return [
    HEAD,
    ...parts.map(({ length }) => ({
      request: GET.request + more.request,
      response: GET.response + more.response + length,
    })),
  ];
}
