/**
 * What a send reads and a receive writes: the arithmetic of transfers, used by whoever plays a schedule with
 * real numbers, because equal weights on all players rest on equal bytes and equal additions.
 */
import { codecOf } from '../compression/index.js';
import { Random } from '../random.js';
import type { BufferName, RecvOperation, SendOperation } from './operation.js';

/** The buffers of one rank. */
export type Buffers = Readonly<
  Record<Exclude<BufferName, 'contributions'>, Float32Array> & Record<'contributions', Uint8Array>
>;

/** Who rounds, for what is drawn by lot: the same draw for the same operation, whoever plays it. */
export interface Rounder {
  readonly seed: number;
  readonly rank: number;
  readonly round: number;
}

export function roundingOf({ seed, rank, round }: Rounder, operation: number): Random {
  return new Random(seed, `rounding of rank ${rank}, round ${round}, operation ${operation}`);
}

/**
 * The bytes that a send puts on the wire. They may be a view of the buffer, so they hold until it changes.
 * With `settle` the buffer is left with what a receiver will read.
 *
 * @throws RangeError if the slice does not lie within its buffer.
 */
export function readSlice(operation: SendOperation, buffers: Buffers, rounder: Rounder): Uint8Array {
  const { buffer, offset, length, encoding, settle } = operation;
  if (encoding.kind === 'bytes') return part(buffers.contributions, offset, length);
  const values = floatsOf(buffers, buffer, offset, length);
  if (encoding.kind === 'float32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const codec = codecOf(encoding);
  const bytes = codec.encode(values, roundingOf(rounder, operation.id));
  if (settle) codec.decode(bytes, values);
  return bytes;
}

/**
 * Adds the elements in `bytes` to those in the buffer, or copies them there. A sum is one float32 addition per
 * element: own value plus incoming, rounded to nearest, hence the same on every machine.
 *
 * @throws RangeError if the slice does not lie within its buffer, or the bytes are not as many as it takes.
 */
export function writeSlice(operation: RecvOperation, bytes: Uint8Array, buffers: Buffers): void {
  const { buffer, offset, length, encoding, into } = operation;
  if (bytes.length !== operation.bytes)
    throw new RangeError(`a slice of ${bytes.length} bytes; expected ${operation.bytes}`);
  if (encoding.kind === 'bytes') {
    part(buffers.contributions, offset, length).set(bytes);
    return;
  }
  const target = floatsOf(buffers, buffer, offset, length);
  if (into === 'copy') {
    codecOf(encoding).decode(bytes, target);
    return;
  }
  const values = encoding.kind === 'float32' ? aligned(bytes) : new Float32Array(length);
  if (encoding.kind !== 'float32') codecOf(encoding).decode(bytes, values);
  for (let i = 0; i < length; i++) target[i]! += values[i]!;
}

function floatsOf(buffers: Buffers, name: BufferName, offset: number, length: number): Float32Array {
  if (name === 'contributions') throw new RangeError('contributions are bytes');
  return part(buffers[name], offset, length);
}

function part<T extends Float32Array | Uint8Array>(buffer: T, offset: number, length: number): T {
  if (offset < 0 || offset + length > buffer.length) {
    throw new RangeError(`slice ${offset}+${length} is outside a buffer of ${buffer.length} elements`);
  }
  return buffer.subarray(offset, offset + length) as T;
}

/** The same bytes as floats; copied only where they do not lie on a multiple of four. */
function aligned(bytes: Uint8Array): Float32Array {
  const whole = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(whole.buffer, whole.byteOffset, whole.length / 4);
}
