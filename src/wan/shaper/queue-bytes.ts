/** The limit of a queue, as a scenario says it, in bytes. */
import type { QueueLimit } from '../../scenario/topology.js';

/** The drop-tail limit of a link of `rate` bit/s, in bytes. */
export const queueBytes = (limit: QueueLimit, rate: number): number =>
  'bytes' in limit ? limit.bytes : (limit.seconds * rate) / 8;
