/** A collective between two pieces of device work, played in memory: what each member puts in, and what it ends with. */
import type { CollectiveRequest } from '../../../orchestrator/collectives/index.js';
import { PartBuilder } from '../../../orchestrator/schedules/part-builder.js';
import type { Collective } from '../../../orchestrator/collectives/index.js';
import type { DenseEncoding } from '../../../src/compression/index.js';
import type { Pick } from '../../../src/schedule/graph.js';
import type { Range, Schedule } from '../../../src/schedule/operation.js';
import { playRound, type Trainer } from '../../../src/schedule/reference.js';
import { allocateReplica } from '../../../src/training/index.js';

/** What a test says of a collective; the parts are made from it. */
export interface Setting {
  readonly worldSize: number;
  /** The ranks that take part, in the collective's order; the others do nothing. */
  readonly members: readonly number[];
  /** Elements in the buffer, of which `ranges` are reduced. */
  readonly elements: number;
  readonly ranges: readonly Range[];
  readonly sliceElements: number;
  readonly encoding: DenseEncoding;
  /** By member. */
  readonly regions: readonly string[];
}

/** Every member in one region, one slice of float32 per chunk unless said otherwise. */
export function settingFor(count: number, elements: number, given: Partial<Setting> = {}): Setting {
  return {
    worldSize: count,
    members: [...Array(count).keys()],
    elements,
    ranges: [{ offset: 0, length: elements }],
    sliceElements: elements,
    encoding: { kind: 'float32' },
    regions: Array<string>(count).fill('here'),
    ...given,
  };
}

/** Each member computes, takes part, and updates: the first fills the ranges, the last takes the sum away. */
export function scheduleOf(collective: Collective, setting: Setting): Schedule {
  const { worldSize, ranges, sliceElements, encoding, regions } = setting;
  const parts = Array.from({ length: worldSize }, (_, rank) => new PartBuilder(rank));
  const members = setting.members.map((rank) => parts[rank]!);
  const work = { kind: 'compute', work: 'gradient', firstStep: 0, steps: 1, contribution: [] } as const;
  const after = members.map((part) => [part.device({ ...work, after: [] })]);
  const request: CollectiveRequest = { members, ranges, sliceElements, encoding, after, regions };
  for (const [member, ends] of collective(request).entries()) {
    members[member]!.device({
      kind: 'outer',
      after: ends,
      update: { optimizer: 'inner', step: 0 },
      ranges,
      contributors: members.length,
      cost: 1,
    });
  }
  return { protocol: 'test', round: 0, worldSize, parts: parts.map((part) => part.part()) };
}

/** By rank: its buffer after the round, from that before. What it held when it updated is checked to be the same. */
export async function played(
  schedule: Schedule,
  before: readonly Float32Array[],
  pick?: Pick,
): Promise<Float32Array[]> {
  const replicas = before.map(({ length }) => allocateReplica(length));
  const atUpdate: Float32Array[] = before.map((values) => values);
  const trainer: Trainer = {
    seed: 1,
    buffers: ({ rank }) => replicas[rank]!,
    work(rank, _, { kind }) {
      if (kind === 'compute') replicas[rank]!.reduction.set(before[rank]!);
      else atUpdate[rank] = replicas[rank]!.reduction.slice();
    },
  };
  for (const [rank, { reduction }] of replicas.entries()) reduction.set(before[rank]!);
  await playRound(schedule, trainer, pick === undefined ? {} : { pick });
  for (const [rank, { reduction }] of replicas.entries())
    if (!bits(reduction).equals(bits(atUpdate[rank]!))) throw new Error(`rank ${rank} updated too early`);
  return replicas.map(({ reduction }) => reduction);
}

export function bits(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** Values of very different size, so that another order of summation gives other bits. */
export function noise(length: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * 10 ** ((state >>> 8) % 7);
  });
}

/** Whole numbers of -7 … 7: up to 17 of them add up to what even bfloat16 holds exactly. */
export function wholeNumbers(length: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) % 15) - 7;
  });
}
