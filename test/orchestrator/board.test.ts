/** The board after each part of a run whose figures are known. */
import { describe, expect, it } from 'vitest';
import { Board, FINISHED_ROUNDS_KEPT, type BoardSnapshot } from '../../orchestrator/board.js';
import { counters, round, sample, step, story, topologyOf, TRAINING } from './run-story.js';

const facts = {
  scenario: 'story',
  protocol: 'diloco',
  fabric: 'netns',
  rounds: 2,
  stepsPerRound: 2,
  pace: 0.5,
};
const newBoard = () => new Board(topologyOf('ada', 'bob'), facts);

/** The board after the first `events` of the story. */
function after(events: number): BoardSnapshot {
  const board = newBoard();
  for (const event of story.slice(0, events)) board.apply(event);
  return board.snapshot();
}

describe('Board', () => {
  it('shows nodes that join, and no time, before training', () => {
    const { nodes, ...run } = after(1);
    expect(run).toEqual({
      run: null,
      scenario: 'story',
      protocol: 'diloco',
      fabric: 'netns',
      expectedPeriodSeconds: null,
      lateness: null,
      gate: null,
      stage: 'connecting',
      rounds: 2,
      roundsDone: 0,
      stepsPerRound: 2,
      meanLoss: null,
      elapsedSeconds: null,
      secondsLeft: null,
      periodSeconds: null,
      overruns: 0,
      finishedRounds: [],
      historyBinSeconds: 0.5,
    });
    expect(nodes).toHaveLength(2);
    expect(nodes[1]).toEqual({
      rank: 1,
      name: 'bob',
      region: 'region-of-bob',
      uplink: 40e6,
      downlink: 100e6,
      phase: 'joining',
      roundsDone: 0,
      steps: 0,
      loss: null,
      rateUp: 0,
      rateDown: 0,
      rateTo: [],
      rateUpHistory: [],
      queuedBytes: 0,
      dropped: 0,
      lost: 0,
      overruns: 0,
    });
  });

  it('counts with the pace until a round has been measured', () => {
    expect(after(3)).toMatchObject({ stage: 'training', elapsedSeconds: 0, secondsLeft: 2 });
    const board = new Board(topologyOf('ada', 'bob'), { ...facts, expectedPeriodSeconds: 3 });
    for (const event of story.slice(0, 6)) board.apply(event);
    expect(board.snapshot()).toMatchObject({ elapsedSeconds: 1, secondsLeft: 5 });
  });

  it('follows each node through computing, synchronizing, done', () => {
    const phases = (events: number) => after(events).nodes.map(({ phase }) => phase);
    expect(phases(2)).toEqual(['computing', 'computing']);
    expect(phases(4)).toEqual(['computing', 'computing']);
    expect(phases(7)).toEqual(['synchronizing', 'computing']);
    expect(phases(9)).toEqual(['computing', 'synchronizing']);
    expect(phases(16)).toEqual(['synchronizing', 'done']);
    expect(phases(story.length)).toEqual(['done', 'done']);
  });

  it('makes rates of successive counters, by the times given', () => {
    const [ada, bob] = after(6).nodes;
    expect(ada).toMatchObject({ rateUp: 8e6, rateDown: 4e6 });
    expect(bob).toMatchObject({ rateUp: 4e6, rateDown: 2e6, queuedBytes: 3000, dropped: 2, lost: 1 });
    const [later, idle] = after(11).nodes;
    expect(later).toMatchObject({ rateUp: 40e6, rateDown: 20e6 });
    expect(later?.rateUpHistory).toEqual([8e6, 8e6, 40e6, 40e6]);
    expect(idle).toMatchObject({ rateUp: 0, rateDown: 0, queuedBytes: 0, dropped: 2, lost: 4 });
  });

  it('finishes a round when its last node does', () => {
    expect(after(9)).toMatchObject({ roundsDone: 0, finishedRounds: [], periodSeconds: null });
    const first = after(10);
    expect(first).toMatchObject({ roundsDone: 1, periodSeconds: null, elapsedSeconds: 2, secondsLeft: 2 });
    expect(first.finishedRounds).toEqual([
      { round: 0, endSeconds: 2, periodSeconds: null, meanLoss: 4.25, sentBytes: 2000 },
    ]);
    const all = after(story.length);
    expect(all.finishedRounds[1]).toEqual({
      round: 1,
      endSeconds: 4.5,
      periodSeconds: 2.5,
      meanLoss: 2.25,
      sentBytes: 2000,
    });
    expect(all).toMatchObject({ roundsDone: 2, periodSeconds: 2.5, elapsedSeconds: 4.5, secondsLeft: 0 });
  });

  it('takes the mean of the losses, and counts overruns', () => {
    expect(after(4).meanLoss).toBe(5);
    expect(after(5).meanLoss).toBe(5.25);
    const all = after(story.length);
    expect(all).toMatchObject({ meanLoss: 2.25, overruns: 1, stage: 'collecting the weights' });
    expect(all.nodes.map(({ overruns, steps, loss }) => [overruns, steps, loss])).toEqual([
      [0, 4, 2],
      [1, 4, 2.5],
    ]);
  });

  it('leaves nodes without a loss out of the mean, and shows none for them', () => {
    const board = newBoard();
    board.apply({ type: 'step', rank: 0, step: 0, computeSeconds: 0.3, overrunSeconds: 0.1 });
    expect(board.snapshot()).toMatchObject({ meanLoss: null, overruns: 1 });
    board.apply(step(1, 0, 5));
    board.apply(round(0, 0, 0, 0.75));
    board.apply(round(1, 0, 0, 0.75));
    const { meanLoss, nodes, finishedRounds } = board.snapshot();
    expect([meanLoss, ...nodes.map(({ loss }) => loss), finishedRounds[0]?.meanLoss]).toEqual([
      5,
      null,
      5,
      5,
    ]);
    expect(nodes[0]?.steps).toBe(1);
  });

  it('reckons the time left with the measured period, and never below zero', () => {
    const board = new Board(topologyOf('ada', 'bob'), { ...facts, rounds: 5 });
    for (const event of story) board.apply(event);
    expect(board.snapshot()).toMatchObject({ elapsedSeconds: 4.5, secondsLeft: 7.5 });
    board.apply(sample(6, counters(0), counters(0)));
    expect(board.snapshot()).toMatchObject({ elapsedSeconds: 6, secondsLeft: 6 });
    board.apply(sample(600, counters(0), counters(0)));
    expect(board.snapshot()).toMatchObject({ elapsedSeconds: 600, secondsLeft: 0 });
  });

  it('stops its watch with the last round', () => {
    const board = newBoard();
    for (const event of [...story, sample(60, counters(7_000_000), counters(0))]) board.apply(event);
    expect(board.snapshot().elapsedSeconds).toBe(4.5);
  });

  it('gives snapshots that are JSON and stay as they were', () => {
    const board = newBoard();
    for (const event of story.slice(0, 8)) board.apply(event);
    const snapshot = board.snapshot();
    const text = JSON.stringify(snapshot);
    expect(JSON.parse(text)).toEqual(snapshot);
    for (const event of story.slice(8)) board.apply(event);
    expect(JSON.stringify(snapshot)).toBe(text);
  });

  it('keeps a bounded number of finished rounds of a long run', () => {
    const rounds = FINISHED_ROUNDS_KEPT + 20;
    const board = new Board(topologyOf('ada'), { ...facts, rounds });
    board.apply({ type: 'training', time: TRAINING });
    for (let index = 0; index < rounds; index++) {
      board.apply(step(0, 2 * index + 1, 1));
      board.apply(round(0, index, 2 * index, 0.5));
    }
    const { finishedRounds, roundsDone, periodSeconds } = board.snapshot();
    expect(finishedRounds.map((finished) => finished.round)).toEqual(
      Array.from({ length: FINISHED_ROUNDS_KEPT }, (_, index) => index + 20),
    );
    expect(roundsDone).toBe(rounds);
    expect(periodSeconds).toBeCloseTo(2, 9);
  });
});
