/** What a compression asks of its own settings. */
import { expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/index.js';
import { FILE, refusal } from './example.js';

const scenario = (compression: string, protocol = 'ddp') => `name: example
rounds: 2
pace: 500 ms
protocol:
  kind: ${protocol}
  compression: ${compression}
nodes:
  - { region: us-east, count: 2, uplink: 40 Mbit/s }
`;

it.each([
  '{ kind: top-k, chunk: 64, keep: 64 }',
  '{ kind: top-k }',
  '{ kind: dct-sign, chunk: 1, keep: 1 }',
  '{ kind: dct-sign, chunk: 4096 }',
  '{ kind: e3m0, block: 7, rounding: stochastic, errorFeedback: true }',
])('allows %s', (compression) => {
  expect(parseScenario(scenario(compression), FILE).protocol.kind).toBe('ddp');
});

const place = `${FILE}:6: protocol.compression`;
it.each<[string, string, string]>([
  [
    'more kept than there are',
    scenario('{ kind: top-k, chunk: 32 }'),
    `${place}.keep: found 64; allowed: at most 32, the elements of a chunk (protocol.compression.chunk)`,
  ],
  [
    'a transform of no power of two',
    scenario('{ kind: dct-sign, chunk: 48 }'),
    `${place}.chunk: found 48; allowed: a power of two, from 1 to 4096`,
  ],
  [
    'a setting of another compression',
    scenario('{ kind: int8, block: 64 }'),
    `${place}.block: found an unknown key; allowed: kind, rounding, errorFeedback`,
  ],
])('refuses %s', (_, text, expected) => {
  expect(refusal(text)).toContain(expected);
});

it('refuses a sparse compression where slices are merged on their way', () => {
  const text = scenario('{ kind: top-k }', 'streaming, innerSteps: 4, fragments: 2').replace(
    'protocol:\n  kind: streaming, innerSteps: 4, fragments: 2\n',
    'protocol:\n  { kind: streaming, innerSteps: 4, fragments: 2,\n',
  );
  expect(refusal(text.replace('{ kind: top-k }', '{ kind: top-k } }'))).toContain(
    'protocol.compression.kind',
  );
});
