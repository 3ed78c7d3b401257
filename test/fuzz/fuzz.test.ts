/**
 * A short run of the fuzzer over every target: its seeds, and a few hundred changed inputs from a fixed seed, without
 * guidance. `npm run fuzz` is the long one, which also notices what never comes back.
 */
import { describe, expect, test } from 'vitest';
import { allTargets, seedsOf } from './catalogue.js';
import { Engine } from './engine.js';
import type { FuzzTarget } from './target.js';

const RUNS = 400;
const targets = await allTargets();

describe.each(targets)('$name', (target) => {
  test('has seeds', () => {
    expect(seedsOf(target.name).length).toBeGreaterThan(0);
  });

  test('answers hostile input with an InputError, or reads it', async () => {
    const engine = new Engine(target, { seed: 1, seeds: seedsOf(target.name) });
    const findings = [...(await engine.start()), ...(await engine.batch(RUNS))];
    expect(findings.map(({ error }) => error)).toEqual([]);
  });
});

test('a target that breaks is found out, and what guides leads deeper', async () => {
  const deep: FuzzTarget = {
    name: 'deep',
    run(input) {
      const steps = [...'FUZZ'].findIndex((letter, index) => input[index] !== letter.charCodeAt(0));
      reached.add(`${steps}`);
      if (steps < 0) throw new Error('found');
    },
  };
  const reached = new Set<string>();
  const guidance = () => {
    const now = new Set(reached);
    reached.clear();
    return now;
  };
  const engine = new Engine(deep, { seed: 1, seeds: [new Uint8Array(4)], guidance });
  await engine.start();
  for (let batches = 0; batches < 2000; batches++) {
    const [finding] = await engine.batch();
    if (finding === undefined) continue;
    expect(Buffer.from(finding.input.subarray(0, 4)).toString()).toBe('FUZZ');
    return;
  }
  expect.fail('four letters, one after the other, were not found');
});
