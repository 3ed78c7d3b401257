/** Made-up boards and readings for the page's functions, with round figures. */
import type { WireBoard, WireNode, WireSample, WireSnapshot } from '../../../orchestrator/web/wire.js';

export function nodeOf(rank: number, more: Partial<WireNode> = {}): WireNode {
  return {
    rank,
    name: `node-${rank}`,
    region: 'here',
    uplink: 40e6,
    downlink: 100e6,
    phase: 'computing',
    roundsDone: 0,
    steps: 0,
    loss: null,
    rateUp: 0,
    rateDown: 0,
    rateTo: [],
    queuedBytes: 0,
    dropped: 0,
    lost: 0,
    overruns: 0,
    ...more,
  };
}

export function boardOf(more: Partial<WireBoard> = {}): WireBoard {
  return {
    run: 'first',
    scenario: 'small',
    protocol: 'diloco',
    fabric: 'netns',
    stage: 'training',
    nodes: [nodeOf(0), nodeOf(1)],
    rounds: 10,
    roundsDone: 0,
    stepsPerRound: 8,
    meanLoss: null,
    elapsedSeconds: null,
    secondsLeft: null,
    periodSeconds: null,
    expectedPeriodSeconds: 5,
    lateness: null,
    gate: null,
    overruns: 0,
    finishedRounds: [],
    ...more,
  };
}

export function snapshotOf(more: Partial<WireSnapshot> = {}): WireSnapshot {
  return { board: boardOf(), trainingTime: null, samples: [], ended: null, ...more };
}

/** Readings every quarter of a second from `first` on, of two nodes that send alike and receive the same. */
export function readings(first: number, ...rates: readonly number[]): WireSample[] {
  return rates.map((rate, index) => ({
    time: first + 0.25 * index,
    up: [rate, rate],
    down: [rate, rate],
  }));
}

/** Bursts of four full readings, each after `quiet` empty ones. */
export function bursts(first: number, count: number, quiet: number): WireSample[] {
  const one = [...Array<number>(quiet).fill(0), 40e6, 40e6, 40e6, 40e6];
  return readings(first, ...Array<number[]>(count).fill(one).flat());
}
