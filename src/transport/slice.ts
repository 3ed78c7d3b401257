/**
 * A tensor slice as it travels: MessagePack of [round, sequence, encoding, length, offset, data].
 *
 * An array and not a map, so that the header is some twenty bytes: see framing.ts, which counts them. The
 * data are the elements as their encoding writes them (src/compression).
 */
import { Packr } from 'msgpackr';

export interface Slice {
  readonly round: number;
  /** Number of the slice among those from the sender to the receiver in this round. */
  readonly sequence: number;
  /** Kind of the encoding. */
  readonly encoding: string;
  /** Elements. */
  readonly length: number;
  /** First element of the slice in the buffer it was cut from. */
  readonly offset: number;
  readonly data: Uint8Array;
}

const packr = new Packr({ useRecords: false });

export function packSlice(slice: Slice): Buffer {
  return packr.pack([slice.round, slice.sequence, slice.encoding, slice.length, slice.offset, slice.data]);
}

/** Throws a RangeError on what packSlice did not make. `data` is a view into `packed`. */
export function unpackSlice(packed: Uint8Array): Slice {
  const fields: unknown = packr.unpack(packed);
  if (!Array.isArray(fields) || fields.length !== 6) throw new RangeError('not a slice');
  const [round, sequence, encoding, length, offset, data] = fields as unknown[];
  if (!isCount(round) || !isCount(sequence) || !isCount(offset) || !isCount(length))
    throw new RangeError('slice with a wrong number');
  if (typeof encoding !== 'string') throw new RangeError('slice without an encoding');
  if (!(data instanceof Uint8Array)) throw new RangeError('slice without data');
  return { round, sequence, encoding, length, offset, data };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
