/** Checks hold for what was set and fail for what was not: every one of them can fail. */
import { describe, expect, test } from 'vitest';
import {
  latenessCheck,
  overfillChecks,
  roundTripChecks,
  sharingChecks,
  tcpRateCheck,
  trainChecks,
} from '../../src/fidelity/judge.js';
import { Random } from '../../src/random.js';
import { CALM, type Weather } from '../../src/scenario/index.js';
import { topologyOf } from '../wan/topologies.js';

const access = { uplink: 20e6, downlink: 40e6 };
const withWeather = (weather: Partial<Weather>) =>
  topologyOf([access, access], () => ({ delay: 0.02, ...CALM, ...weather }));
const calm = withWeather({});

const failed = (checks: readonly { property: string; ok: boolean }[]): string[] =>
  checks.filter(({ ok }) => !ok).map(({ property }) => property);

describe('round trips', () => {
  const exact = { bytes: 0, ticks: 0 };
  const jittery = withWeather({ jitter: { kind: 'uniform', halfWidth: 0.005 } });
  const random = new Random(1, 'echoes');
  const uniform = (halfWidth: number): number => halfWidth * (2 * random.uniform() - 1);
  const echoes = (delay: number, halfWidth: number) => ({
    sent: 1000,
    seconds: Float64Array.from({ length: 1000 }, () => 2 * delay + uniform(halfWidth) + uniform(halfWidth)),
  });

  test('of the model that was set pass', () => {
    expect(failed(roundTripChecks(jittery, [0, 1], echoes(0.02, 0.005), exact))).toEqual([]);
  });

  test('that are too long, or vary too much or too little, fail', () => {
    expect(failed(roundTripChecks(jittery, [0, 1], echoes(0.021, 0.005), exact))).toEqual([
      'round trip, mean',
    ]);
    expect(failed(roundTripChecks(jittery, [0, 1], echoes(0.02, 0.008), exact))).toEqual([
      'round trip, p10 to p90',
    ]);
    expect(failed(roundTripChecks(jittery, [0, 1], echoes(0.02, 0), exact))).toEqual([
      'round trip, p10 to p90',
    ]);
  });

  test('that never came fail', () => {
    const nothing = { sent: 10, seconds: new Float64Array() };
    expect(failed(roundTripChecks(calm, [0, 1], nothing, exact))).toHaveLength(2);
  });

  test('who overtakes spends no time on the path, and the mean is less for it', () => {
    const overtaking = withWeather({ reorder: 0.1 });
    const [check] = roundTripChecks(overtaking, [0, 1], { sent: 1, seconds: Float64Array.of(0.036) }, exact);
    expect(check!.set).toBeCloseTo(0.036, 9);
  });

  test('the time that a packet takes to pass the links is expected', () => {
    const [check] = roundTripChecks(
      calm,
      [0, 1],
      { sent: 1, seconds: Float64Array.of(0.04) },
      { bytes: 1486, ticks: 0 },
    );
    expect(check!.set).toBeCloseTo(0.04 + 2 * 1500 * 8 * (1 / 20e6 + 1 / 40e6), 9);
  });
});

describe('rates', () => {
  const flows = (...each: number[]) => ({ each, together: each.reduce((sum, rate) => sum + rate) });

  test('TCP: goodput with headers added, from 93 to 101 % of what was set', () => {
    const of = (share: number) => tcpRateCheck(calm, 'rate', 'a', 20e6, flows((share * 20e6 * 1448) / 1514));
    expect([0.92, 0.94, 1.0, 1.02].map((share) => of(share).ok)).toEqual([false, true, true, false]);
    expect(tcpRateCheck(calm, 'rate', 'a', 20e6, flows(NaN)).ok).toBe(false);
    expect(tcpRateCheck(calm, 'rate', 'a', 20e6, flows(9e6, 9e6)).measured).toBeCloseTo(
      (18e6 * 1514) / 1448,
      0,
    );
  });

  test('UDP and queue', () => {
    const good = { rate: 19.95e6, wait: 0.199, held: 499_000 };
    expect(failed(overfillChecks(calm, [0, 1], good))).toEqual([]);
    expect(failed(overfillChecks(calm, [0, 1], { ...good, rate: 19e6 }))).toEqual(['UDP rate']);
    expect(failed(overfillChecks(calm, [0, 1], { ...good, wait: 0.25 }))).toEqual(['queue, longest wait']);
    expect(failed(overfillChecks(calm, [0, 1], { ...good, held: 400_000 }))).toHaveLength(1);
    expect(failed(overfillChecks(calm, [0, 1], null))).toHaveLength(3);
  });

  test('two flows get half of a shared queue each', () => {
    expect(failed(sharingChecks(['a', 'b'], flows(5.1e6, 4.9e6)))).toEqual([]);
    expect(failed(sharingChecks(['a', 'b'], flows(5.6e6, 4.4e6)))).toHaveLength(2);
    expect(failed(sharingChecks(['a', 'b'], flows(NaN, 4.4e6)))).toHaveLength(2);
  });
});

describe('what is drawn at random', () => {
  const meter = { overflowed: 0, damaged: 0 };
  const whole = { sent: 50_000, received: 50_000, duplicates: 0, overtakers: 0, lossRuns: 0 };
  const losing = (count: number, lossRuns = count) => ({ ...whole, received: 50_000 - count, lossRuns });

  test('loss of one in a hundred lies within 99 % of what chance does', () => {
    const topology = withWeather({ loss: { kind: 'bernoulli', probability: 0.01 } });
    // The deviation is √(50,000 × 0.01 × 0.99) = 22.2 packets; 2.58 of them are 57.
    for (const [lost, ok] of [
      [500, true],
      [556, true],
      [558, false],
      [444, true],
      [442, false],
    ] as const)
      expect(failed(trainChecks(topology, [0, 1], losing(lost), meter))).toEqual(ok ? [] : ['loss']);
  });

  test('losses in bursts may vary more, and must come in runs', () => {
    const topology = withWeather({
      loss: { kind: 'gilbert-elliott', p: 0.0025, r: 0.25, lossGood: 0, lossBad: 1 },
    });
    // One packet in a hundred, in runs of four: seven times the variance of independent loss.
    const mean = 50_000 * (0.0025 / 0.2525);
    expect(failed(trainChecks(topology, [0, 1], losing(Math.round(mean) + 140, 160), meter))).toEqual([]);
    expect(failed(trainChecks(topology, [0, 1], losing(Math.round(mean) + 170, 168), meter))).toEqual([
      'loss',
    ]);
    expect(failed(trainChecks(topology, [0, 1], losing(Math.round(mean)), meter))).toEqual([
      'loss, mean run',
    ]);
  });

  test('copies, overtaking and damage', () => {
    const topology = withWeather({ duplicate: 0.01, reorder: 0.02, corrupt: 0.01 });
    const good = { ...whole, received: 49_500, duplicates: 490, overtakers: 1000, lossRuns: 500 };
    const damaged = { overflowed: 0, damaged: 500 };
    expect(failed(trainChecks(topology, [0, 1], good, damaged))).toEqual([]);
    expect(failed(trainChecks(topology, [0, 1], { ...good, duplicates: 0 }, damaged))).toEqual(['duplicate']);
    expect(failed(trainChecks(topology, [0, 1], { ...good, overtakers: 1200 }, damaged))).toEqual([
      'reorder',
    ]);
    expect(failed(trainChecks(topology, [0, 1], good, meter))).toEqual(['loss', 'corrupt']);
  });

  test('what was not set may not happen, but what the meter missed did arrive', () => {
    expect(failed(trainChecks(calm, [0, 1], losing(20), meter))).toEqual(['loss']);
    expect(failed(trainChecks(calm, [0, 1], losing(20), { ...meter, overflowed: 20 }))).toEqual([]);
    expect(failed(trainChecks(calm, [0, 1], { ...whole, overtakers: 9, duplicates: 9 }, meter))).toEqual([
      'duplicate',
      'reorder',
    ]);
  });
});

test('lateness has a limit', () => {
  expect(latenessCheck({ count: 9, p50: 0, p99: 0.0019, max: 1 }).ok).toBe(true);
  expect(latenessCheck({ count: 9, p50: 0, p99: 0.0021, max: 1 }).ok).toBe(false);
});
