/**
 * The last minutes of the run, for a page that is opened late: rates at every reading of the meters, and
 * when training began and how it ended.
 *
 * It hears the run's events like the board does, but where the board keeps the present, it keeps a ring of
 * the recent past. Rates are reckoned from the byte counters, so no byte is lost or shown twice, however the
 * readings and those who ask fall together.
 */
import type { RunEvent } from '../../src/run/events.js';
import { RateMeter } from '../rate-meter.js';
import type { WireEnd, WireSample } from './wire.js';

/** What the page may want to draw, seconds. */
export const HISTORY_SECONDS = 120;

export class History {
  #samples: WireSample[] = [];
  #meters: { readonly up: RateMeter; readonly down: RateMeter }[] = [];
  #trainingTime: number | null = null;
  #ended: WireEnd | null = null;

  apply(event: RunEvent): void {
    if (event.type === 'run') this.#clear();
    else if (event.type === 'training') this.#trainingTime = event.time;
    else if (event.type === 'ended') this.#ended = { failure: event.failure };
    else if (event.type === 'sample') this.#sample(event);
  }

  /** Readings later than a time, seconds since 1970; oldest first. */
  since(time: number): readonly WireSample[] {
    const first = this.#samples.findIndex((sample) => sample.time > time);
    return first < 0 ? [] : this.#samples.slice(first);
  }

  /** Of the newest reading; -Infinity before the first. */
  get newest(): number {
    return this.#samples.at(-1)?.time ?? -Infinity;
  }

  get trainingTime(): number | null {
    return this.#trainingTime;
  }

  get ended(): WireEnd | null {
    return this.#ended;
  }

  #clear(): void {
    this.#samples = [];
    this.#meters = [];
    this.#trainingTime = null;
    this.#ended = null;
  }

  #sample({ time, counters }: Extract<RunEvent, { type: 'sample' }>): void {
    if (time <= this.newest) return;
    // The first reading says where counters stand; it takes two to tell a rate.
    const isFirst = this.#meters.length !== counters.length;
    if (isFirst) {
      this.#samples = [];
      this.#meters = counters.map(() => ({ up: new RateMeter(), down: new RateMeter() }));
    }
    counters.forEach(({ egressBytes, ingressBytes }, rank) => {
      this.#meters[rank]!.up.read(time, egressBytes);
      this.#meters[rank]!.down.read(time, ingressBytes);
    });
    if (isFirst) return;
    const up = this.#meters.map((meter) => Math.round(meter.up.rate));
    const down = this.#meters.map((meter) => Math.round(meter.down.rate));
    this.#samples.push({ time, up, down });
    const tooOld = this.#samples.findIndex((sample) => sample.time >= time - HISTORY_SECONDS);
    this.#samples.splice(0, tooOld);
  }
}
