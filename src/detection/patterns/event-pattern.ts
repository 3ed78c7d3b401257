/**
 * Patterns that look at the starts of events of one pair at a time: what is common to them.
 *
 * A test tells of one series its score, or in words why it has none. Here the pairs are walked through, the threshold is
 * set and the findings are sorted. A test that gives a probability is asked of many pairs at once, and one of a hundred
 * would fire by chance at 1 %; so its threshold is divided by the number of pairs (Bonferroni), as anyone has to do
 * who watches a network and not a pair.
 */
import { figure } from './pattern.js';
import type { EventKind, EventSeries, Examination, Finding, Pattern, Sight } from './pattern.js';

/** The chance of a false alarm that is accepted, over all pairs together. */
export const ALPHA = 0.01;

/** Pairs looked at; those with the most events. More would be a scan, and each costs time. */
export const MAX_PAIRS = 1000;

export interface Scored {
  readonly score: number;
  /** In words, with numbers, without the score. */
  readonly why: string;
}

export interface EventTest {
  readonly id: string;
  readonly title: string;
  readonly origin: string;
  /** Whether the score is a probability under chance, small where it fires; else it fires from `threshold` on. */
  readonly scale: 'probability' | { readonly threshold: number };
  /** Kinds of events that the test makes sense for. */
  readonly kinds: readonly EventKind[];
  /** The score of one series, or why it has none. Throws nothing. */
  score(series: EventSeries, sight: Sight): Scored | string;
}

/** The pattern that asks `test` of all pairs, for one kind of event. */
export function eventPattern(test: EventTest, kind: EventKind): Pattern {
  return {
    id: `${test.id}-${kind}`,
    title: test.title,
    on: kind,
    origin: test.origin,
    examine: (sight) => examine(test, sight.events[kind], sight),
  };
}

function examine(test: EventTest, all: readonly EventSeries[], sight: Sight): Examination {
  const pairs = [...all].sort((a, b) => b.starts.length - a.starts.length).slice(0, MAX_PAIRS);
  const scored: { series: EventSeries; result: Scored }[] = [];
  const reasons = new Map<string, number>();
  for (const series of pairs) {
    const result = test.score(series, sight);
    if (typeof result === 'string') reasons.set(result, (reasons.get(result) ?? 0) + 1);
    else scored.push({ series, result });
  }
  const isChance = test.scale === 'probability';
  const threshold = test.scale === 'probability' ? ALPHA / Math.max(1, scored.length) : test.scale.threshold;
  const findings = scored.map(({ series, result }): Finding => {
    const fires = isChance ? result.score <= threshold : result.score >= threshold;
    const subject = `${series.source} → ${series.destination}`;
    return { subject, score: result.score, fires, why: result.why };
  });
  findings.sort((a, b) => (isChance ? a.score - b.score : b.score - a.score));
  const note = noteOf(all.length, pairs.length, scored.length, reasons);
  return {
    findings,
    threshold: isChance ? `p ≤ ${figure(threshold)}` : `≥ ${threshold}`,
    ...(note === '' ? {} : { note }),
  };
}

/** Why fewer pairs have a score than there are. */
function noteOf(all: number, looked: number, scored: number, reasons: ReadonlyMap<string, number>): string {
  if (all === 0) return 'there are none';
  const notes = all > looked ? [`looked at the ${looked} of ${all} pairs with the most events`] : [];
  const [commonest] = [...reasons].sort((a, b) => b[1] - a[1]);
  if (commonest !== undefined) {
    const [reason, pairs] = commonest;
    notes.push(scored === 0 && pairs === looked ? reason : `${pairs} of ${looked} pairs: ${reason}`);
  }
  return notes.join('; ');
}
