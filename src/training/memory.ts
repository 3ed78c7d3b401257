/**
 * The memory of one replica: flat arrays side by side on one SharedArrayBuffer, and two scratch buffers.
 *
 * It stands for a GPU's memory: the device's threads train in it, the transport sums slices into it, and
 * nothing is ever copied between them; only the {@link SharedReplica} that names it is passed along. Whose
 * turn it is to write is settled by the schedule, not here. Pages that a protocol never touches (DDP has no
 * anchor) cost no memory, for the system only provides them when first written.
 */
import type { Scratch } from '../schedule/operation.js';
import type { Buffers } from '../schedule/transfer.js';

/** What a thread is told, so that it sees the same memory. */
export interface SharedReplica {
  readonly buffer: SharedArrayBuffer;
  /** Elements of each array: the model's parameter count. */
  readonly parameterCount: number;
  readonly activations: SharedArrayBuffer;
  readonly contributions: SharedArrayBuffer;
}

/** Each array is flat, with `parameterCount` elements, unless it says otherwise. */
export interface ReplicaMemory extends Buffers {
  readonly shared: SharedReplica;
  /** The current parameters. */
  readonly parameters: Float32Array;
  /** DiLoCo's outer parameters, from which the inner steps of a round set out. */
  readonly anchor: Float32Array;
  readonly outerMomentum: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** What is all-reduced: the gradient or pseudo-gradient, then the sum over ranks. */
  readonly reduction: Float32Array;
  /** What compression left out up to now. */
  readonly residual: Float32Array;
  /** A peer's copy of something, or an own one of what was sent. */
  readonly exchange: Float32Array;
  /** Scratch: what pipeline stages hand to each other. */
  readonly activations: Float32Array;
  /** Scratch: encoded contributions, bytes. */
  readonly contributions: Uint8Array;
}

const ARRAYS = 8;
const NO_SCRATCH: Scratch = { activationElements: 0, contributionBytes: 0 };

/** Bytes of a replica's memory but for its scratch. */
export const replicaBytes = (parameterCount: number): number =>
  ARRAYS * parameterCount * Float32Array.BYTES_PER_ELEMENT;

/** New memory, all zeros. */
export function allocateReplica(parameterCount: number, scratch: Scratch = NO_SCRATCH): ReplicaMemory {
  return replicaFrom({
    buffer: new SharedArrayBuffer(replicaBytes(parameterCount)),
    parameterCount,
    activations: new SharedArrayBuffer(Float32Array.BYTES_PER_ELEMENT * scratch.activationElements),
    contributions: new SharedArrayBuffer(scratch.contributionBytes),
  });
}

/** The same memory with at least so much scratch. Scratch that is too small is replaced by new, all zeros. */
export function withScratch(memory: ReplicaMemory, scratch: Scratch): ReplicaMemory {
  const { shared, activations, contributions } = memory;
  if (activations.length >= scratch.activationElements && contributions.length >= scratch.contributionBytes)
    return memory;
  const grown = allocateReplica(0, scratch).shared;
  return replicaFrom({ ...shared, activations: grown.activations, contributions: grown.contributions });
}

/** The same memory, as seen by any thread that was passed its description. */
export function replicaFrom(shared: SharedReplica): ReplicaMemory {
  const { buffer, parameterCount } = shared;
  const array = (index: number) =>
    new Float32Array(buffer, index * parameterCount * Float32Array.BYTES_PER_ELEMENT, parameterCount);
  return {
    shared,
    parameters: array(0),
    anchor: array(1),
    outerMomentum: array(2),
    firstMoment: array(3),
    secondMoment: array(4),
    reduction: array(5),
    residual: array(6),
    exchange: array(7),
    activations: new Float32Array(shared.activations),
    contributions: new Uint8Array(shared.contributions),
  };
}
