/** Holds every pattern against one sight of traffic: the rows of the table. */
import type { EventKind, Finding, Pattern, Sight } from './pattern.js';
import { patterns as allPatterns } from './registry.js';

/** What one pattern made of the traffic. */
export interface Verdict {
  readonly pattern: string;
  readonly title: string;
  readonly on: Pattern['on'];
  readonly origin: string;
  readonly threshold: string;
  readonly fires: boolean;
  /** Pairs, hosts or graphs that have a score, and how many of them fire. */
  readonly examined: number;
  readonly firing: number;
  /** The strongest first, at most {@link MAX_FINDINGS}. */
  readonly findings: readonly Finding[];
  /** Why there is no score, or fewer than there could be; null if there is nothing to say. */
  readonly note: string | null;
}

/** Nobody reads more, and a document should fit a string. */
export const MAX_FINDINGS = 100;

/** @param kinds of events to be judged; patterns on hosts, graph and packets always are. */
export async function judge(
  sight: Sight,
  kinds: readonly EventKind[] = ['connections', 'records', 'bursts'],
  patterns: readonly Pattern[] = allPatterns,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const pattern of patterns) {
    const { id, title, on, origin } = pattern;
    if (isEvent(on) && !kinds.includes(on)) continue;
    const { findings, threshold, note } = await pattern.examine(sight);
    const firing = findings.filter(({ fires }) => fires).length;
    verdicts.push({
      pattern: id,
      title,
      on,
      origin,
      threshold,
      fires: firing > 0,
      examined: findings.length,
      firing,
      findings: findings.slice(0, MAX_FINDINGS),
      note: note ?? null,
    });
  }
  return verdicts;
}

function isEvent(on: Pattern['on']): on is EventKind {
  return on !== 'hosts' && on !== 'graph' && on !== 'packets';
}
