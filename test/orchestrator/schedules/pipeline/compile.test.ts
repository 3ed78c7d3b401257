/** A pipeline's round as operations: sound, free of races, with the bytes it should have, and the right numbers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRound, holdingsOf } from '../../../../orchestrator/schedules/index.js';
import { closedFormOf } from '../../../../orchestrator/schedules/closed-form.js';
import { boundaryOf } from '../../../../orchestrator/schedules/pipeline/boundary.js';
import type { RoundRequest } from '../../../../orchestrator/schedules/index.js';
import { InputError } from '../../../../src/errors.js';
import type { PipelineProtocol } from '../../../../src/scenario/schema.js';
import { bytesPerPair, bytesPerRank } from '../../../../src/schedule/bytes.js';
import { problemsOf } from '../../../../src/schedule/check.js';
import type { Pick } from '../../../../src/schedule/graph.js';
import type {
  BufferName,
  DeviceOperation,
  Operation,
  Range,
  Schedule,
  StageOperation,
} from '../../../../src/schedule/operation.js';
import { playRound, type Trainer } from '../../../../src/schedule/reference.js';
import { allocateReplica, withScratch, type ReplicaMemory } from '../../../../src/training/index.js';
import { embeddingRange, stageRanges } from '../../../../src/training/stage-layout.js';
import { requestFor } from '../../../support/request.js';
import { stuckWithoutStorage } from '../../collectives/hazards.js';
import { SCHEDULES, shapes } from './shapes.js';

type Request = RoundRequest<PipelineProtocol>;

/** Small pipelines, replicated or not, that average gradients or are joined by DiLoCo. */
const requests: fc.Arbitrary<Request> = fc
  .record({
    shape: shapes({ ranks: 4, microbatches: 6 }),
    replicas: fc.integer({ min: 1, max: 3 }),
    rows: fc.integer({ min: 1, max: 2 }),
    // A microbatch's activations are of 512 or 1024 bytes.
    slice: fc.constantFrom(300, 768, 8192),
    activations: fc.constantFrom<PipelineProtocol['activations']>(
      { kind: 'none' },
      { kind: 'subspace', rank: 3 },
    ),
    diloco: fc.option(fc.integer({ min: 1, max: 3 })),
    round: fc.integer({ min: 0, max: 2 }),
    extraLayers: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ shape, replicas, rows, slice, activations, diloco, round, extraLayers }) =>
    requestFor(
      {
        kind: 'pipeline',
        ...shape,
        slice,
        activations,
        ...(diloco === null ? {} : { innerSteps: diloco, outer: { learningRate: 0.5 } }),
      },
      {
        worldSize: shape.stages * replicas,
        model: { layers: shape.stages * shape.chunks + extraLayers, width: 8, heads: 1, context: 16 },
        batch: rows * shape.microbatches,
        round,
      },
    ),
  );

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe('a pipeline of any size', () => {
  it('is sound: matched, in order, without deadlock, even if nothing is stored on the way', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const schedule = compileRound(request);
        expect(problemsOf(schedule)).toEqual([]);
        expect(stuckWithoutStorage(schedule)).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('orders every pair of accesses to the same elements of which one writes', () => {
    fc.assert(
      fc.property(requests, (request) => {
        expect(races(request, compileRound(request))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('sends what the closed form says: activations, the embedding, and between replicas what a ring does', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const { protocol, worldSize, model, parameterCount, batch } = request;
        const { stages: p, chunks, microbatches, innerSteps, outer, activations } = protocol;
        const positions = (batch / microbatches) * model.context;
        const subspace = activations.kind === 'subspace';
        const hop = 4 * positions * (subspace ? activations.rank : model.width);
        const tokens = subspace ? positions * (p - 1) : 0;
        const embedding = embeddingRange(model).length;
        const step = microbatches * (2 * hop * (p * chunks - 1) + tokens) + 2 * 4 * embedding;
        const replicas = worldSize / p;
        // All of the model once, and with gradients both copies of the embedding.
        const exchanged = 2 * 4 * (parameterCount + (outer ? 0 : embedding)) * (replicas - 1);
        const sent = sum(bytesPerRank(compileRound(request)).map(({ sentBytes }) => sentBytes));
        expect(sent).toBe(replicas * (innerSteps * step + (outer ? 4 * embedding : 0)) + exchanged);
        expect(sum(closedFormOf(request).bytesByRank)).toBeCloseTo(sent, 3);
      }),
    );
  });

  it('cuts no message larger than a slice', () => {
    fc.assert(
      fc.property(requests, (request) => {
        for (const { operations } of compileRound(request).parts)
          for (const operation of operations)
            if (operation.kind === 'send')
              expect(operation.bytes).toBeLessThanOrEqual(request.protocol.slice);
      }),
      { numRuns: 30 },
    );
  });

  it('hands every stage what belongs to it, and every update the whole sum, in whatever order it is played', async () => {
    const orders = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(requests, orders, async (request, order) => {
        const pick: Pick = (count) => Math.floor(Number(order.next().value) * count);
        const world = new TaggedWorld(request);
        await playRound(compileRound(request), world, { pick });
        expect(world.problems).toEqual([]);
        expect(world.updates).toBe(
          request.worldSize * (request.protocol.innerSteps + (request.protocol.outer ? 1 : 0)),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('holds all of the model, the embedding twice, and each position the same in all replicas', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const held = new Uint8Array(request.parameterCount);
        for (const [rank, { ranges, group }] of holdingsOf(request).entries()) {
          expect(group).toBe(rank % request.protocol.stages);
          for (const { offset, length } of ranges) for (let i = offset; i < offset + length; i++) held[i]!++;
        }
        const replicas = request.worldSize / request.protocol.stages;
        const { offset, length } = embeddingRange(request.model);
        held.forEach((times, i) => {
          const embedding = i >= offset && i < offset + length;
          if (times !== (embedding ? 2 : 1) * replicas)
            throw new Error(`element ${i} is held ${times} times`);
        });
      }),
      { numRuns: 30 },
    );
  });
});

describe('what crosses a boundary', () => {
  const model = { layers: 4, width: 32, heads: 2, context: 16 };
  const given = { worldSize: 4, model, batch: 8 };
  const rows = 2 * 16;
  const cases = [
    // rows · width · 4 bytes, each way.
    ['none', rows * 32 * 4, rows * 32 * 4],
    // rows · rank · 4 bytes each way, and forwards a byte for each token.
    ['subspace', rows * 5 * 4 + rows, rows * 5 * 4],
    // A byte for each element, and a scale of 4 for each 64 of them.
    ['int8', rows * 32 + (4 * rows * 32) / 64, rows * 32 + (4 * rows * 32) / 64],
  ] as const;
  it.each(cases)('with %s', (kind, forward, backward) => {
    const activations = kind === 'subspace' ? { kind, rank: 5 } : { kind };
    const protocol = { kind: 'pipeline', stages: 4, microbatches: 4, activations, slice: 600 } as const;
    const pairs = bytesPerPair(compileRound(requestFor(protocol, given)));
    const embedding = 4 * 256 * 32;
    const between = (from: number, to: number) =>
      pairs.find((pair) => pair.from === from && pair.to === to)?.bytes;
    for (const stage of [0, 1, 2]) {
      expect(between(stage, stage + 1)).toBe(4 * forward);
      expect(between(stage + 1, stage)).toBe(4 * backward);
    }
    expect(between(0, 3)).toBe(embedding);
    expect(between(3, 0)).toBe(embedding);
    expect(pairs).toHaveLength(8);
  });

  it('goes round from the last rank to the first when interleaved, token ids only where they are new', () => {
    const protocol = {
      kind: 'pipeline',
      schedule: 'interleaved',
      stages: 2,
      chunks: 2,
      microbatches: 4,
      activations: { kind: 'subspace', rank: 5 },
    } as const;
    const pairs = bytesPerPair(compileRound(requestFor(protocol, { ...given, worldSize: 2 })));
    const [hop, tokens, embedding] = [rows * 5 * 4, rows, 4 * 256 * 32];
    // Rank 0 sends two activations and one gradient, rank 1 one activation and two gradients.
    expect(pairs).toMatchObject([
      { from: 0, to: 1, bytes: 4 * (3 * hop + tokens) + embedding },
      { from: 1, to: 0, bytes: 4 * 3 * hop + embedding },
    ]);
  });

  it('is refused when a round comes to too many operations', () => {
    const compile = () =>
      compileRound(
        requestFor(
          { kind: 'pipeline', stages: 4, microbatches: 256, slice: 256 },
          { worldSize: 4, model: { ...model, width: 256 }, batch: 1024 },
        ),
      );
    expect(compile).toThrow(InputError);
    expect(compile).toThrow(/protocol.slice: found 256 bytes, .* allowed: .* by a larger slice/);
  });
});

it.each(SCHEDULES)('%s begins where the round before it ended', (schedule) => {
  const protocol = {
    kind: 'pipeline',
    schedule,
    stages: 2,
    microbatches: 2,
    chunks: schedule === 'interleaved' ? 2 : 1,
    innerSteps: 3,
    outer: {},
  } as const;
  const { parts } = compileRound(requestFor(protocol, { worldSize: 4, round: 5 }));
  for (const { operations } of parts) {
    const steps = operations.flatMap((one) => (one.kind === 'stage' ? [one.step] : []));
    expect([...new Set(steps)]).toEqual([15, 16, 17]);
    const updates = operations.flatMap((one) => (one.kind === 'outer' ? [one] : []));
    expect(updates.map(({ update }) => ('step' in update ? update.step : update.optimizer))).toEqual([
      15,
      16,
      17,
      'nesterov',
    ]);
    expect(updates.map(({ contributors }) => contributors)).toEqual([2, 2, 2, 2]);
    expect(operations.find(({ kind }) => kind === 'compute')).toMatchObject({ steps: 0, firstStep: 18 });
  }
});

/** What an operation reads and writes; device work on parameters is left out, for one stream does all of it. */
interface Access {
  readonly buffer: BufferName;
  readonly range: Range;
  readonly writes: boolean;
}

function accesses({ model, protocol, batch }: Request, operation: Operation): Access[] {
  const boundary = boundaryOf(protocol, model, batch);
  const tokens = sum(boundary.tokenSlices.map(({ length }) => length));
  const one = (buffer: BufferName, writes: boolean, offset: number | undefined, length: number): Access[] =>
    offset === undefined ? [] : [{ buffer, writes, range: { offset, length } }];
  const activations = (writes: boolean, offset: number | undefined) =>
    one('activations', writes, offset, boundary.elements);
  const reduction = (writes: boolean, ranges: readonly Range[]) =>
    ranges.map((range): Access => ({ buffer: 'reduction', writes, range }));
  switch (operation.kind) {
    case 'send':
      return one(operation.buffer, operation.settle, operation.offset, operation.length);
    case 'recv':
      return one(operation.buffer, true, operation.offset, operation.length);
    case 'compute':
      return reduction(true, operation.contribution);
    case 'outer':
      return reduction(false, operation.ranges);
    case 'stage': {
      const { work, stage, input, output, outputGradient, inputGradient } = operation;
      const forward = work === 'forward';
      return [
        ...activations(false, input),
        ...(forward ? activations(true, output) : activations(false, outputGradient)),
        ...(forward || work === 'backward-weight' ? [] : activations(true, inputGradient)),
        ...one('contributions', stage === 0, stage === 0 && !forward ? undefined : operation.tokens, tokens),
        ...(forward || work === 'backward-input' ? [] : reduction(true, stageRanges(model, operation))),
      ];
    }
    case 'compress':
    case 'aggregate':
    case 'wait':
    case 'put':
    case 'get':
      throw new Error(`these pipelines have no ${operation.kind}`);
  }
}

/** Pairs of operations of one rank that touch the same elements, one of them writing, and are not ordered. */
function races(request: Request, { parts }: Schedule): string[] {
  const found: string[] = [];
  for (const { rank, operations } of parts) {
    const earlier: Set<number>[] = [];
    const lastOf = new Map<string, number>();
    const touched = operations.map((operation) => accesses(request, operation));
    for (const { id, stream, after } of operations) {
      const before = [...after, ...(lastOf.has(stream) ? [lastOf.get(stream)!] : [])];
      earlier[id] = new Set(before.flatMap((one) => [one, ...(earlier[one] ?? [])]));
      lastOf.set(stream, id);
      for (let other = 0; other < id; other++) {
        if (earlier[id].has(other) || !touched[id]!.some((a) => touched[other]!.some((b) => clash(a, b))))
          continue;
        found.push(`rank ${rank}: operations ${other} and ${id}`);
      }
    }
  }
  return found;
}

function clash(a: Access, b: Access): boolean {
  const apart =
    a.range.offset + a.range.length <= b.range.offset || b.range.offset + b.range.length <= a.range.offset;
  return a.buffer === b.buffer && (a.writes || b.writes) && !apart;
}

/**
 * Plays a round with tags for numbers: each stage writes who it is and on what it works, and checks that what it
 * gets was written by whom it should be. Gradients are whole numbers, so their sums are exact.
 */
class TaggedWorld implements Trainer {
  readonly seed = 1;
  readonly problems: string[] = [];
  updates = 0;
  readonly #request: Request;
  readonly #replicas: ReplicaMemory[];

  constructor(request: Request) {
    this.#request = request;
    this.#replicas = Array.from({ length: request.worldSize }, () => allocateReplica(request.parameterCount));
  }

  buffers({ rank, scratch }: Schedule['parts'][number]): ReplicaMemory {
    return (this.#replicas[rank] = withScratch(this.#replicas[rank]!, scratch));
  }

  work(rank: number, _round: number, operation: DeviceOperation): void {
    const memory = this.#replicas[rank]!;
    if (operation.kind === 'stage') this.#stage(memory, operation);
    else if (operation.kind === 'compute')
      setTo(memory.reduction, operation.contribution, movedTag(replicaOf(this.#request, rank)));
    else if (operation.kind === 'outer') {
      this.updates++;
      const { update, ranges } = operation;
      const expected = this.#sums(rank, update.optimizer === 'inner' ? update.step : undefined);
      for (const { offset, length } of ranges) {
        const [own, sums] = [memory.reduction, expected].map((one) => one.subarray(offset, offset + length));
        const wrong = own!.findIndex((value, i) => value !== sums![i]);
        if (wrong >= 0)
          this.problems.push(`rank ${rank}: ${own![wrong]}, not ${sums![wrong]}, at ${offset + wrong}`);
      }
    }
  }

  /** What the sum for an update comes to, by element; without a step, for the outer one. */
  #sums(rank: number, step: number | undefined): Float32Array {
    const { protocol, worldSize, model, parameterCount } = this.#request;
    const { microbatches, stages: positions, outer } = protocol;
    const replicas = Array.from({ length: worldSize / positions }, (_, replica) => replica);
    const sums = new Float32Array(parameterCount);
    if (step === undefined) return sums.fill(sum(replicas.map(movedTag)));
    const shards = outer ? [replicaOf(this.#request, rank)] : replicas;
    const stages = positions * protocol.chunks;
    for (let stage = 0; stage < stages; stage++) {
      const ofStage = sum(shards.map((shard) => microbatches * gradientTag(stage, shard, step)));
      addTo(sums, stageRanges(model, { stage, stages }), ofStage);
    }
    return sums;
  }

  #stage(memory: ReplicaMemory, operation: StageOperation): void {
    const {
      work,
      stage,
      stages,
      shard,
      step,
      microbatch,
      input,
      output,
      outputGradient,
      inputGradient,
      tokens,
    } = operation;
    const { model, protocol, batch } = this.#request;
    const boundary = boundaryOf(protocol, model, batch);
    const tag = (of: number, way: number) => ((step * 64 + of) * 64 + microbatch) * 8 + way + 2 * shard;
    const at = (values: Float32Array | Uint8Array, first: number | undefined, length: number) =>
      first === undefined ? undefined : values.subarray(first, first + length);
    const expectAll = (values: Float32Array | Uint8Array | undefined, expected: number, what: string) => {
      if (values?.length === 0 || (values && !values.every((value) => value === expected)))
        this.problems.push(
          `${what} of stage ${stage}, microbatch ${microbatch}: ${values[0]}, not ${expected}`,
        );
    };
    const floats = (first: number | undefined) => at(memory.activations, first, boundary.elements);
    const ids = at(memory.contributions, tokens, sum(boundary.tokenSlices.map(({ length }) => length)));
    const idTag = (step * 7 + microbatch + 31 * shard) % 256;
    if ((input === undefined) !== (stage === 0)) this.problems.push('no input');
    if ((output === undefined) !== (stage === stages - 1)) this.problems.push('no output');
    if ((tokens === undefined) !== (protocol.activations.kind !== 'subspace'))
      this.problems.push('no tokens');

    expectAll(floats(input), tag(stage - 1, 0), 'input');
    if (stage === 0 && work === 'forward') ids?.fill(idTag);
    else expectAll(ids, idTag, 'tokens');
    if (work === 'forward') floats(output)?.fill(tag(stage, 0));
    else expectAll(floats(outputGradient), tag(stage + 1, 1), 'output gradient');
    if (work === 'backward' || work === 'backward-input') floats(inputGradient)?.fill(tag(stage, 1));
    if (work === 'forward' || work === 'backward-input') return;
    const own = stageRanges(model, operation);
    if (microbatch === 0) setTo(memory.reduction, own, 0);
    addTo(memory.reduction, own, gradientTag(stage, shard, step));
  }
}

const gradientTag = (stage: number, shard: number, step: number) => 1 + stage + 16 * shard + 3 * step;
const movedTag = (replica: number) => 1 + replica;
const replicaOf = ({ protocol }: Request, rank: number) => Math.floor(rank / protocol.stages);

function setTo(values: Float32Array, ranges: readonly Range[], value: number): void {
  for (const { offset, length } of ranges) values.fill(value, offset, offset + length);
}

function addTo(values: Float32Array, ranges: readonly Range[], value: number): void {
  for (const { offset, length } of ranges) for (let i = offset; i < offset + length; i++) values[i]! += value;
}
