/**
 * A small run told as events: two nodes, two rounds of two steps, with the sends and receives of a ring.
 * Whatever reads events can be tested against it, for all its figures are round and known.
 */
import type { RunEvent } from '../../src/run/events.js';
import type { TraceOperation } from '../../src/run/files.js';
import type { Topology } from '../../src/scenario/topology.js';
import type { NodeCounters } from '../../src/wan/fabric.js';
import { CALM } from '../../src/scenario/index.js';

/** Seconds since 1970 at which the story's training begins. */
export const TRAINING = 1_800_000_000;
/** What the trace's clock shows then. */
const TRACE = 7;

export function topologyOf(...names: string[]): Topology {
  const path = { delay: 0.02, ...CALM };
  return {
    nodes: names.map((name, rank) => ({
      rank,
      name,
      region: `region-of-${name}`,
      uplink: 40e6,
      downlink: 100e6,
      address: `10.77.0.${rank + 1}`,
    })),
    paths: names.map(() => names.map(() => path)),
    queue: { seconds: 0.2 },
    mtu: 1500,
  };
}

export const counters = (egressBytes: number, more: Partial<NodeCounters> = {}): NodeCounters => ({
  egressBytes,
  egressPackets: egressBytes / 1000,
  ingressBytes: egressBytes / 2,
  ingressPackets: egressBytes / 2000,
  dropped: 0,
  lost: 0,
  queuedBytes: 0,
  egressBytesTo: [],
  ...more,
});

/** `seconds` after training began. */
export const sample = (seconds: number, ...ofNodes: NodeCounters[]): RunEvent => ({
  type: 'sample',
  time: TRAINING + seconds,
  counters: ofNodes,
  lateness: { count: 100, p50: 0.00002, p99: 0.0002, max: 0.003 },
});

export const step = (rank: number, index: number, loss: number, overrunSeconds = 0): RunEvent => ({
  type: 'step',
  rank,
  step: index,
  loss,
  computeSeconds: 0.3,
  overrunSeconds,
});

/**
 * A node's round: compute for 1 s, then a burst in which it sends 600 + 400 bytes, then the outer step.
 *
 * @param start seconds after training began.
 * @param burstSeconds first send to last receive.
 */
export function round(rank: number, index: number, start: number, burstSeconds: number): RunEvent {
  const peer = 1 - rank;
  const node = `node-${rank}`;
  const burst = TRACE + start + 1;
  const end = burst + burstSeconds;
  const base = { type: 'operation', node, rank, round: index } as const;
  const operations: TraceOperation[] = [
    { ...base, id: 0, kind: 'compute', stream: 'compute', start: burst - 1, end: burst },
    {
      ...base,
      id: 1,
      kind: 'send',
      stream: `send:${peer}`,
      peer,
      bytes: 600,
      start: burst,
      end: burst + 0.1,
    },
    {
      ...base,
      id: 2,
      kind: 'send',
      stream: `send:${peer}`,
      peer,
      bytes: 400,
      start: burst + 0.1,
      end: end - 0.1,
    },
    // A receive waits from early on; that is no part of the burst.
    { ...base, id: 3, kind: 'recv', stream: `recv:${peer}`, peer, bytes: 1000, start: burst - 0.5, end },
    { ...base, id: 4, kind: 'outer', stream: 'compute', start: end, end: end + 0.25 },
  ];
  return {
    type: 'round',
    rank,
    round: index,
    outerOverrunSeconds: 0,
    eventLoopLagSeconds: 0.01 * (index + 1),
    operations,
  };
}

/** The first round ends 2 s after training began, the second 4.5 s after. */
export const story: readonly RunEvent[] = [
  { type: 'stage', text: 'connecting' },
  { type: 'training', time: TRAINING },
  sample(0, counters(0), counters(0)),
  step(0, 0, 5),
  step(1, 0, 5.5),
  sample(1, counters(1_000_000), counters(500_000, { queuedBytes: 3000, dropped: 2, lost: 1 })),
  step(0, 1, 4),
  step(1, 1, 4.5, 0.02),
  round(0, 0, 0, 0.65),
  round(1, 0, 0, 0.75),
  sample(2, counters(6_000_000), counters(500_000, { dropped: 2, lost: 4 })),
  step(0, 2, 3),
  step(1, 2, 3.5),
  step(0, 3, 2),
  step(1, 3, 2.5),
  round(1, 1, 2, 1.25),
  round(0, 1, 2, 1),
  { type: 'stage', text: 'collecting the weights' },
];
