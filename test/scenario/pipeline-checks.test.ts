/** What a pipeline asks of the rest of a scenario. */
import { expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/index.js';
import { FILE, refusal } from './example.js';

const scenario = (protocol: string, rest = 'training: { batch: 8 }') => `name: example
rounds: 2
pace: 500 ms
protocol: { kind: pipeline, ${protocol} }
${rest}
model: { layers: 6, width: 32, heads: 2 }
nodes:
  - { region: us-east, count: 4, uplink: 40 Mbit/s }
`;

it.each([
  'stages: 4, microbatches: 8',
  'stages: 2, microbatches: 1, schedule: gpipe',
  'stages: 2, microbatches: 4, schedule: interleaved, chunks: 3',
  'stages: 2, microbatches: 4, schedule: zb-h1, innerSteps: 3, outer: {}',
  'stages: 4, microbatches: 4, activations: { kind: subspace, rank: 32 }',
  'stages: 4, microbatches: 4, activations: { kind: int8 }, compression: { kind: int8 }',
])('allows %s', (protocol) => {
  expect(parseScenario(scenario(protocol), FILE).protocol.kind).toBe('pipeline');
});

const place = `${FILE}:4: protocol`;
it.each<[string, string, string]>([
  [
    'nodes that do not make whole pipelines',
    scenario('stages: 3, microbatches: 4'),
    `${place}.stages: found 3; allowed: a divisor of 4, the nodes in all`,
  ],
  [
    'more stages than layers',
    scenario('stages: 8, microbatches: 4').replace('count: 4', 'count: 8'),
    `${place}.stages: found 8; allowed: at most 6 in all, since each has at least one of the model's layers`,
  ],
  [
    'more chunks than layers',
    scenario('stages: 4, microbatches: 4, schedule: interleaved, chunks: 2'),
    `${place}.stages: found 4 of 2 chunks each; allowed: at most 6 in all, since each has at least one of the model's layers`,
  ],
  [
    'chunks without interleaving',
    scenario('stages: 2, microbatches: 4, schedule: 1f1b, chunks: 2'),
    `${place}.chunks: found 2; allowed: 1 with schedule 1f1b; more with interleaved only`,
  ],
  [
    'interleaving of a single chunk',
    scenario('stages: 2, microbatches: 4, schedule: interleaved'),
    `${place}.chunks: found 1; allowed: at least 2 with schedule interleaved`,
  ],
  [
    'interleaving that does not divide',
    scenario(
      'stages: 4, microbatches: 6, schedule: interleaved, chunks: 2',
      'training: { batch: 6 }',
    ).replace('layers: 6', 'layers: 8'),
    `${place}.microbatches: found 6; allowed: with schedule interleaved, a multiple of 4, the stages in a row`,
  ],
  [
    'sequences that microbatches do not divide',
    scenario('stages: 4, microbatches: 3'),
    `${place}.microbatches: found 3; allowed: a divisor of 8, training.batch`,
  ],
  [
    'inner steps without an outer one',
    scenario('stages: 2, microbatches: 4, innerSteps: 5'),
    `${place}.innerSteps: found 5; allowed: 1, or more with protocol.outer, which makes it DiLoCo`,
  ],
  [
    'a subspace that is none',
    scenario('stages: 2, microbatches: 4, activations: { kind: subspace, rank: 33 }'),
    `${place}.activations.rank: found 33; allowed: at most 32, the width of the model`,
  ],
  [
    'a pipeline of one node',
    scenario('stages: 1, microbatches: 4'),
    `${place}.stages: found 1; allowed: an integer from 2 to 64`,
  ],
])('refuses %s', (_, text, message) => {
  expect(refusal(text)).toBe(message);
});

it('refuses a sparse compression, which can not be summed on the way', () => {
  const message = refusal(scenario('stages: 2, microbatches: 4, compression: { kind: top-k }'));
  expect(message).toContain(`${place}.compression.kind: found "top-k"; allowed: `);
});

it('refuses another number of nodes that does not make whole pipelines', () => {
  expect(refusal(scenario('stages: 4, microbatches: 4'), { nodes: 6 })).toBe(
    '--nodes 6: protocol.stages: found 4; allowed: a divisor of 6, the nodes in all',
  );
});
