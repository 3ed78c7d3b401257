/** Sights of made-up traffic for tests of patterns: starts, and nothing else. */
import type { EventKind, EventSeries, Sight } from '../../src/detection/patterns/pattern.js';
import { Random } from '../../src/random.js';

/** 2023-11-14, not on a whole second. */
export const BEGIN = 1_700_000_000.25;

export function emptySight(seconds = 0): Sight {
  return {
    from: seconds === 0 ? 0 : BEGIN,
    to: seconds === 0 ? 0 : BEGIN + seconds,
    samplingRate: 1,
    events: { connections: [], records: [], bursts: [], day: [] },
    hosts: [],
    edges: [],
    packets: { missing: 'there are none' },
  };
}

export function sightOf(seconds: number, series: readonly EventSeries[], kinds: readonly EventKind[]): Sight {
  const events = Object.fromEntries(kinds.map((kind) => [kind, series]));
  const sight = emptySight(seconds);
  return { ...sight, events: { ...sight.events, ...events } };
}

/** A pair whose starts are so many seconds after the beginning, each of as many bytes as told. */
export function seriesAt(
  times: readonly number[],
  bytes: (index: number) => number = () => 1000,
): EventSeries {
  return {
    source: '10.0.0.1',
    destination: '10.0.0.2',
    starts: times.map((time) => BEGIN + time).sort((a, b) => a - b),
    bytes: times.map((_, index) => bytes(index)),
    openSeconds: times.length,
  };
}

/** Starts every `period` seconds with normal jitter. */
export function beacon(count: number, period: number, jitter = 0, seed = 1): EventSeries {
  const random = new Random(seed, 'beacon');
  return seriesAt(
    Array.from({ length: count }, (_, index) => (index + 0.5) * period + jitter * random.normal()),
  );
}

/** As many starts, at random moments of the time. */
export function poisson(count: number, seconds: number, seed = 1): EventSeries {
  const random = new Random(seed, 'poisson');
  const sizes = Array.from({ length: count }, () => 100 + random.integer(10_000));
  return seriesAt(
    Array.from({ length: count }, () => seconds * random.uniform()),
    (index) => sizes[index]!,
  );
}
