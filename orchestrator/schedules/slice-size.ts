/** Slices: how many elements, and whether a round would come to too many of them. */
import { InputError } from '../../src/errors.js';

/** Of all ranks in one round: 8192 for each of 64. So a handful of rounds fit in 2 GB, as a forecast needs. */
export const MAX_OPERATIONS = 2 ** 19;

/**
 * Elements of a slice of `bytes` bytes of float32.
 *
 * @param transfers Sends and receives of a whole buffer that a round comes to, over all ranks; for the estimate
 *   of how many operations there would be, which comes first, for cutting a huge buffer into tiny slices would
 *   itself not fit.
 * @throws InputError naming `protocol.slice`.
 */
export function checkedSliceElements(bytes: number, elements: number, transfers: number): number {
  const size = Float32Array.BYTES_PER_ELEMENT;
  const sliceElements = Math.floor(bytes / size);
  if (sliceElements < 1)
    throw new InputError(`protocol.slice: found ${bytes} bytes; allowed: at least 4, one float32 element`);
  checkOperations(bytes, `${elements} parameters`, transfers * elements, size);
  return sliceElements;
}

/** Bytes of a slice of contributions that are encoded already; else as {@link checkedSliceElements}. */
export function checkedSliceBytes(bytes: number, contribution: number, transfers: number): number {
  checkOperations(bytes, `contributions of ${contribution} bytes`, transfers * contribution, 1);
  return bytes;
}

/** @param total What is transferred in a round, in units of so many bytes; slices are whole multiples of one. */
function checkOperations(bytes: number, what: string, total: number, unit: number): void {
  if (total / Math.floor(bytes / unit) <= MAX_OPERATIONS) return;
  const least = Math.ceil(total / MAX_OPERATIONS) * unit;
  throw new InputError(
    `protocol.slice: found ${bytes} bytes, which cuts ${what} into more than ${MAX_OPERATIONS} operations a round; ` +
      `allowed: at least ${least} bytes`,
  );
}
