/**
 * A day of bursts, made of the few that were seen: for tools that judge 24 hours and are shown a run of a minute.
 *
 * The bursts are repeated end to end, the last one a median gap before the first one again, until the day is full. Time
 * may be stretched first, since a run is compressed: real training beats every ten minutes or so, an emulated one every
 * few seconds. So the day is a supposition (that it goes on like that), and only tests that ask how gaps and sizes are
 * spread may be shown it. A test for periods would find that of the repetition.
 */
import type { EventSeries } from './pattern.js';

const DAY_SECONDS = 86_400;
/** As many as RITA keeps of one pair. */
const MAX_EVENTS = 86_400;

/** @param stretch each second becomes so many. */
export function dayOf(series: EventSeries, stretch: number): EventSeries | undefined {
  const { starts, bytes } = series;
  if (starts.length < 2) return undefined;
  const first = starts[0]!;
  const gaps = starts.slice(1).map((start, index) => start - starts[index]!);
  const cycle = stretch * (starts.at(-1)! - first + gaps.sort((a, b) => a - b)[gaps.length >> 1]!);
  if (!(cycle > 0)) return undefined;
  const day = { starts: [] as number[], bytes: [] as number[] };
  for (let begin = 0; ; begin += cycle) {
    for (let index = 0; index < starts.length; index++) {
      const since = begin + stretch * (starts[index]! - first);
      if (since > DAY_SECONDS || day.starts.length >= MAX_EVENTS) {
        return { ...series, ...day, openSeconds: 0 };
      }
      day.starts.push(first + since);
      day.bytes.push(bytes[index]!);
    }
  }
}
