/**
 * Same seed, same weights: the project's strongest test. A mesh of threads between shaped links must end with
 * the bits that one process computes without any network, whatever fabric it ran on; if packets were lost,
 * slices swapped, or a sum taken in another order, it shows here.
 */
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadScenario } from '../../src/scenario/index.js';
import type { ReferenceResult } from '../../src/training/index.js';
import { scratchFolder } from '../support/files.js';
import { completeRun, TINY, TINY_DDP } from '../support/meshbeat.js';
import { netns } from '../support/needs.js';
import { referenceOf } from '../support/reference.js';
import { describeIf } from '../support/requires.js';

const folder = scratchFolder();
const reference = (scenario: string, seed: number): Promise<ReferenceResult> =>
  referenceOf(loadScenario(scenario, { seed }));

async function expectAsReference(
  fabric: string,
  scenario: string,
  seed: number,
  ...sets: string[]
): Promise<void> {
  const expected = await reference(scenario, seed);
  const out = join(folder, basename(scenario, '.yaml'));
  const words = ['--fabric', fabric, '--seed', String(seed), ...sets.flatMap((set) => ['--set', set])];
  const { summary } = await completeRun(scenario, out, ...words);
  expect(summary).toMatchObject({ fabric, seed });
  expect(summary.training).toMatchObject(expected);
  // One hash among all nodes; the summary's is rank 0's.
  const hashes = summary.gate.checks.find(({ name }) => name === 'different final weights');
  expect(hashes).toMatchObject({ measured: 1, ok: true });
}

describe('a mesh of threads ends with the weights of one process', () => {
  test('diloco', () => expectAsReference('threads', TINY, 1));
  test('ddp, with another seed', () => expectAsReference('threads', TINY_DDP, 2));
});

describeIf(netns(), 'a mesh of namespaces ends with the weights of one process', () => {
  test('diloco', () => expectAsReference('netns', TINY, 1));
  test('ddp, with another seed, on links that lose packets', () =>
    expectAsReference('netns', TINY_DDP, 2, 'wan.loss=0.5 %', 'wan.jitter=2 ms'));
});

test.each([
  ['diloco', TINY],
  ['ddp', TINY_DDP],
])('%s: training helps, and another seed ends elsewhere', async (_, scenario) => {
  const [one, two] = [await reference(scenario, 1), await reference(scenario, 2)];
  expect(one.weightsSha256).not.toBe(two.weightsSha256);
  expect(one.finalLoss).toBeLessThan(one.initialLoss);
});
