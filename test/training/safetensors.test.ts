/** The weights file and the fingerprint. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import { initialParameters, parameterCount, parameterLayout } from '../../src/training/model.js';
import { readSafetensors, weightsSha256, writeSafetensors } from '../../src/training/safetensors.js';

const shape = { layers: 1, width: 8, heads: 2, context: 4 };
const layout = parameterLayout(shape);
let directory = '';
let file = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meshbeat-safetensors-'));
  file = join(directory, 'weights.safetensors');
});
afterAll(() => rm(directory, { recursive: true }));

/** On shared memory, as a replica's are. */
function someParameters(): Float32Array {
  const parameters = new Float32Array(new SharedArrayBuffer(4 * parameterCount(shape)));
  initialParameters(shape, 1, parameters);
  return parameters;
}

describe('writeSafetensors', () => {
  it('writes what is read again', async () => {
    const parameters = someParameters();
    const metadata = { scenario: 'diloco', seed: '1' };
    await writeSafetensors(file, { layout, parameters, metadata });
    const read = await readSafetensors(file);
    expect(read.layout).toEqual(layout);
    expect(read.metadata).toEqual(metadata);
    expect([...read.parameters]).toEqual([...parameters]);
  });

  it('writes the format byte for byte', async () => {
    const one = [{ name: 'w', shape: [1, 2], offset: 0, length: 2 }];
    await writeSafetensors(file, { layout: one, parameters: Float32Array.of(1, -2), metadata: { a: 'b' } });
    const header = '{"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    const expected = [padded.length, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from(padded)];
    expect([...(await readFile(file))]).toEqual([...expected, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });
});

describe('readSafetensors', () => {
  const withHeader = (json: string, data = 0) => {
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([prefix, Buffer.from(json), Buffer.alloc(data)]);
  };
  const tensor = (begin: number, end: number, size: number) =>
    `{"dtype":"F32","shape":[${size}],"data_offsets":[${begin},${end}]}`;

  it.each([
    ['an empty file', Buffer.alloc(0), /found 0 bytes/],
    ['a header longer than the file', Buffer.alloc(8, 0xff), /header that ends at byte/],
    ['a header that is not JSON', withHeader('{"w":'), /not JSON/],
    ['another type', withHeader('{"w":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}', 2), /F32/],
    [
      'a shape that its bytes do not fit',
      withHeader(`{"w":${tensor(0, 8, 3)}}`, 8),
      /tensor w of 3 elements/,
    ],
    ['overlapping tensors', withHeader(`{"v":${tensor(0, 8, 2)},"w":${tensor(4, 12, 2)}}`, 12), /not at 2/],
    ['data cut short', withHeader(`{"w":${tensor(0, 8, 2)}}`, 7), /found 7 bytes of data, not 8/],
  ])('refuses %s', async (_, bytes, message) => {
    await writeFile(file, bytes);
    await expect(readSafetensors(file)).rejects.toThrow(InputError);
    await expect(readSafetensors(file)).rejects.toThrow(message);
  });
});

describe('weightsSha256', () => {
  it('hashes the little-endian bytes', () => {
    const expected = createHash('sha256').update(Buffer.from('0000803f000000c0', 'hex')).digest('hex');
    expect(weightsSha256(Float32Array.of(1, -2))).toBe(expected);
  });

  it('tells apart what differs in one bit', () => {
    const parameters = someParameters();
    const before = weightsSha256(parameters);
    const bytes = new Uint8Array(parameters.buffer);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    expect(weightsSha256(parameters)).not.toBe(before);
  });
});
