/**
 * RITA's beacon score as a pattern; see rita/ for the formulas.
 *
 * It fires at a score of 0.5, where RITA begins to give a threat category; the words tell which. Its filter, which looks
 * at connections between an internal host and an external one only, is not applied: who opens a connection counts as
 * internal.
 */
import { beaconScore, MIN_STARTS, STROBE } from './rita/score.js';
import type { Range } from './rita/score.js';
import { BEACON_THRESHOLDS, categoryOf, threatOf } from './rita/severity.js';
import type { EventTest } from './event-pattern.js';
import { figure } from './pattern.js';
import type { EventSeries, Sight } from './pattern.js';

const DAY = 86_400;

export const rita: EventTest = {
  id: 'rita',
  title: 'RITA v5 beacon score',
  origin: 'activecm/rita v5, analysis/beacons.go; threat categories of config.go',
  scale: { threshold: BEACON_THRESHOLDS.base / 100 },
  kinds: ['connections', 'records', 'bursts', 'day'],
  score(series, sight) {
    const { starts, bytes } = lastDay(series, sight);
    if (starts.length >= STROBE) {
      return {
        score: 1,
        why: `a strobe: ${starts.length} starts within a day, and RITA scores fewer than ${STROBE}`,
      };
    }
    const distinct = new Set(starts.map(Math.floor)).size;
    if (distinct < MIN_STARTS) return `starts in fewer than ${MIN_STARTS} different seconds are not scored`;
    try {
      const score = beaconScore(datasetOf(series, sight), starts, bytes);
      const category = categoryOf(threatOf(100 * score.score, BEACON_THRESHOLDS));
      const parts = `times ${score.timestamps}, sizes ${score.sizes}, histogram ${score.histogram}, duration ${score.duration}`;
      return {
        score: score.score,
        why: `${starts.length} starts: ${parts}; threat category ${category}, median gap ${figure(medianGap(starts))} s`,
      };
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
  },
};

/** RITA takes 24 hours, and less if there is less. */
function datasetOf(series: EventSeries, sight: Sight): Range {
  const max = Math.max(sight.to, series.starts.at(-1)!);
  return { min: Math.max(sight.from, max - DAY), max };
}

function lastDay(series: EventSeries, sight: Sight): Pick<EventSeries, 'starts' | 'bytes'> {
  const { min } = datasetOf(series, sight);
  const first = series.starts.findIndex((start) => start >= min);
  return first <= 0 ? series : { starts: series.starts.slice(first), bytes: series.bytes.slice(first) };
}

function medianGap(starts: readonly number[]): number {
  const gaps = starts.slice(1).map((start, index) => start - starts[index]!);
  gaps.sort((a, b) => a - b);
  return gaps[gaps.length >> 1] ?? 0;
}
