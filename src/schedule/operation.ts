/**
 * The words a schedule is written in.
 *
 * A training protocol is compiled, round by round, into a schedule: for each rank a list of operations
 * with their dependencies. Think of it as sheet music: it says what follows what, who sends which slice
 * to whom, and how many bytes that is. It holds no socket, no timer and no tensor, so it can be drawn,
 * summed, checked and simulated before a single packet is sent. What plays it is another matter:
 * `nodes/` plays it with real tensors over real links, `src/simulation/` in virtual time.
 *
 * Operations run on streams, as on a GPU: within a stream one after the other in the order listed,
 * across streams freely, except where `after` says otherwise.
 */

/** A stream of one rank: its device, or one direction of its link to one peer. */
export type Stream = 'compute' | `send:${number}` | `recv:${number}`;

interface OperationBase {
  /** Position in the rank's part; unique there, counting from 0. */
  readonly id: number;
  readonly stream: Stream;
  /** Ids of operations of the same rank that must have ended before this one starts. */
  readonly after: readonly number[];
}

/** Forward and backward work on the device; leaves a pseudo-gradient or a gradient in the reduction buffer. */
export interface ComputeOperation extends OperationBase {
  readonly kind: 'compute';
  readonly stream: 'compute';
  /**
   * `inner-steps`: take whole inner optimizer steps, then write the pseudo-gradient
   * (outer parameters minus current parameters) to the reduction buffer.
   * `gradient`: one forward and backward pass; write the gradient to the reduction buffer.
   */
  readonly work: 'inner-steps' | 'gradient';
  /** Global index of the first inner step, counting from 0 over the whole run. */
  readonly firstStep: number;
  readonly steps: number;
}

interface TransferBase extends OperationBase {
  readonly peer: number;
  /** Number of this slice among those from the sender to the receiver in this round, counting from 0. */
  readonly sequence: number;
  /** First element of the slice in the reduction buffer. */
  readonly offset: number;
  /** Elements in the slice; never 0. */
  readonly length: number;
  /** Payload bytes of the slice: elements times the size of one, before any framing. */
  readonly bytes: number;
}

export interface SendOperation extends TransferBase {
  readonly kind: 'send';
  readonly stream: `send:${number}`;
}

export interface RecvOperation extends TransferBase {
  readonly kind: 'recv';
  readonly stream: `recv:${number}`;
  /** `sum`: add the slice to what is there; `copy`: overwrite what is there. */
  readonly into: 'sum' | 'copy';
}

/** Applies the reduced buffer (a sum over ranks; the optimizer divides by the world size) to the parameters. */
export interface OuterOperation extends OperationBase {
  readonly kind: 'outer';
  readonly stream: 'compute';
  /** `nesterov`: the outer step on the mean pseudo-gradient; `inner`: the inner optimizer on the mean gradient. */
  readonly optimizer: 'nesterov' | 'inner';
}

export type Operation = ComputeOperation | SendOperation | RecvOperation | OuterOperation;

/** What one rank does in one round. */
export interface Part {
  readonly rank: number;
  readonly operations: readonly Operation[];
}

/** One round of a protocol, for all its members. `parts[r].rank === r`. */
export interface Schedule {
  readonly protocol: string;
  /** Counting from 0. */
  readonly round: number;
  readonly worldSize: number;
  readonly parts: readonly Part[];
}
