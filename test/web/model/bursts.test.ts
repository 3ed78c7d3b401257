/** Bursts in readings: what counts as one, where it begins and ends, and the beat that several make. */
import { describe, expect, it } from 'vitest';
import { beatOf } from '../../../web/model/bursts.js';
import { bursts, readings } from './runs.js';

const CAPACITY = 80e6;
const spans = (...args: Parameters<typeof beatOf>): [number, number][] =>
  beatOf(...args).bursts.map(({ start, end }) => [start, end]);

describe('beatOf', () => {
  it('finds a burst from the reading before its first to its last', () => {
    expect(spans(readings(1, 0, 0, 40e6, 40e6, 0, 0), CAPACITY, 0)).toEqual([[1.25, 1.75]]);
  });

  it('counts outer readings for the part of their interval that they fill', () => {
    const [[start, end]] = spans(readings(1, 0, 20e6, 40e6, 10e6, 0), CAPACITY, 0) as [[number, number]];
    expect(start).toBeCloseTo(1.125);
    expect(end).toBeCloseTo(1.5 + 0.25 * 0.25);
  });

  it('does not make two bursts of one with a dip, nor one of two with silence between', () => {
    expect(spans(readings(1, 0, 40e6, 8e6, 40e6, 0), CAPACITY, 0)).toHaveLength(1);
    expect(spans(readings(1, 0, 40e6, 1e6, 40e6, 0), CAPACITY, 0)).toHaveLength(2);
  });

  it('takes nothing for a burst that is much lower than the highest, or next to nothing', () => {
    expect(spans(readings(1, 0, 40e6, 0, 8e6, 0), CAPACITY, 0)).toHaveLength(1);
    expect(spans(readings(1, 0, 1e5, 0, 1e5, 0), CAPACITY, 0)).toEqual([]);
    expect(spans([], CAPACITY, 0)).toEqual([]);
  });

  it('leaves out what was before training', () => {
    const probes = readings(1, 0, 40e6, 0);
    const training = readings(3, 0, 40e6, 0);
    expect(spans([...probes, ...training], CAPACITY, 2)).toEqual([[3, 3.25]]);
    expect(spans([...probes, ...training], CAPACITY, Infinity)).toEqual([]);
  });

  it('knows a burst that still goes on, and does not reckon with its length', () => {
    const { bursts: found, burstSeconds } = beatOf(readings(1, 0, 40e6, 40e6, 0, 0, 40e6), CAPACITY, 0);
    expect(found.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    expect(burstSeconds).toBeCloseTo(0.5);
  });

  it('makes a beat of several: period, length and duty cycle', () => {
    // 4 s of silence, 1 s of burst.
    const beat = beatOf(bursts(1, 5, 16), CAPACITY, 0);
    expect(beat.bursts).toHaveLength(5);
    expect(beat.periodSeconds).toBeCloseTo(5);
    expect(beat.burstSeconds).toBeCloseTo(1);
    expect(beat.dutyCycle).toBeCloseTo(0.2);
  });

  it('says nothing of a period before there are two', () => {
    const { periodSeconds, burstSeconds, dutyCycle } = beatOf(readings(1, 0, 40e6, 0), CAPACITY, 0);
    expect([periodSeconds, burstSeconds, dutyCycle]).toEqual([null, 0.25, null]);
  });
});
