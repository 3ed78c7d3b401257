/**
 * What both ends of the object store agree on: how buckets and objects are called, where the store is, and
 * who may do what.
 *
 * Each rank has a bucket that only it writes and everybody reads, as the peers of Templar have; its objects
 * are named by the round in which they were put.
 */

/** The store's name in the topology, in its certificate, and in every request's Host header. */
export const STORE_NAME = 'store';

/** Part of what is signed; any will do, as long as both ends mean the same. */
export const STORE_REGION = 'us-east-1';

/**
 * Pause between two looks for an object that is not there yet, seconds (templar, src/tplr/comms.py,
 * get_with_retry).
 */
export const LOOK_SECONDS = 0.5;

/** Who may use the store: reads everything, writes `bucket` alone. */
export interface Account {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
}

/** What a node needs to know of the store, besides how to dial it. Plain data: it travels in the Welcome. */
export interface StoreAccess {
  readonly account: Account;
  /** Port in the store's URL, hence in every Host header. */
  readonly port: number;
  /** Certificate of the authority that the store's is signed by, PEM; absent: plain HTTP. */
  readonly authority?: string;
}

/** Bucket names have at least three characters, a-z, 0-9, dots and hyphens. */
export const bucketOf = (rank: number): string => `rank-${rank}`;

/** Leading zeros keep names, and so requests, of one length, and lists in order of rounds. */
export const keyOf = (round: number): string => `round-${String(round).padStart(6, '0')}`;
