/**
 * The round that all synchronous data-parallel protocols share: work alone, all-reduce what came of it,
 * apply the result. DDP and DiLoCo differ only in how long the work is and in what is done with the sum, so
 * each of their files says just that.
 */
import { InputError } from '../../src/errors.js';
import type {
  ComputeOperation,
  Operation,
  OuterOperation,
  Part,
  Schedule,
} from '../../src/schedule/operation.js';
import type { Protocol } from '../../src/scenario/schema.js';
import { ringAllReduce } from './ring.js';

/** What a protocol's compiler is told: the members it has, and which round it is. */
export interface RoundRequest<P extends Protocol = Protocol> {
  readonly protocol: P;
  readonly worldSize: number;
  /** Parameters of the model, which is the number of elements of the reduction buffer. */
  readonly parameterCount: number;
  /** Counting from 0. */
  readonly round: number;
}

/** Compiles one round of a protocol for all its members. */
export type CompileRound<P extends Protocol = Protocol> = (request: RoundRequest<P>) => Schedule;

/** How a protocol fills the common round. */
export interface Filling {
  readonly work: ComputeOperation['work'];
  /** Inner steps in a round. */
  readonly steps: number;
  readonly optimizer: OuterOperation['optimizer'];
}

/** Pseudo-gradients and gradients travel as float32. */
export const BYTES_PER_ELEMENT = 4;

/** Of all ranks in one round: 8192 for each of 64. So a handful of rounds fit in 2 GB, as a forecast needs. */
export const MAX_OPERATIONS = 2 ** 19;

/**
 * compute, ring all-reduce, outer, for every rank.
 *
 * @throws InputError naming `protocol.slice` if a slice holds no whole element, or is so small that a round
 *   would have more than {@link MAX_OPERATIONS} operations.
 */
export function dataParallelRound(request: RoundRequest, filling: Filling): Schedule {
  const { protocol, worldSize, parameterCount, round } = request;
  const sliceElements = checkedSliceElements(request);
  const parts: Part[] = [];
  for (let rank = 0; rank < worldSize; rank++) {
    const compute: ComputeOperation = {
      id: 0,
      kind: 'compute',
      stream: 'compute',
      after: [],
      work: filling.work,
      firstStep: round * filling.steps,
      steps: filling.steps,
    };
    const ring = ringAllReduce({
      worldSize,
      rank,
      elements: parameterCount,
      bytesPerElement: BYTES_PER_ELEMENT,
      sliceElements,
      firstId: 1,
      after: [compute.id],
    });
    const outer: OuterOperation = {
      id: ring.length + 1,
      kind: 'outer',
      stream: 'compute',
      // The last receive completes the sum. The last send matters too: from here on the buffer is the
      // optimizer's, to scale in place if it likes.
      after: lastOfEachStream(ring),
      optimizer: filling.optimizer,
    };
    parts.push({ rank, operations: [compute, ...ring, outer] });
  }
  return { protocol: protocol.kind, round, worldSize, parts };
}

function lastOfEachStream(operations: readonly Operation[]): number[] {
  return [...new Map(operations.map(({ stream, id }) => [stream, id])).values()].sort((a, b) => a - b);
}

function checkedSliceElements({ protocol, worldSize, parameterCount }: RoundRequest): number {
  const found = `protocol.slice: found ${protocol.slice} bytes`;
  const sliceElements = Math.floor(protocol.slice / BYTES_PER_ELEMENT);
  if (sliceElements < 1) {
    throw new InputError(`${found}; allowed: at least ${BYTES_PER_ELEMENT}, one float32 element`);
  }
  // Each slice is sent and received at each of 2·(N-1) steps. The estimate comes first, for cutting a huge
  // buffer into tiny slices would itself not fit.
  const transfers = 4 * (worldSize - 1);
  if ((transfers * parameterCount) / sliceElements > MAX_OPERATIONS) {
    const least = Math.ceil((transfers * parameterCount) / MAX_OPERATIONS) * BYTES_PER_ELEMENT;
    throw new InputError(
      `${found}, which cuts ${parameterCount} parameters on ${worldSize} nodes into more than ` +
        `${MAX_OPERATIONS} operations a round; allowed: at least ${least} bytes`,
    );
  }
  return sliceElements;
}
