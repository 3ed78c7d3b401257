/** RITA's score against RITA's own test vectors, every one, and in the corners that they leave out. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bimodalScore,
  binEdges,
  durationScore,
  frequencyCounts,
  histogramOf,
  variationScore,
} from '../../../src/detection/patterns/rita/histogram.js';
import {
  beaconScore,
  dataSizeScore,
  histogramScore,
  timestampScore,
  weightedScore,
} from '../../../src/detection/patterns/rita/score.js';
import {
  BEACON_THRESHOLDS,
  categoryOf,
  LONG_CONNECTION_THRESHOLDS,
  modifierOf,
  threatOf,
} from '../../../src/detection/patterns/rita/severity.js';
import {
  bowleySkewness,
  distinctCounts,
  medianAbsoluteDeviation,
  statisticalScore,
} from '../../../src/detection/patterns/rita/statistics.js';
import { fixture } from '../../support/fixtures.js';

type Vector = Readonly<Record<string, unknown>>;
const vectors = JSON.parse(readFileSync(fixture('rita/vectors.json'), 'utf8')) as Record<string, Vector[]>;

const numberOf = (vector: Vector, key: string): number => (vector[key] as number | undefined) ?? 0;
const listOf = (vector: Vector, key: string): number[] => (vector[key] as number[] | undefined) ?? [];
const mapOf = (value: unknown): Map<number, number> =>
  new Map(Object.entries(value as Record<string, number>).map(([key, count]) => [Number(key), count]));

/** RITA's tests compare numbers to within 0.001; lists and counts exactly. A list of edges is of numbers, too. */
type Result = Readonly<Record<string, number | readonly number[] | ReadonlyMap<number, number>>>;

/** For each function of RITA: what ours says, by the name of what RITA's test expects. */
const functions: Readonly<Record<string, (vector: Vector) => Result>> = {
  GetBeaconScore: (v) => {
    const part = (what: 'Score' | 'Weight') => ({
      timestamps: numberOf(v, `ts${what}`),
      sizes: numberOf(v, `ds${what}`),
      duration: numberOf(v, `dur${what}`),
      histogram: numberOf(v, `hist${what}`),
    });
    return { expectedScore: weightedScore(part('Score'), part('Weight')) };
  },
  GetTimestampScore: (v) => {
    const { score, skew, mad, distinct, counts, mode, modeCount } = timestampScore(listOf(v, 'tsList'));
    return {
      expectedScore: score,
      expectedSkew: skew,
      expectedMAD: mad,
      expectedUniqueIntervals: distinct,
      expectedUniqueIntervalCounts: counts,
      expectedTSMode: mode,
      expectedTSModeCount: modeCount,
    };
  },
  GetDataSizeScore: (v) => {
    const { score, skew, mad, distinct, counts, mode, modeCount } = dataSizeScore(listOf(v, 'bytesList'));
    return {
      expectedScore: score,
      expectedSkew: skew,
      expectedMAD: mad,
      expectedUniqueSizes: distinct,
      expectedUniqueSizeCounts: counts,
      expectedDSMode: mode,
      expectedDSModeCount: modeCount,
    };
  },
  CalculateStatisticalScore: (v) => {
    const { score, skew, mad } = statisticalScore(listOf(v, 'values'), numberOf(v, 'defaultMadScore'));
    return { expectedScore: score, expectedSkew: skew, expectedMAD: mad };
  },
  GetDurationScore: (v) => {
    const { coverage, consistency, score } = durationScore(
      { min: numberOf(v, 'datasetMin'), max: numberOf(v, 'datasetMax') },
      { min: numberOf(v, 'histMin'), max: numberOf(v, 'histMax') },
      { totalBars: numberOf(v, 'totalBars'), longestRun: numberOf(v, 'longestConsecutiveRun') },
      { minBars: numberOf(v, 'minHoursThreshold'), idealRun: numberOf(v, 'idealConsistencyHours') },
    );
    return { expectedCoverage: coverage, expectedConsistency: consistency, expectedScore: score };
  },
  GetHistogramScore: (v) => {
    const dataset = { min: numberOf(v, 'datasetMin'), max: numberOf(v, 'datasetMax') };
    const bins = numberOf(v, 'beaconTimeSpan');
    const { histogram, score } = histogramScore(dataset, listOf(v, 'tsList'), {
      bins,
      modeSensitivity: numberOf(v, 'modalSensitivity'),
      bimodalOutlierRemoval: numberOf(v, 'bimodalOutlierRemoval'),
      bimodalMinBars: numberOf(v, 'minHoursForBimodalAnalysis'),
    });
    return {
      expectedBinEdges: binEdges(dataset.min, dataset.max, bins),
      expectedHistogram: histogram.bars,
      expectedFreqCount: histogram.frequencies,
      expectedTotalBars: histogram.totalBars,
      expectedLongestRun: histogram.longestRun,
      expectedScore: score,
    };
  },
  CalculateBowleySkewness: (v) => {
    const { skew, score } = bowleySkewness(listOf(v, 'intervalsBetweenTimestamps'));
    return { expectedSkewness: skew, expectedSkewnessScore: score };
  },
  CalculateDistinctCounts: (v) => {
    const { distinct, counts, mode, modeCount } = distinctCounts(listOf(v, 'sortedInput'));
    return {
      expectedDistinct: distinct,
      expectedCounts: counts,
      expectedMode: mode,
      expectedMaxCount: modeCount,
    };
  },
  CalculateMedianAbsoluteDeviation: (v) => {
    const { mad, score } = medianAbsoluteDeviation(listOf(v, 'inputData'), numberOf(v, 'defaultScore'));
    return { expectedMAD: mad, expectedScore: score };
  },
  ComputeHistogramBins: (v) => ({
    expectedBinEdges: binEdges(numberOf(v, 'startTime'), numberOf(v, 'endTime'), numberOf(v, 'numBins')),
  }),
  CalculateCoefficientOfVariationScore: (v) => ({ expectedScore: variationScore(listOf(v, 'freqList')) }),
  CalculateBimodalFitScore: (v) => ({
    expectedScore: bimodalScore(
      mapOf(v['freqCount']),
      numberOf(v, 'totalBars'),
      numberOf(v, 'modalOutlierRemoval'),
      numberOf(v, 'minHoursForBimodalAnalysis'),
    ),
  }),
  CreateHistogram: (v) => {
    const { bars, frequencies, totalBars, longestRun } = histogramOf(
      listOf(v, 'binEdges'),
      listOf(v, 'tsList'),
      numberOf(v, 'modalSensitivity'),
    );
    return {
      expectedHistogram: bars,
      expectedFreqCount: frequencies,
      expectedTotalBars: totalBars,
      expectedLongestRun: longestRun,
    };
  },
  GetFrequencyCounts: (v) => {
    const { frequencies, totalBars, longestRun } = frequencyCounts(
      listOf(v, 'histogram'),
      numberOf(v, 'bimodalSensitivity'),
    );
    return { expectedCounts: frequencies, totalBars, longestRun };
  },
};

test('there are vectors for every function, and a function for all vectors', () => {
  expect(Object.keys(vectors).sort()).toEqual(Object.keys(functions).sort());
  expect(Object.values(vectors).flat()).toHaveLength(128);
});

describe.each(Object.entries(vectors))('%s', (name, list) => {
  test.each(list.map((vector) => [vector['name'] as string, vector] as const))('%s', (_, vector) => {
    const call = functions[name]!;
    if (vector['expectedError'] === true || vector['expectError'] === true) {
      expect(() => call(vector)).toThrow(RangeError);
      return;
    }
    for (const [key, value] of Object.entries(call(vector))) {
      const expected = vector[key] ?? 0;
      if (value instanceof Map) expect(value, key).toEqual(mapOf(expected));
      else if (Array.isArray(value) && key !== 'expectedBinEdges') expect(value, key).toEqual(expected);
      else {
        const pairs = [value, expected].map((one) => [one].flat() as number[]);
        expect(pairs[0]).toHaveLength(pairs[1]!.length);
        pairs[0]!.forEach((one, index) =>
          expect(Math.abs(one - pairs[1]![index]!), `${key}: ${one}`).toBeLessThanOrEqual(0.001),
        );
      }
    }
  });
});

describe('a whole score', () => {
  const day = { min: 1_700_000_000, max: 1_700_086_400 };

  test('a beacon every minute of a day is perfect', () => {
    const starts = Array.from({ length: 1440 }, (_, minute) => day.min + 60 * minute);
    const score = beaconScore(day, starts, new Array<number>(1440).fill(500));
    expect(score).toEqual({ score: 1, timestamps: 1, sizes: 1, histogram: 1, duration: 1 });
  });

  test('it lies between 0 and 1, whatever is scored, and does not ask in which order', () => {
    const connection = fc.tuple(fc.double({ min: day.min, max: day.max, noNaN: true }), fc.nat(1e9));
    fc.assert(
      fc.property(fc.array(connection, { minLength: 4, maxLength: 200 }), (connections) => {
        const scoreOf = (list: typeof connections) =>
          beaconScore(
            day,
            list.map(([start]) => start),
            list.map(([, bytes]) => bytes),
          );
        if (new Set(connections.map(([start]) => Math.floor(start))).size < 4) {
          expect(() => scoreOf(connections)).toThrow(RangeError);
          return;
        }
        const { score } = scoreOf(connections);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        expect(scoreOf([...connections].reverse()).score).toBe(score);
      }),
    );
  });
});

describe('severity', () => {
  test.each([
    [49.9, 0, 'none'],
    [50, 0.2, 'none'],
    [62.5, 0.3, 'low'],
    [75, 0.4, 'low'],
    [82.5, 0.5, 'medium'],
    [90, 0.6, 'medium'],
    [95, 0.7, 'high'],
    [100, 0.8, 'high'],
  ])('a beacon score of %d of 100', (value, threat, category) => {
    expect(threatOf(value, BEACON_THRESHOLDS)).toBeCloseTo(threat, 12);
    expect(categoryOf(threatOf(value, BEACON_THRESHOLDS))).toBe(category);
  });

  test('long connections count from an hour on, and from twelve no more', () => {
    expect(threatOf(3599, LONG_CONNECTION_THRESHOLDS)).toBe(0);
    expect(threatOf(3600, LONG_CONNECTION_THRESHOLDS)).toBeCloseTo(0.2, 12);
    expect(threatOf(48 * 3600, LONG_CONNECTION_THRESHOLDS)).toBeCloseTo(0.8, 12);
  });

  test('modifiers: rare and new raise, common and old lower', () => {
    expect(modifierOf({ prevalence: 0.02, daysSinceFirstSeen: 7, rareSignature: true })).toBeCloseTo(0.45);
    expect(modifierOf({ prevalence: 0.5, daysSinceFirstSeen: 30 })).toBeCloseTo(-0.3);
    expect(modifierOf({ prevalence: 0.1, daysSinceFirstSeen: 8 })).toBe(0);
  });
});
