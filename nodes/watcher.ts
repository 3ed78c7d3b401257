/**
 * Whoever watches a node from within its own process: its log, its Prometheus endpoint.
 *
 * A node that is a thread has none, since the orchestrator beside it hears all it says anyway.
 */
import type { RunEvent } from '../src/run/events.js';
import type { NodeCounters } from '../src/wan/fabric.js';
import type { Part } from './node.js';

/** What a node tells of itself, in the orchestrator's words for it. */
export type NodeEvent = Extract<RunEvent, { type: 'step' | 'round' }>;

export interface NodeWatcher {
  /** The orchestrator has let the node in; the others are yet to come. */
  admitted(): void;
  welcomed(part: Part): void;
  ready(): void;
  happened(event: NodeEvent): void;
  metered(counters: NodeCounters, lateness: ArrayLike<number>): void;
  finished(weightsSha256: string): void;
}
