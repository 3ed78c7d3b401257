/**
 * What happens in a run, as it happens: the one stream that the terminal, Prometheus and the run directory
 * all read. Times are seconds since 1970.
 */
import type { GateCheck, TraceOperation } from './files.js';
import type { Change } from '../scenario/index.js';
import type { Lateness, NodeCounters } from '../wan/fabric.js';

export type RunEvent =
  /** The run has begun; `id` is the name of its directory. */
  | { readonly type: 'run'; readonly id: string }
  /** A new stage of the run has begun; `text` is for people. */
  | { readonly type: 'stage'; readonly text: string }
  /** The first round was dispatched; without training, the programs were started. */
  | { readonly type: 'training'; readonly time: number }
  /** A node finished an inner step. */
  | {
      readonly type: 'step';
      readonly rank: number;
      readonly step: number;
      /** Nats per byte; absent where the node has none, being a pipeline stage that is not the last. */
      readonly loss?: number;
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
  /** The network was changed, as the scenario's events have it. */
  | {
      readonly type: 'network';
      readonly time: number;
      /** When it was to happen, seconds after time zero of the events. */
      readonly at: number;
      readonly kind: Change['kind'];
      /** The event as the scenario has it. */
      readonly event: string;
      /** Who went down or came back, by position among all hosts. */
      readonly hosts: readonly number[];
    }
  /** Nodes crashed and came back: all play again from the start of this round, which not all had finished. */
  | { readonly type: 'rewound'; readonly round: number }
  /** The meters were read, a few times a second. */
  | {
      readonly type: 'sample';
      readonly time: number;
      readonly counters: readonly NodeCounters[];
      /** Over all nodes, since the start. */
      readonly lateness: Lateness;
    }
  /** How the gate stands: all checks that can be made up to now; once more, with all of them, at the end. */
  | { readonly type: 'gate'; readonly checks: readonly GateCheck[]; readonly final: boolean }
  /** The run is over; `failure` is why it broke off, null if it did not. */
  | { readonly type: 'ended'; readonly failure: string | null };

export type RunListener = (event: RunEvent) => void;
