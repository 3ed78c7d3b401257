/**
 * Writes the made-up traces that scenarios/weather-mobile.yaml plays: `node scripts/traces.mjs [FOLDER]`.
 *
 * They are no measurements. The uplink is a phone's as one imagines it: its rate wanders between 2 and 24 Mbit/s in
 * steps of 100 ms (a random walk of its logarithm), and every few seconds a handover silences it for 0.1 to 0.4 s. The
 * jitter is a skewed one: mostly a few tenths of a millisecond, now and then ten. From fixed seeds, so that the
 * same files come out each time. Traces of real networks in the same formats can take their place, such as those that
 * mahimahi ships with.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const folder = process.argv[2] ?? path.join(import.meta.dirname, '..', 'scenarios', 'traces');
const SECONDS = 10;
const STEP = 0.1;
const [SLOWEST, FASTEST] = [2e6, 24e6];
const PACKET_BITS = 8 * 1500;

/** Uniform numbers in [0, 1): Mulberry32 (T. Ettinger, 2017). */
function uniform(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** In mahimahi's format: the milliseconds at which a packet may leave. */
function cellUplink() {
  const random = uniform(5);
  const lines = [];
  let logRate = Math.log(10e6);
  let silentUntil = 0;
  let packets = 0;
  for (let step = 0; step < 1000 * SECONDS; step++) {
    const time = step / 1000;
    if (step % Math.round(STEP / 0.001) === 0) {
      logRate += 0.5 * (random() - 0.5);
      logRate = Math.min(Math.log(FASTEST), Math.max(Math.log(SLOWEST), logRate));
      if (random() < 0.03) silentUntil = time + 0.1 + 0.3 * random();
    }
    if (time >= silentUntil) packets += (0.001 * Math.exp(logRate)) / PACKET_BITS;
    for (; packets >= 1; packets--) lines.push(step + 1);
  }
  if (lines.at(-1) < 1000 * SECONDS) lines.push(1000 * SECONDS);
  return lines;
}

/** Milliseconds that a packet takes longer than the least it takes. */
function wirelessJitter() {
  const random = uniform(11);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: 400 }, () => Math.min(15, 0.4 * Math.exp(1.1 * normal())).toFixed(3));
}

mkdirSync(folder, { recursive: true });
writeFileSync(
  path.join(folder, 'cell-uplink.trace'),
  cellUplink()
    .map((line) => `${line}\n`)
    .join(''),
);
writeFileSync(
  path.join(folder, 'wireless-jitter.txt'),
  `# Milliseconds beyond the least delay; made up by scripts/traces.mjs.\n${wirelessJitter().join('\n')}\n`,
);
