/** What transfers do to buffers, with float32; what other encodings do is held in test/compression. */
import { describe, expect, it } from 'vitest';
import { encodedBytes, FLOAT32, type Encoding } from '../../src/compression/index.js';
import type { BufferName, RecvOperation, SendOperation } from '../../src/schedule/operation.js';
import { readSlice, roundingOf, writeSlice } from '../../src/schedule/transfer.js';
import { allocateReplica } from '../../src/training/index.js';

const rounder = { seed: 1, rank: 0, round: 0 };
const buffersOf = (length: number) =>
  allocateReplica(length, { activationElements: length, contributionBytes: length });

const slice = (buffer: BufferName, offset: number, length: number, encoding: Encoding) => {
  const bytes = encodedBytes(encoding, length);
  return { id: 3, after: [], peer: 1, sequence: 0, buffer, offset, length, encoding, bytes };
};
const send = (
  buffer: BufferName,
  [offset, length]: [number, number],
  encoding: Encoding = FLOAT32,
  settle = false,
): SendOperation => ({
  ...slice(buffer, offset, length, encoding),
  kind: 'send',
  stream: 'send:1',
  settle,
});
const recv = (
  buffer: BufferName,
  [offset, length]: [number, number],
  into: RecvOperation['into'],
  encoding: Encoding = FLOAT32,
): RecvOperation => ({
  ...slice(buffer, offset, length, encoding),
  kind: 'recv',
  stream: 'recv:1',
  into,
});

const bytesOf = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

describe('writeSlice', () => {
  it('adds in float32, or copies', () => {
    const buffers = buffersOf(4);
    buffers.reduction.set([1, 0.1, 16777216, 4]);
    writeSlice(recv('reduction', [1, 2], 'sum'), bytesOf(0.2, 1), buffers);
    const rounded = Math.fround(Math.fround(0.1) + Math.fround(0.2));
    expect([...buffers.reduction]).toEqual([1, rounded, 16777216, 4]);
    writeSlice(recv('reduction', [2, 2], 'copy'), bytesOf(8, 9), buffers);
    expect([...buffers.reduction.slice(2)]).toEqual([8, 9]);
  });

  it('takes bytes that lie anywhere, as slices come off the wire', () => {
    const buffers = buffersOf(2);
    const shifted = new Uint8Array([255, ...bytesOf(1.5, -2)]).subarray(1);
    for (const into of ['sum', 'copy'] as const) writeSlice(recv('anchor', [0, 2], into), shifted, buffers);
    expect([...buffers.anchor]).toEqual([1.5, -2]);
  });

  it('writes to the buffer it names, and to no other', () => {
    const buffers = buffersOf(2);
    for (const name of ['reduction', 'anchor', 'exchange', 'activations'] as const) {
      writeSlice(recv(name, [1, 1], 'copy'), bytesOf(7), buffers);
      expect([...buffers[name]]).toEqual([0, 7]);
      buffers[name].fill(0);
    }
    writeSlice(recv('contributions', [1, 1], 'copy', { kind: 'bytes' }), Uint8Array.of(7), buffers);
    expect([...buffers.contributions]).toEqual([0, 7]);
    expect([...buffers.reduction, ...buffers.anchor, ...buffers.exchange].every((x) => x === 0)).toBe(true);
  });

  it('refuses a slice outside its buffer or of another size, and then changes nothing', () => {
    const buffers = buffersOf(4);
    const write = (offset: number, bytes = bytesOf(1, 1)) =>
      writeSlice(recv('reduction', [offset, 2], 'sum'), bytes, buffers);
    expect(() => write(3)).toThrow(RangeError);
    expect(() => write(-1)).toThrow(RangeError);
    expect(() => write(0, bytesOf(1))).toThrow('a slice of 4 bytes; expected 8');
    expect([...buffers.reduction]).toEqual([0, 0, 0, 0]);
    const scratch = recv('contributions', [3, 2], 'copy', { kind: 'bytes' });
    expect(() => writeSlice(scratch, Uint8Array.of(1, 1), buffers)).toThrow(RangeError);
  });
});

describe('readSlice', () => {
  it('gives the elements as they lie in memory, and leaves them as they are', () => {
    const buffers = buffersOf(3);
    buffers.exchange.set([1, -0, 0.1]);
    const bytes = readSlice(send('exchange', [1, 2], FLOAT32, true), buffers, rounder);
    expect(Buffer.from(bytes)).toEqual(Buffer.from(bytesOf(-0, 0.1)));
    expect([...buffers.exchange]).toEqual([1, -0, Math.fround(0.1)]);
  });

  it('gives bytes as bytes', () => {
    const buffers = buffersOf(4);
    buffers.contributions.set([1, 2, 3, 4]);
    const bytes = readSlice(send('contributions', [1, 2], { kind: 'bytes' }), buffers, rounder);
    expect([...bytes]).toEqual([2, 3]);
  });

  it('refuses a slice outside its buffer, and floats of a buffer of bytes', () => {
    expect(() => readSlice(send('reduction', [3, 2]), buffersOf(4), rounder)).toThrow(RangeError);
    expect(() => readSlice(send('contributions', [0, 1]), buffersOf(4), rounder)).toThrow(RangeError);
  });
});

describe('roundingOf', () => {
  it('draws the same for the same operation, and something else for any other', () => {
    const draw = (change: Partial<typeof rounder>, operation = 3) =>
      roundingOf({ ...rounder, ...change }, operation).normal();
    const draws = [draw({}), draw({ seed: 2 }), draw({ rank: 1 }), draw({ round: 1 }), draw({}, 4)];
    expect(new Set(draws).size).toBe(draws.length);
    expect(draw({})).toBe(draws[0]);
  });
});
