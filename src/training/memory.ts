/**
 * The memory of one replica: six flat arrays side by side on one SharedArrayBuffer.
 *
 * It stands for a GPU's memory: the device's threads train in it, the transport sums slices into it, and
 * nothing is ever copied between them; only the {@link SharedReplica} that names it is passed along. Whose
 * turn it is to write is settled by the schedule, not here. Pages that a protocol never touches (DDP has no
 * anchor) cost no memory, for the system only provides them when first written.
 */

/** What a thread is told, so that it sees the same memory. */
export interface SharedReplica {
  readonly buffer: SharedArrayBuffer;
  /** Elements of each array: the model's parameter count. */
  readonly parameterCount: number;
}

/** Each array is flat, with `parameterCount` elements. */
export interface ReplicaMemory {
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
}

const ARRAYS = 6;

/** New memory, all zeros. */
export function allocateReplica(parameterCount: number): ReplicaMemory {
  const bytes = ARRAYS * parameterCount * Float32Array.BYTES_PER_ELEMENT;
  return replicaFrom({ buffer: new SharedArrayBuffer(bytes), parameterCount });
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
  };
}
