/**
 * Which bytes a step sees. A batch is a function of (seed, rank, step) and of nothing that happened before:
 * there is no reader with a position to save, so a process that is killed and started again, or a reference
 * that plays all ranks in turn, sees the same bytes.
 */
import { RunError } from '../errors.js';
import { Random } from '../random.js';

export interface BatchRequest {
  /** The rank's shard, as bytes. */
  readonly text: Uint8Array;
  readonly seed: number;
  readonly rank: number;
  /** Global inner step, counting from 0. */
  readonly step: number;
  /** Rows. */
  readonly batch: number;
  /** Bytes that are read in a row; one more is drawn, to be predicted. */
  readonly context: number;
}

/** Bytes of a batch: `batch` rows of `context + 1`. Rows start anywhere in the text. */
export function batchFor({ text, seed, rank, step, batch, context }: BatchRequest): Uint8Array {
  return sampleRows(text, new Random(seed, `batch of rank ${rank}, step ${step}`), batch, context + 1);
}

/**
 * `rows` pieces of `length` bytes, from places drawn at random, one after the other.
 *
 * @throws RunError if the text is shorter than one row.
 */
export function sampleRows(text: Uint8Array, random: Random, rows: number, length: number): Uint8Array {
  const places = text.length - length + 1;
  if (places < 1) throw new RunError(`a text of ${text.length} bytes is too short for rows of ${length}`);
  const sample = new Uint8Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const start = random.integer(places);
    sample.set(text.subarray(start, start + length), row * length);
  }
  return sample;
}
