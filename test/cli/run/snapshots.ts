/** Board snapshots made up for views: nodes in a row, each with a sawtooth for a history. */
import type { BoardSnapshot, FinishedRound, NodeSnapshot } from '../../../orchestrator/board.js';

export function nodeOf(rank: number, more: Partial<NodeSnapshot> = {}): NodeSnapshot {
  return {
    rank,
    name: `node-${rank}`,
    region: 'us-east',
    uplink: 40e6,
    downlink: 100e6,
    phase: 'computing',
    roundsDone: 2,
    steps: 20,
    loss: 2.5,
    rateUp: 39.8e6,
    rateDown: 12.3e6,
    rateTo: [],
    rateUpHistory: Array.from({ length: 60 }, (_, bin) => ((bin % 9) * 40e6) / 8),
    queuedBytes: 123_456,
    dropped: 0,
    lost: 0,
    overruns: 0,
    ...more,
  };
}

export function snapshotOf(nodes: number, more: Partial<BoardSnapshot> = {}): BoardSnapshot {
  return {
    run: '20260102-030405-diloco',
    scenario: 'diloco',
    protocol: 'diloco',
    fabric: 'netns',
    stage: 'training',
    nodes: Array.from({ length: nodes }, (_, rank) => nodeOf(rank)),
    rounds: 10,
    roundsDone: 2,
    stepsPerRound: 8,
    meanLoss: 2.5,
    elapsedSeconds: 11,
    secondsLeft: 42.4,
    periodSeconds: 5.36,
    expectedPeriodSeconds: 5.1,
    lateness: { count: 1000, p50: 0.00002, p99: 0.0002, max: 0.003 },
    gate: null,
    overruns: 0,
    finishedRounds: [],
    historyBinSeconds: 0.5,
    ...more,
  };
}

export const finished = (round: number): FinishedRound => ({
  round,
  endSeconds: 5.4 * (round + 1),
  periodSeconds: round === 0 ? null : 5.36,
  meanLoss: 3 - round / 10,
  sentBytes: 19_700_000,
});
