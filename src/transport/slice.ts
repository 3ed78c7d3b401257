/**
 * A tensor slice as it travels: MessagePack of [round, sequence, dtype, shape, offset, data].
 *
 * An array and not a map, so that the header is some twenty bytes: see framing.ts, which counts them. The
 * data are the raw little-endian bytes of the elements.
 */
import { Packr } from 'msgpackr';

export interface Slice {
  readonly round: number;
  /** Number of the slice among those from the sender to the receiver in this round. */
  readonly sequence: number;
  readonly dtype: 'float32';
  readonly shape: readonly number[];
  /** First element of the slice in the flat tensor it was cut from. */
  readonly offset: number;
  readonly data: Uint8Array;
}

const packr = new Packr({ useRecords: false });

export function packSlice(slice: Slice): Buffer {
  return packr.pack([slice.round, slice.sequence, slice.dtype, slice.shape, slice.offset, slice.data]);
}

/** Throws a RangeError on what packSlice did not make. `data` is a view into `packed`. */
export function unpackSlice(packed: Uint8Array): Slice {
  const fields: unknown = packr.unpack(packed);
  if (!Array.isArray(fields) || fields.length !== 6) throw new RangeError('not a slice');
  const [round, sequence, dtype, shape, offset, data] = fields as unknown[];
  if (!isCount(round) || !isCount(sequence) || !isCount(offset))
    throw new RangeError('slice with a wrong number');
  if (dtype !== 'float32') throw new RangeError(`slice of unknown type ${String(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw new RangeError('slice with a wrong shape');
  const elements = shape.reduce((product: number, size: number) => product * size, 1);
  if (!(data instanceof Uint8Array) || data.length !== 4 * elements) {
    throw new RangeError('slice whose data does not fill its shape');
  }
  return { round, sequence, dtype, shape, offset, data };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
