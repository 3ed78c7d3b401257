/**
 * Weights as a file and as a fingerprint.
 *
 * The format is safetensors (https://huggingface.co/docs/safetensors): eight bytes with the header's length,
 * a JSON header that says where each tensor lies, then the raw little-endian numbers. Any machine-learning
 * tool opens it. No package on npm writes it, and readers there load from URLs or want a browser, so these
 * few lines are our own. Only float32 is written, and only what was written here need be read.
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { InputError, messageOf } from '../errors.js';
import type { ParameterTensor } from './model.js';

const LENGTH_BYTES = 8;
/** Tensors start at a multiple of this many bytes, so that a reader may map the file. */
const ALIGNMENT = 8;

const tensorSchema = z.object({
  dtype: z.literal('F32'),
  shape: z.array(z.number().int().min(0)),
  data_offsets: z.tuple([z.number().int().min(0), z.number().int().min(0)]),
});
const headerSchema = z
  .object({ __metadata__: z.record(z.string(), z.string()).optional() })
  .catchall(tensorSchema);

export interface Tensors {
  readonly layout: readonly ParameterTensor[];
  /** Flat, as the layout says. */
  readonly parameters: Float32Array;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Writes all tensors of the layout; the file is complete or fails as `fs` fails. */
export async function writeSafetensors(
  file: string,
  { layout, parameters, metadata }: Tensors,
): Promise<void> {
  const width = Float32Array.BYTES_PER_ELEMENT;
  const header: Record<string, unknown> = { __metadata__: metadata };
  for (const { name, shape, offset, length } of layout) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset * width, (offset + length) * width] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / ALIGNMENT) * ALIGNMENT, ' ');
  json.copy(padded);
  const prefix = Buffer.alloc(LENGTH_BYTES);
  prefix.writeBigUInt64LE(BigInt(padded.length));
  await writeFile(file, [prefix, padded, littleEndian(parameters)]);
}

/**
 * Reads a file of float32 tensors that lie one after the other, in the header's order or any other.
 *
 * @throws InputError naming the file, if it is not such a file; whatever `fs` throws.
 */
export async function readSafetensors(file: string): Promise<Tensors> {
  const bytes = await readFile(file);
  const fail = (found: string): never => {
    throw new InputError(`${file}: ${found}; allowed: a safetensors file of float32 tensors`);
  };
  if (bytes.length < LENGTH_BYTES) fail(`found ${bytes.length} bytes`);
  const dataStart = LENGTH_BYTES + Number(bytes.readBigUInt64LE());
  if (dataStart > bytes.length) fail(`found a header that ends at byte ${dataStart} of ${bytes.length}`);
  const { __metadata__: metadata = {}, ...tensors } = parseHeader(
    bytes.subarray(LENGTH_BYTES, dataStart),
    fail,
  );

  const width = Float32Array.BYTES_PER_ELEMENT;
  const layout: ParameterTensor[] = Object.entries(tensors)
    .map(
      ([
        name,
        {
          shape,
          data_offsets: [begin, end],
        },
      ]) => {
        const length = shape.reduce((product, size) => product * size, 1);
        if (begin % width !== 0 || end - begin !== length * width) {
          fail(`found tensor ${name} of ${length} elements in bytes ${begin} to ${end}`);
        }
        return { name, shape, offset: begin / width, length };
      },
    )
    .sort((a, b) => a.offset - b.offset || a.length - b.length);
  let end = 0;
  for (const { name, offset, length } of layout) {
    if (offset !== end) fail(`found tensor ${name} at element ${offset}, not at ${end}`);
    end += length;
  }
  if (end * width !== bytes.length - dataStart)
    fail(`found ${bytes.length - dataStart} bytes of data, not ${end * width}`);

  const parameters = new Float32Array(end);
  for (let i = 0; i < end; i++) parameters[i] = bytes.readFloatLE(dataStart + i * width);
  return { layout, parameters, metadata };
}

/** SHA-256 of the parameters as little-endian float32, in hexadecimal: equal hashes, equal bits. */
export function weightsSha256(parameters: Float32Array): string {
  return createHash('sha256').update(littleEndian(parameters)).digest('hex');
}

function parseHeader(json: Buffer, fail: (found: string) => never): z.output<typeof headerSchema> {
  let value: unknown;
  try {
    value = JSON.parse(json.toString());
  } catch (error) {
    return fail(`found a header that is not JSON (${messageOf(error)})`);
  }
  const parsed = headerSchema.safeParse(value);
  return parsed.success ? parsed.data : fail(`found a header with ${z.prettifyError(parsed.error)}`);
}

/** A copy on memory of its own: hashes and files don't take shared memory. */
function littleEndian(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(values.byteLength);
  for (let i = 0; i < values.length; i++)
    bytes.writeFloatLE(values[i] ?? NaN, i * Float32Array.BYTES_PER_ELEMENT);
  return bytes;
}
