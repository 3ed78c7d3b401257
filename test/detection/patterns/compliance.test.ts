/** What every pattern promises, held against all that are registered. */
import { describe, expect, test } from 'vitest';
import { judge, MAX_FINDINGS } from '../../../src/detection/patterns/judge.js';
import type { EventKind, Sight } from '../../../src/detection/patterns/pattern.js';
import { eventTests, patterns } from '../../../src/detection/patterns/registry.js';
import { beacon, emptySight, poisson, seriesAt, sightOf } from '../../support/sights.js';

const KINDS: readonly EventKind[] = ['connections', 'records', 'bursts', 'day'];
const load = (address: string, packets: number) => {
  const sums = new Float64Array(60).fill(packets);
  const bytes = new Float64Array(60).fill(1500 * packets);
  const [packetsIn, packetsOut, bytesIn, bytesOut] = [sums, sums, bytes, bytes];
  return { address, binSeconds: 1, packetsIn, packetsOut, bytesIn, bytesOut, flows: sums };
};
const busy: Sight = {
  ...sightOf(7200, [beacon(120, 60, 0.5), poisson(200, 7200)], KINDS),
  hosts: [load('10.0.0.1', 10), load('10.0.0.2', 50_000)],
  edges: [
    ['10.0.0.1', '10.0.0.2'],
    ['10.0.0.2', '10.0.0.3'],
  ],
};
const sights: readonly (readonly [string, Sight])[] = [
  ['nothing at all', emptySight()],
  ['time without traffic', emptySight(3600)],
  ['one start', sightOf(60, [seriesAt([1])], KINDS)],
  ['many starts at one moment', sightOf(60, [seriesAt(new Array<number>(50).fill(3))], KINDS)],
  ['many starts, and no time', sightOf(0, [seriesAt(new Array<number>(50).fill(0))], KINDS)],
  [
    'no bytes',
    sightOf(
      3600,
      [
        seriesAt(
          [...Array(30).keys()].map((i) => 100 * i),
          () => 0,
        ),
      ],
      KINDS,
    ),
  ],
  ['a beacon and chance', busy],
];

test('ids are kebab case and unique, and all tests are registered', () => {
  const ids = patterns.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z]+(-[a-z0-9]+)*$/);
  for (const { id, kinds } of eventTests) for (const kind of kinds) expect(ids).toContain(`${id}-${kind}`);
});

test('only what asks how gaps and sizes are spread is shown a made-up day', () => {
  const onDay = patterns.filter(({ on }) => on === 'day').map(({ id }) => id);
  expect(onDay).toEqual(['rita-day', 'jitter-day', 'near-median-day']);
});

describe.each(patterns.map((pattern) => [pattern.id, pattern] as const))('%s', (_, pattern) => {
  test('says what it is', () => {
    for (const text of [pattern.title, pattern.origin]) expect(text).toMatch(/\S/);
  });

  test.each(sights)('%s', async (_name, sight) => {
    const { findings, threshold, note } = await pattern.examine(sight);
    expect(threshold).toMatch(/^(p ≤|≥|>) /);
    if (findings.length === 0) expect(note, 'a row without a score says why').toMatch(/\S/);
    for (const { subject, score, fires, why } of findings) {
      expect(subject).toMatch(/\S/);
      expect(why).toMatch(/\d/);
      expect(why).not.toMatch(/NaN|Infinity|undefined/);
      expect(score).toBeGreaterThanOrEqual(0);
      expect(score).toBeLessThan(Infinity);
      if (threshold.startsWith('p')) expect(fires).toBe(score <= Number(threshold.slice(4)) * 1.01);
    }
    const scores = findings.map(({ score }) => score);
    const strongestFirst = [...scores].sort((a, b) => (threshold.startsWith('p') ? a - b : b - a));
    expect(scores).toEqual(strongestFirst);
    expect(await pattern.examine(sight), 'the same again').toEqual({
      findings,
      threshold,
      ...(note === undefined ? {} : { note }),
    });
  });
});

test('all together: a beacon is found by every test of periods that can see it, chance by none', async () => {
  const rows = await judge(sightOf(7200, [beacon(120, 60, 0.5)], ['connections']));
  const firing = rows.filter(({ fires }) => fires).map(({ pattern }) => pattern);
  expect(firing).toEqual([
    'rita-connections',
    'fisher-scaled-connections',
    'walker-connections',
    'schuster-connections',
    'baywatch-connections',
    'jitter-connections',
    'near-median-connections',
  ]);
  const none = await judge(sightOf(7200, [poisson(120, 7200)], ['connections']));
  expect(none.filter(({ fires, pattern }) => fires && !pattern.startsWith('rita'))).toEqual([]);
});

test('rows name at most a hundred findings, and count them all', async () => {
  const many = Array.from({ length: 150 }, (_, index) => ({ ...beacon(120, 60), source: `10.1.0.${index}` }));
  const [row] = await judge(sightOf(7200, many, ['connections']));
  expect(row).toMatchObject({ examined: 150, firing: 150, fires: true });
  expect(row?.findings).toHaveLength(MAX_FINDINGS);
});
