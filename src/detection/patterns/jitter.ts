/**
 * The rules of thumb that analysts write into searches: are the gaps between starts nearly equal?
 *
 * Two of them: the standard deviation of the gaps is at most a quarter of their mean, with five gaps or more; and at least
 * three of five gaps are within 30 % of their median, with twelve or more. Both are quick, and neither asks how likely
 * that is by chance.
 */
import type { EventTest } from './event-pattern.js';
import { figure } from './pattern.js';

export interface Gaps {
  readonly count: number;
  /** Standard deviation divided by mean. */
  readonly variation: number;
  readonly median: number;
  /** Share of gaps within 30 % of the median. */
  readonly near: number;
}

export function gapsOf(starts: readonly number[]): Gaps {
  const gaps = starts.slice(1).map((start, index) => start - starts[index]!);
  gaps.sort((a, b) => a - b);
  const count = gaps.length;
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / count;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / count;
  const middle = count >> 1;
  const median = count % 2 === 1 ? gaps[middle]! : (gaps[middle - 1]! + gaps[middle]!) / 2;
  const near = gaps.filter((gap) => Math.abs(gap - median) <= 0.3 * median).length / count;
  return { count, variation: Math.sqrt(variance) / mean, median, near };
}

const MIN_GAPS = 5;
const MAX_VARIATION = 0.25;
const MIN_GAPS_NEAR = 12;
const MIN_NEAR = 0.6;

export const jitterVariation: EventTest = {
  id: 'jitter',
  title: 'Jitter: gaps vary by a quarter at most',
  origin: 'a rule of thumb of threat hunters: 5 gaps, deviation ≤ 0.25 of the mean',
  scale: { threshold: 1 - MAX_VARIATION },
  kinds: ['connections', 'records', 'bursts', 'day'],
  score({ starts }) {
    if (starts.length <= MIN_GAPS) return `fewer than ${MIN_GAPS} gaps`;
    const { count, variation, median } = gapsOf(starts);
    if (!Number.isFinite(variation)) return 'all start at the same moment';
    return {
      score: Math.max(0, 1 - variation),
      why: `${count} gaps of ${figure(median)} s with a deviation of ${figure(variation)} of their mean`,
    };
  },
};

export const jitterNear: EventTest = {
  id: 'near-median',
  title: 'Jitter: 60 % of gaps near their median',
  origin: 'a rule of thumb of threat hunters: 12 gaps, 60 % within 30 % of the median',
  scale: { threshold: MIN_NEAR },
  kinds: ['connections', 'records', 'bursts', 'day'],
  score({ starts }) {
    if (starts.length <= MIN_GAPS_NEAR) return `fewer than ${MIN_GAPS_NEAR} gaps`;
    const { count, median, near } = gapsOf(starts);
    if (median === 0) return 'most start at the same moment';
    return {
      score: near,
      why: `${Math.round(100 * near)} % of ${count} gaps are within 30 % of ${figure(median)} s`,
    };
  },
};
