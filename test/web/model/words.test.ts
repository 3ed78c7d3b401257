/** What the page says in words and figures: numbers, tiles, the gate, the status. */
import { describe, expect, it } from 'vitest';
import type { WireCheck } from '../../../orchestrator/web/wire.js';
import { beatOf } from '../../../web/model/bursts.js';
import { figuresOf } from '../../../web/model/figures.js';
import * as format from '../../../web/model/format.js';
import { gateOf } from '../../../web/model/gate.js';
import { stageOf, statusOf, titleOf } from '../../../web/model/status.js';
import { boardOf, bursts, nodeOf, snapshotOf } from './runs.js';

describe('numbers', () => {
  it('keep three digits, so that they do not jump', () => {
    expect([0, 12, 40e6, 39.96e6, 999.6e3, 1.234e9].map(format.rateText)).toEqual([
      '0 bit/s',
      '12.0 bit/s',
      '40.0 Mbit/s',
      '40.0 Mbit/s',
      '1.00 Mbit/s',
      '1.23 Gbit/s',
    ]);
    expect(format.bytesText(3_280_000)).toBe('3.28 MB');
    expect([null, 0, 0.00002, 0.02, 0.9994, 0.9996, 5.071, 1234].map(format.secondsText)).toEqual([
      '–',
      '0 ms',
      '0.02 ms',
      '20.0 ms',
      '999 ms',
      '1.00 s',
      '5.07 s',
      '1234 s',
    ]);
  });

  it('tell times, shares, deviations and losses', () => {
    expect([0, 65, -5, -0.2, 600].map(format.clockText)).toEqual(['0:00', '1:05', '−0:05', '0:00', '10:00']);
    expect([null, 0.236, 1].map(format.percentText)).toEqual(['–', '24 %', '100 %']);
    expect(format.deviationText(5.1, 5)).toBe('+2.0 %');
    expect(format.deviationText(4.9, 5)).toBe('−2.0 %');
    expect(format.deviationText(4.9, 0)).toBe('');
    expect([null, 4.2134].map(format.lossText)).toEqual(['–', '4.213']);
  });
});

const check = (name: string, ok: boolean, more: Partial<WireCheck> = {}): WireCheck => ({
  name,
  expected: null,
  measured: 1,
  tolerance: 2,
  unit: 'steps',
  ok,
  ...more,
});

describe('the gate', () => {
  it('says what a check allows', () => {
    expect(format.allowedText(check('a', true))).toBe('at most 2 steps');
    const rate = { expected: 40e6, tolerance: 2e6, unit: 'bit/s' };
    expect(format.allowedText(check('a', true, rate))).toBe('40.0 Mbit/s ± 2.00 Mbit/s');
    expect(format.allowedText(check('a', true, { expected: 1, tolerance: 0, unit: 'hashes' }))).toBe(
      '1 hashes',
    );
    const units: [number, string][] = [
      [0.005, 's'],
      [1e6, 'bytes'],
      [0.0125, 'share'],
      [3, 'packets'],
    ];
    const texts = units.map(([value, unit]) => format.quantityText(value, unit));
    expect(texts).toEqual(['5.00 ms', '1.00 MB', '1.25 %', '3 packets']);
  });

  it('has a verdict in every state, and shows what fails first', () => {
    expect(gateOf(null)).toEqual({ kind: 'none', text: 'nothing checked yet', checks: [] });
    const good = [check('a', true), check('b', true)];
    const mixed = [check('a', true), check('b', false)];
    const kinds = [
      gateOf({ checks: good, final: false }),
      gateOf({ checks: good, final: true }),
      gateOf({ checks: mixed, final: false }),
      gateOf({ checks: mixed, final: true }),
    ];
    expect(kinds.map(({ kind }) => kind)).toEqual(['holding', 'valid', 'failing', 'invalid']);
    expect(kinds[3]!.text).toBe('✗ invalid: 1 of 2 checks fails');
    expect(kinds[3]!.checks.map(({ name }) => name)).toEqual(['b', 'a']);
  });
});

describe('the figures', () => {
  const valueOf = (figures: ReturnType<typeof figuresOf>, name: string): string[] => {
    const { value, note } = figures.find((figure) => figure.name === name)!;
    return [value, note];
  };

  it('are dashes before anything is known', () => {
    const figures = figuresOf(boardOf({ nodes: [], expectedPeriodSeconds: null }), [], beatOf([], 0, 0));
    expect(valueOf(figures, 'Rounds')).toEqual(['0 / 10', 'training has not begun']);
    expect(valueOf(figures, 'Period')).toEqual(['–', 'nothing expected']);
    expect(valueOf(figures, 'Duty cycle')).toEqual(['–', 'no burst yet']);
    expect(valueOf(figures, 'All nodes send')).toEqual(['0 bit/s', '0 % of all uplinks']);
    expect(figures.some(({ alert }) => alert === true)).toBe(false);
  });

  it('hold what was measured against what was expected', () => {
    const nodes = [nodeOf(0, { queuedBytes: 1e6, dropped: 2 }), nodeOf(1, { queuedBytes: 5e5, lost: 3 })];
    const board = boardOf({
      nodes,
      roundsDone: 4,
      elapsedSeconds: 20,
      secondsLeft: 31,
      periodSeconds: 5.05,
      meanLoss: 4.2,
      lateness: { p50: 0.00002, p99: 0.0003 },
      overruns: 2,
    });
    const samples = bursts(1, 4, 16);
    const figures = figuresOf(board, samples, beatOf(samples, 80e6, 0));
    expect(valueOf(figures, 'Rounds')).toEqual(['4 / 10', '0:20 so far, 0:31 left']);
    expect(valueOf(figures, 'Period')).toEqual(['5.05 s', 'expected 5.00 s (+1.0 %)']);
    expect(valueOf(figures, 'Duty cycle')).toEqual(['20 %', 'bursts of 1.00 s']);
    expect(valueOf(figures, 'All nodes send')).toEqual(['80.0 Mbit/s', '100 % of all uplinks']);
    expect(valueOf(figures, 'Queued')).toEqual(['1.50 MB', '2 packets dropped, 3 lost']);
    expect(valueOf(figures, 'Lateness, p99')[0]).toBe('0.30 ms');
    expect(figures.filter(({ alert }) => alert === true).map(({ name }) => name)).toEqual(['Overruns']);
  });

  it('tell how long it took, at the end', () => {
    const figures = figuresOf(boardOf({ elapsedSeconds: 56, secondsLeft: 0 }), [], beatOf([], 0, 0));
    expect(valueOf(figures, 'Rounds')[1]).toBe('in 0:56');
  });
});

describe('the status', () => {
  const over = (failure: string | null) => snapshotOf({ ended: { failure } });

  it('tells a live run from one that is over and from a server that is gone', () => {
    expect(statusOf('connecting', null).text).toBe('connecting…');
    expect(statusOf('lost', null)).toEqual({ kind: 'waiting', text: 'reconnecting…' });
    expect(statusOf('open', snapshotOf())).toEqual({ kind: 'live', text: 'live' });
    expect(statusOf('lost', snapshotOf()).kind).toBe('lost');
    expect(statusOf('open', over(null))).toEqual({ kind: 'ended', text: 'run ended' });
    expect(statusOf('lost', over(null))).toEqual({
      kind: 'ended',
      text: 'run ended; this is its last picture',
    });
    expect(statusOf('open', over('bob died')).kind).toBe('failed');
  });

  it('says what goes on, or why it no longer does', () => {
    expect(stageOf(snapshotOf())).toBe('training');
    expect(stageOf(over(null))).toBe('all 10 rounds are done');
    expect(stageOf(over('bob died'))).toBe('bob died');
    expect(titleOf(boardOf())).toBe('small · diloco · 2 nodes · netns');
    expect(titleOf(boardOf({ scenario: 'diloco', nodes: [nodeOf(0)] }))).toBe('diloco · 1 node · netns');
  });
});
