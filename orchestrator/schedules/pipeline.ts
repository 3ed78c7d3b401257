/**
 * Pipeline parallelism: the model lies in stages on nodes in a row, and microbatches pass through them. Between
 * two nodes go activations one way and gradients the other, all the time and in small pieces; so on the wire it
 * has no burst like an all-reduce's, but a hum.
 *
 * There may be several replicas of the pipeline: rank = replica·p + position. Those at the same position hold the
 * same stages, and are what the ranks of a data-parallel protocol are: they average either their gradients in
 * every step, or, with `outer`, how far they have moved in H steps (DiLoCo; DiLoCoX, arXiv:2506.21263, trains
 * models so that fit on no single node). The orders of a pipeline's work are in pipeline/, one file each.
 *
 * The embedding is tied, so the first and the last stage both have a copy of it, which must stay equal to the
 * bit although exchanges between replicas may be lossy. Hence: gradients are summed over replicas first and over
 * the two stages last (the order that Megatron-LM has too), and pseudo-gradients of the embedding are exchanged
 * by the first stage's ranks only, who hand the sum on.
 */
import { InputError } from '../../src/errors.js';
import type { PipelineProtocol } from '../../src/scenario/schema.js';
import type { OuterOperation, Range } from '../../src/schedule/operation.js';
import { embeddingRange, stageRanges } from '../../src/training/stage-layout.js';
import type { Collective } from '../collectives/index.js';
import { exchange } from './exchange.js';
import { PartBuilder } from './part-builder.js';
import { boundaryOf } from './pipeline/boundary.js';
import { copyEmbedding, sumEmbedding } from './pipeline/embedding.js';
import { actionsOf } from './pipeline/index.js';
import { Pipeline } from './pipeline/pipeline-step.js';
import type { Holding, ProtocolCompiler, RoundRequest } from './request.js';
import { checkedSliceElements, MAX_OPERATIONS } from './slice-size.js';

type Request = RoundRequest<PipelineProtocol>;

export const pipeline: ProtocolCompiler<PipelineProtocol> = {
  compile(request) {
    const { protocol, worldSize, round } = request;
    const compilation = new Compilation(request);
    const firstStep = round * protocol.innerSteps;
    for (let step = firstStep; step < firstStep + protocol.innerSteps; step++) compilation.step(step);
    if (protocol.outer !== undefined) compilation.outerStep(protocol.outer);
    return { protocol: protocol.kind, round, worldSize, parts: compilation.parts.map((part) => part.part()) };
  },
  holdings(request) {
    return Array.from({ length: request.worldSize }, (_, rank) => holdingOf(request, rank));
  },
  stepsPerRound: ({ innerSteps }) => innerSteps,
};

function holdingOf({ protocol, model }: Omit<Request, 'round'>, rank: number): Holding {
  const stages = protocol.stages * protocol.chunks;
  const ranges = stagesOf(protocol, rank).flatMap((stage) => stageRanges(model, { stage, stages }));
  return { ranges, group: rank % protocol.stages };
}

/** The stages that a rank holds, in ascending order. */
function stagesOf({ stages: positions, chunks }: PipelineProtocol, rank: number): number[] {
  return Array.from({ length: chunks }, (_, chunk) => chunk * positions + (rank % positions));
}

/** @throws InputError naming `protocol.slice` if a round would have too many operations to be held. */
function checkOperations({ protocol, worldSize, model }: Request, messages: number): void {
  const { stages: positions, microbatches, chunks, innerSteps, slice } = protocol;
  const stages = positions * chunks;
  const passes = microbatches * (3 * stages + 4 * messages * (stages - 1));
  const embedding = (4 * embeddingRange(model).length * Float32Array.BYTES_PER_ELEMENT) / slice;
  const operations = Math.ceil((worldSize / positions) * innerSteps * (passes + embedding));
  if (operations <= MAX_OPERATIONS) return;
  throw new InputError(
    `protocol.slice: found ${slice} bytes, with which a round of ${innerSteps} steps of ${microbatches} ` +
      `microbatches comes to about ${operations} operations; allowed: what comes to at most ${MAX_OPERATIONS}, ` +
      'by a larger slice, or by fewer microbatches, chunks or innerSteps',
  );
}

/** By rank: operations after which its share of something is complete. */
type Ready = readonly number[][];

/** The parts of all ranks, as they are written down. */
class Compilation {
  readonly parts: readonly PartBuilder[];
  readonly #request: Request;
  readonly #stages: number;
  readonly #embedding: Range;
  /** By replica. */
  readonly #pipelines: readonly Pipeline[];

  constructor(request: Request) {
    const { protocol, worldSize, model, batch } = request;
    const { stages: positions, microbatches, chunks } = protocol;
    const boundary = boundaryOf(protocol, model, batch);
    checkOperations(request, boundary.slices.length + boundary.tokenSlices.length);
    this.#request = request;
    this.#stages = positions * chunks;
    this.#embedding = embeddingRange(model);
    this.parts = Array.from({ length: worldSize }, (_, rank) => new PartBuilder(rank));
    const plan = { actions: actionsOf(protocol), microbatches, chunks, boundary };
    this.#pipelines = this.#firstRanks.map(
      (first, replica) => new Pipeline(this.parts.slice(first, first + positions), replica, plan),
    );
  }

  /** One inner step: the microbatches, and the inner optimizer by their mean gradient. */
  step(step: number): void {
    const { outer, microbatches } = this.#request.protocol;
    const complete = this.#pipelines.map((one) => one.step(step));
    const gradients = this.#byStage((stage) => {
      const after = complete.map((ofStage) => [ofStage[stage]!]);
      return outer === undefined ? this.#exchange(stage, this.#rangesOf(stage), after) : after;
    });
    const replicas = outer === undefined ? this.#pipelines.length : 1;
    this.#update(this.#withEmbedding(gradients, sumEmbedding), {
      update: { optimizer: 'inner', step },
      contributors: microbatches * replicas,
    });
  }

  /** DiLoCo's outer step, after the last inner one. */
  outerStep(outer: NonNullable<PipelineProtocol['outer']>): void {
    const { protocol, round } = this.#request;
    const moved = this.parts.map((part, rank) =>
      part.innerSteps({
        firstStep: (round + 1) * protocol.innerSteps,
        steps: 0,
        contribution: stagesOf(protocol, rank).flatMap((stage) => this.#exchangedRangesOf(stage)),
      }),
    );
    const pseudoGradients = this.#byStage((stage) => {
      const after = this.#holdersOf(stage).map(({ rank }) => [moved[rank]!]);
      return this.#exchange(stage, this.#exchangedRangesOf(stage), after);
    });
    this.#update(this.#withEmbedding(pseudoGradients, copyEmbedding), {
      update: { optimizer: 'nesterov', ...outer, mix: 0 },
      contributors: this.#pipelines.length,
    });
  }

  /** By replica: its first rank. */
  get #firstRanks(): number[] {
    const { worldSize, protocol } = this.#request;
    return Array.from({ length: worldSize / protocol.stages }, (_, replica) => replica * protocol.stages);
  }

  /** By replica: the part of who holds the stage. */
  #holdersOf(stage: number): PartBuilder[] {
    return this.#firstRanks.map((first) => this.parts[first + (stage % this.#request.protocol.stages)]!);
  }

  #rangesOf(stage: number): Range[] {
    return stageRanges(this.#request.model, { stage, stages: this.#stages });
  }

  /** What of a stage the replicas exchange in an outer step: all but the last one's copy of the embedding. */
  #exchangedRangesOf(stage: number): Range[] {
    const ranges = this.#rangesOf(stage);
    return stage === 0 ? ranges : ranges.filter(({ offset }) => offset !== this.#embedding.offset);
  }

  /** By rank, from what `visit` tells of the holders of every stage. */
  #byStage(visit: (stage: number) => readonly (readonly number[])[]): Ready {
    const ready = this.parts.map((): number[] => []);
    for (let stage = 0; stage < this.#stages; stage++) {
      const ends = visit(stage);
      this.#holdersOf(stage).forEach(({ rank }, replica) => ready[rank]!.push(...ends[replica]!));
    }
    return ready;
  }

  /** Sums these ranges of a stage over the replicas. By replica. */
  #exchange(
    stage: number,
    ranges: readonly Range[],
    after: readonly (readonly number[])[],
  ): readonly (readonly number[])[] {
    const { protocol, regions: regionOf } = this.#request;
    const members = this.#holdersOf(stage);
    if (members.length === 1) return after;
    const regions = members.map(({ rank }) => regionOf[rank]!);
    const cost = 1 / protocol.chunks;
    return exchange({ protocol, members, ranges, after, regions, cost });
  }

  /** The same, once the first and the last rank of each pipeline have seen to their copies of the embedding. */
  #withEmbedding(ready: Ready, seeTo: Collective): Ready {
    const { protocol, regions } = this.#request;
    const sliceElements = checkedSliceElements(protocol.slice, this.#embedding.length, 4);
    const all = [...ready];
    for (const first of this.#firstRanks) {
      const holders = [first, first + protocol.stages - 1];
      const ends = seeTo({
        members: holders.map((rank) => this.parts[rank]!),
        ranges: [this.#embedding],
        sliceElements,
        encoding: { kind: 'float32' },
        after: holders.map((rank) => ready[rank]!),
        regions: holders.map((rank) => regions[rank]!),
      });
      holders.forEach((rank, index) => (all[rank] = [...ready[rank]!, ...ends[index]!]));
    }
    return all;
  }

  #update(ready: Ready, how: Pick<OuterOperation, 'update' | 'contributors'>): void {
    for (const part of this.parts) {
      const { ranges } = holdingOf(this.#request, part.rank);
      part.device({ kind: 'outer', after: ready[part.rank]!, ...how, ranges, cost: 1 });
    }
  }
}
