/**
 * Changes inputs at random, as fuzzers do ("havoc"): bits, bytes, numbers that are borders somewhere, pieces cut, doubled,
 * moved, taken from other inputs. What is random comes from a seed, so a run can be had again.
 */
import type { Random } from '../../src/random.js';

const INTERESTING = [
  0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 20, 31, 32, 40, 63, 64, 100, 127, 128, 255, 256, 512, 1000, 1024,
];
const WIDE = [0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffc, 0xffff_ffff];

/** Inputs are kept below this: long ones are slow and show nothing new. */
export const MAX_INPUT_BYTES = 16 * 1024;

type Mutation = (input: Buffer, random: Random, others: readonly Uint8Array[]) => Buffer;

/** A changed copy of `input`. @param others where pieces may come from; not empty. */
export function mutate(input: Uint8Array, random: Random, others: readonly Uint8Array[]): Buffer {
  let changed: Buffer = Buffer.from(input);
  for (let left = 1 << random.integer(5); left > 0; left--) {
    changed = pick(random, mutations)(changed, random, others);
  }
  return changed.subarray(0, MAX_INPUT_BYTES);
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.integer(from.length)]!;
}

const mutations: readonly Mutation[] = [
  function flipBit(input, random) {
    if (input.length > 0) input[random.integer(input.length)]! ^= 1 << random.integer(8);
    return input;
  },
  function setByte(input, random) {
    if (input.length > 0) input[random.integer(input.length)] = random.integer(256);
    return input;
  },
  function addToByte(input, random) {
    if (input.length > 0) input[random.integer(input.length)]! += random.integer(33) - 16;
    return input;
  },
  function setNumber(input, random) {
    const size = pick(random, [1, 2, 4] as const);
    if (input.length < size) return input;
    const at = random.integer(input.length - size + 1);
    const value = pick(random, random.uniform() < 0.7 ? INTERESTING : WIDE) % 256 ** size;
    if (random.uniform() < 0.5) input.writeUIntBE(value, at, size);
    else input.writeUIntLE(value, at, size);
    return input;
  },
  function remove(input, random) {
    const [from, to] = span(input, random);
    return Buffer.concat([input.subarray(0, from), input.subarray(to)]);
  },
  function cutOff(input, random) {
    return random.uniform() < 0.3 ? input.subarray(0, random.integer(input.length + 1)) : input;
  },
  function double(input, random) {
    const [from, to] = span(input, random);
    return Buffer.concat([input.subarray(0, to), input.subarray(from)]);
  },
  function repeat(input, random) {
    const [from, to] = span(input, random);
    const times = 1 + random.integer(30);
    const piece = Buffer.concat(
      Array.from({ length: times }, () => input.subarray(from, Math.min(to, from + 200))),
    );
    return Buffer.concat([input.subarray(0, to), piece, input.subarray(to)]);
  },
  function insertRandom(input, random) {
    const at = random.integer(input.length + 1);
    const piece = Buffer.from(Array.from({ length: 1 + random.integer(16) }, () => random.integer(256)));
    return Buffer.concat([input.subarray(0, at), piece, input.subarray(at)]);
  },
  function overwriteFromOther(input, random, others) {
    const other = pick(random, others);
    const [from, to] = span(other, random);
    const at = random.integer(input.length + 1);
    input.set(other.subarray(from, Math.min(to, from + input.length - at)), at);
    return input;
  },
  function insertFromOther(input, random, others) {
    const other = pick(random, others);
    const [from, to] = span(other, random);
    const at = random.integer(input.length + 1);
    return Buffer.concat([input.subarray(0, at), other.subarray(from, to), input.subarray(at)]);
  },
  function splice(input, random, others) {
    const other = pick(random, others);
    const at = random.integer(Math.min(input.length, other.length) + 1);
    return Buffer.concat([input.subarray(0, at), other.subarray(at)]);
  },
];

/** A piece of the input, more often short than long. */
function span(input: Uint8Array, random: Random): [number, number] {
  const from = random.integer(input.length + 1);
  const longest = input.length - from;
  const length = Math.ceil(longest * random.uniform() ** 4);
  return [from, from + length];
}
