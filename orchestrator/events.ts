/**
 * What happens in a run, as it happens: the one stream that the terminal, Prometheus and the run directory
 * all read. Times are seconds since 1970.
 */
import type { NodeCounters } from '../src/wan/fabric.js';
import type { TraceOperation } from '../src/run/files.js';

export type RunEvent =
  /** A new stage of the run has begun; `text` is for people. */
  | { readonly type: 'stage'; readonly text: string }
  /** The first round was dispatched. */
  | { readonly type: 'training'; readonly time: number }
  /** A node finished an inner step. */
  | {
      readonly type: 'step';
      readonly rank: number;
      readonly step: number;
      readonly loss: number;
      readonly computeSeconds: number;
      readonly overrunSeconds: number;
    }
  /** A node finished a round. */
  | {
      readonly type: 'round';
      readonly rank: number;
      readonly round: number;
      readonly eventLoopLagSeconds: number;
      /** Seconds by which optimizer updates missed their pace. */
      readonly outerOverrunSeconds: number;
      readonly operations: readonly TraceOperation[];
    }
  /** The meters were read, a few times a second. */
  | { readonly type: 'sample'; readonly time: number; readonly counters: readonly NodeCounters[] };

export type RunListener = (event: RunEvent) => void;
