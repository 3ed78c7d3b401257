/**
 * Weather without a network: 50,000 packets through a delay line, and what came of them against what was set. Intervals
 * are of 99 %; seeds are fixed, so a test that passes once passes always.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/random.js';
import {
  CALM,
  jitterDeviation,
  jitterMean,
  jitterQuantile,
  lossVariance,
  meanLoss,
  meanLossRun,
  type Jitter,
  type Loss,
  type Path,
} from '../../../src/scenario/index.js';
import { DelayLine, type Handling, type Queued } from '../../../src/wan/link/index.js';

const PACKETS = 50_000;
const DELAY = 0.05;
/** Half-width of an interval of 99 %, in standard deviations of a normal distribution. */
const CONFIDENCE = 2.576;
/** The same where six are to hold at once (Bonferroni). */
const CONFIDENCE_OF_SIX = 3.144;

interface Numbered extends Queued {
  readonly number: number;
  damaged: boolean;
}

const numbered = (number: number): Numbered => ({ bytes: 100, lane: 0, due: NaN, number, damaged: false });
const handling: Handling<Numbered> = {
  copy: (packet) => ({ ...packet }),
  damage: (packet) => (packet.damaged = true),
};

interface Passage {
  /** By number of the packet. */
  readonly kept: boolean[];
  readonly out: Numbered[];
}

/** Packets one after the other, `gap` seconds apart, through a path; 0.1 s apart jitter finds none to wait for. */
function through(path: Partial<Path>, count = PACKETS, gap = 100, seed = 1): Passage {
  const line = new DelayLine<Numbered>(
    [{ delay: DELAY, ...CALM, ...path }],
    new Random(seed, 'weather'),
    handling,
  );
  const out: Numbered[] = [];
  const kept = Array.from({ length: count }, (_, number) => {
    const now = number * gap;
    line.release(now, (packet) => out.push({ ...packet }));
    return line.accept(numbered(number), now);
  });
  line.release(Infinity, (packet) => out.push({ ...packet }));
  return { kept, out };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]) => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
};

/** Lengths of the runs of lost packets. */
function lossRuns(kept: readonly boolean[]): number[] {
  const runs: number[] = [];
  let length = 0;
  for (const one of [...kept, true]) {
    if (!one) length++;
    else if (length > 0) {
      runs.push(length);
      length = 0;
    }
  }
  return runs;
}

describe('loss', () => {
  test.each<[string, Loss]>([
    ['Bernoulli, 1 %', { kind: 'bernoulli', probability: 0.01 }],
    ['Bernoulli, 30 %', { kind: 'bernoulli', probability: 0.3 }],
    ['Gilbert', { kind: 'gilbert-elliott', p: 0.01, r: 0.25, lossGood: 0, lossBad: 1 }],
    ['Gilbert-Elliott', { kind: 'gilbert-elliott', p: 0.02, r: 0.1, lossGood: 0.005, lossBad: 0.6 }],
  ])('%s: its share and the mean length of its bursts are as set', (_, loss) => {
    const { kept } = through({ loss });
    const share = kept.filter((one) => !one).length / PACKETS;
    expect(Math.abs(share - meanLoss(loss))).toBeLessThan(
      CONFIDENCE * Math.sqrt(lossVariance(loss, PACKETS)),
    );
    const runs = lossRuns(kept);
    const standardError = deviation(runs) / Math.sqrt(runs.length);
    expect(Math.abs(mean(runs) - meanLossRun(loss))).toBeLessThan(CONFIDENCE * standardError);
  });

  test('the variance of a share is what many repetitions have', () => {
    const loss: Loss = { kind: 'gilbert-elliott', p: 0.05, r: 0.2, lossGood: 0.01, lossBad: 0.8 };
    const shares = Array.from(
      { length: 1000 },
      (_, seed) => through({ loss }, 200, 100, seed).kept.filter((one) => !one).length / 200,
    );
    expect(deviation(shares) / Math.sqrt(lossVariance(loss, 200))).toBeGreaterThan(0.94);
    expect(deviation(shares) / Math.sqrt(lossVariance(loss, 200))).toBeLessThan(1.06);
    expect(Math.abs(mean(shares) - meanLoss(loss))).toBeLessThan(
      CONFIDENCE * Math.sqrt(lossVariance(loss, 200) / 1000),
    );
  });

  const share = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  test('a simple Gilbert model has bursts of 1/r packets', () => {
    fc.assert(
      fc.property(share(0.001, 0.9), share(0.01, 1), (p, r) => {
        const loss: Loss = { kind: 'gilbert-elliott', p, r, lossGood: 0, lossBad: 1 };
        expect(meanLossRun(loss)).toBeCloseTo(1 / r, 6);
        expect(meanLoss(loss)).toBeCloseTo(p / (p + r), 9);
      }),
    );
  });
});

describe('jitter', () => {
  const measured = [0.4, -0.2, 3, 0.1, 0, 12.5].map((ms) => ms / 1000);
  test.each<[string, Jitter]>([
    ['uniform', { kind: 'uniform', halfWidth: 0.01 }],
    ['normal', { kind: 'normal', deviation: 0.005 }],
    ['trace', { kind: 'trace', file: 'x', variations: measured }],
  ])('%s: mean, deviation and quantiles of the delay are as set', (_, jitter) => {
    const { out } = through({ jitter });
    const variations = out.map(({ due, number }) => due - 100 * number - DELAY);
    const expected = jitterDeviation(jitter);
    expect(Math.abs(mean(variations) - jitterMean(jitter))).toBeLessThan(
      (CONFIDENCE * expected) / Math.sqrt(PACKETS),
    );
    expect(deviation(variations) / expected).toBeGreaterThan(0.98);
    expect(deviation(variations) / expected).toBeLessThan(1.02);
    expectQuantiles(jitter, variations);
  });

  test('Pareto: the mean and the quantiles far into the tail are as set', () => {
    // Its fourth moment does not exist, so the deviation of a sample tells nothing.
    const jitter: Jitter = { kind: 'pareto', deviation: 0.005 };
    const variations = through({ jitter }).out.map(({ due, number }) => due - 100 * number - DELAY);
    expect(Math.abs(mean(variations))).toBeLessThan((CONFIDENCE * 0.005) / Math.sqrt(PACKETS));
    expect(Math.min(...variations)).toBeGreaterThanOrEqual(jitterQuantile(jitter, 0) - 1e-9);
    expectQuantiles(jitter, variations);
    // Of a normal distribution none of 50,000 would be so far out.
    expect(Math.max(...variations)).toBeGreaterThan(10 * 0.005);
  });

  /** The share of packets below a quantile is that quantile's. */
  function expectQuantiles(jitter: Jitter, variations: readonly number[]): void {
    for (const share of [0.01, 0.1, 0.5, 0.9, 0.99, 0.999]) {
      const bound = jitterQuantile(jitter, share) + 1e-9;
      const below = variations.filter((one) => one <= bound).length / PACKETS;
      const error = CONFIDENCE_OF_SIX * Math.sqrt((share * (1 - share)) / PACKETS);
      expect(below).toBeGreaterThan(share - error);
      // A trace has steps: there what lies below may be more, by the share of one value.
      const step = jitter.kind === 'trace' ? 1 / jitter.variations.length : 0;
      expect(below).toBeLessThan(share + step + error);
    }
  }

  test.each<[string, Jitter]>([
    ['normal', { kind: 'normal', deviation: 0.01 }],
    ['pareto', { kind: 'pareto', deviation: 0.02 }],
  ])('%s keeps the order of packets that follow each other closely', (_, jitter) => {
    const { out } = through({ jitter }, 5000, 0.001);
    expect(out.map(({ number }) => number)).toEqual(Array.from({ length: 5000 }, (__, number) => number));
  });
});

describe('duplicates, reordering, corruption', () => {
  /** That a share is within the interval of as many independent trials. */
  const expectShare = (count: number, probability: number) =>
    expect(Math.abs(count / PACKETS - probability)).toBeLessThan(
      CONFIDENCE * Math.sqrt((probability * (1 - probability)) / PACKETS),
    );

  test('so many packets come twice, one right after the other', () => {
    const { out } = through({ duplicate: 0.03 }, PACKETS, 0.001);
    expectShare(out.length - PACKETS, 0.03);
    const numbers = out.map(({ number }) => number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(PACKETS);
  });

  test('so many packets overtake all that are on their way, and the others keep their order', () => {
    const { out } = through({ reorder: 0.02 }, PACKETS, 0.001);
    const early = out.filter(({ due, number }) => due < 0.001 * number + DELAY / 2);
    expectShare(early.length, 0.02);
    const others = out.filter((packet) => !early.includes(packet)).map(({ number }) => number);
    expect(others).toEqual(others.toSorted((a, b) => a - b));
    expect(out).toHaveLength(PACKETS);
    // It comes out before each of the 50 that set out in the 50 ms before.
    const place = out.indexOf(early[100]!);
    expect(out.slice(place + 1, place + 41).every(({ number }) => number < early[100]!.number)).toBe(true);
  });

  test('so many packets are damaged, and one whose path does that must be handled', () => {
    const { out } = through({ corrupt: 0.01 });
    expectShare(out.filter(({ damaged }) => damaged).length, 0.01);
    const path = { ...CALM, delay: 0, corrupt: 0.01 };
    expect(() => new DelayLine([path], new Random(1, 'x'))).toThrow(RangeError);
  });

  test('the same seed gives the same weather', () => {
    const path = { loss: { kind: 'bernoulli', probability: 0.1 }, duplicate: 0.1, reorder: 0.1 } as const;
    expect(through(path, 1000, 0.001)).toEqual(through(path, 1000, 0.001));
    expect(through(path, 1000, 0.001, 2)).not.toEqual(through(path, 1000, 0.001));
  });
});

test('another path holds for what sets out later', () => {
  const line = new DelayLine<Numbered>([{ delay: 1, ...CALM }], new Random(1, 'x'));
  const [first, second] = [numbered(1), numbered(2)];
  line.accept(first, 0);
  line.setPath(0, { delay: 0.1, ...CALM });
  line.accept(second, 0.5);
  // Order is kept, so the second waits for the first.
  expect([first.due, second.due]).toEqual([1, 1]);
  const third = numbered(3);
  line.accept(third, 2);
  expect(third.due).toBeCloseTo(2.1, 12);
  expect(() => line.setPath(1, { delay: 0, ...CALM })).toThrow(RangeError);
});
