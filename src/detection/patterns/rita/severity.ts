/**
 * What RITA makes of a score: a category, and what else it knows of a pair that raises or lowers it.
 *
 * A raw value (a beacon score of 0 to 100, the seconds of a long connection) is laid between four thresholds; each
 * stretch between two of them is one category, and a fifth of the threat score. Modifiers are then added.
 *
 * Source: activecm/rita, analysis/analysis.go and config/config.go (v5), at its defaults.
 */

export interface Thresholds {
  readonly base: number;
  readonly low: number;
  readonly medium: number;
  readonly high: number;
}

/** Of beacon scores, times 100. */
export const BEACON_THRESHOLDS: Thresholds = { base: 50, low: 75, medium: 90, high: 100 };
/** Of the time that a pair's connections were open in all, seconds. */
export const LONG_CONNECTION_THRESHOLDS: Thresholds = {
  base: 3600,
  low: 4 * 3600,
  medium: 8 * 3600,
  high: 12 * 3600,
};
/** What a strobe counts as. */
export const STROBE_THREAT = 0.8;

export type Category = 'none' | 'low' | 'medium' | 'high';

/** 0 below the base; then 0.2 to 0.8, linear between each two thresholds. */
export function threatOf(value: number, { base, low, medium, high }: Thresholds): number {
  if (value < base) return 0;
  if (value < low) return 0.2 + (0.2 * (value - base)) / (low - base);
  if (value < medium) return 0.4 + (0.2 * (value - low)) / (medium - low);
  return 0.6 + (0.2 * (Math.min(value, high) - medium)) / (high - medium);
}

/** The word that RITA shows for a threat score. */
export function categoryOf(threat: number): Category {
  // A score of exactly two fifths is "low", whichever way its sum was rounded.
  const grain = 1e-9;
  if (threat > 0.6 + grain) return 'high';
  if (threat > 0.4 + grain) return 'medium';
  return threat > 0.2 + grain ? 'low' : 'none';
}

export interface Circumstances {
  /** Share of the network's hosts that talk to this destination. */
  readonly prevalence: number;
  readonly daysSinceFirstSeen: number;
  /** RITA's third: a client whose TLS or HTTP fingerprint is seldom seen. Needs payload. */
  readonly rareSignature?: boolean;
}

/** What is added to a threat score: ±0.15 each. */
export function modifierOf({ prevalence, daysSinceFirstSeen, rareSignature }: Circumstances): number {
  let sum = rareSignature === true ? 0.15 : 0;
  if (prevalence <= 0.02) sum += 0.15;
  else if (prevalence >= 0.5) sum -= 0.15;
  if (daysSinceFirstSeen <= 7) sum += 0.15;
  else if (daysSinceFirstSeen >= 30) sum -= 0.15;
  return sum;
}
