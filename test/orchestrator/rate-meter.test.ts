/** Bytes in readings at odd times come out again in bins. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HISTORY_BIN_SECONDS, HISTORY_BINS, RateMeter } from '../../orchestrator/rate-meter.js';

function meterOf(...readings: [time: number, bytes: number][]): RateMeter {
  const meter = new RateMeter();
  for (const [time, bytes] of readings) meter.read(time, bytes);
  return meter;
}

describe('RateMeter', () => {
  it('needs two readings for a rate', () => {
    expect(meterOf().rate).toBe(0);
    expect(meterOf([1, 1000]).rate).toBe(0);
    expect(meterOf([1, 1000], [1.25, 2000]).rate).toBe(32_000);
  });

  it('leaves out a reading that is not newer', () => {
    const meter = meterOf([1, 0], [2, 100], [2, 300], [1.5, 900]);
    expect(meter.rate).toBe(800);
    meter.read(3, 300);
    expect(meter.rate).toBe(1600);
  });

  it('spreads bytes over the bins between two readings; the one being filled does not show', () => {
    expect(meterOf([10.25, 0], [11.25, 1000]).history()).toEqual([4000, 8000]);
    expect(meterOf([10.25, 0], [11.25, 1000], [11.5, 1000]).history()).toEqual([4000, 8000, 4000]);
  });

  it('keeps the last bins, and their number is bounded even after a long silence', () => {
    const meter = meterOf([0, 0]);
    for (let time = 1; time <= 100; time++) meter.read(time, 1000 * time);
    expect(meter.history()).toEqual(Array.from({ length: HISTORY_BINS }, () => 8000));
    meter.read(1e6, 100_000);
    expect(meter.history()).toEqual(Array.from({ length: HISTORY_BINS }, () => 0));
  });

  it('loses no byte', () => {
    const gaps = fc.array(fc.tuple(fc.double({ min: 0.01, max: 2, noNaN: true }), fc.nat(1e6)), {
      minLength: 1,
      maxLength: 10,
    });
    fc.assert(
      fc.property(gaps, (steps) => {
        const meter = meterOf([0, 0]);
        let [time, bytes] = [0, 0];
        for (const [gap, more] of steps) meter.read((time += gap), (bytes += more));
        // One more silent second completes the bin that was being filled.
        meter.read(time + 1, bytes);
        const kept = meter.history().reduce((sum, rate) => sum + (rate * HISTORY_BIN_SECONDS) / 8, 0);
        expect(kept).toBeCloseTo(bytes, 3);
      }),
    );
  });
});
