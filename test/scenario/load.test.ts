/** Wrong scenario files: each error names file, line, path, what was found and what is allowed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import { loadScenario, parseScenario } from '../../src/scenario/index.js';
import { EXAMPLE, FILE, KEYS, refusal } from './example.js';

const bent = (from: string, to: string) => {
  expect(EXAMPLE).toContain(from);
  return EXAMPLE.replace(from, to);
};

it('fills in every default', () => {
  const scenario = parseScenario(EXAMPLE, FILE);
  expect(scenario).toMatchObject({
    seed: 1,
    pace: 0.5,
    protocol: { kind: 'diloco', outer: { learningRate: 0.7, momentum: 0.9 }, slice: 65536 },
    nodes: [
      { name: 'us-east', uplink: 40e6, downlink: 40e6 },
      { name: 'eu-west', uplink: 10e6, downlink: 20e6 },
    ],
    wan: { loss: { kind: 'bernoulli', probability: 0 }, queue: { seconds: 0.2 } },
    regions: { local: 0.0005, delays: {} },
  });
});

it('takes an inner optimizer without a kind for AdamW', () => {
  const innerOf = (inner: string) =>
    parseScenario(`${EXAMPLE}training: { inner: ${inner} }`, FILE).training.inner;
  const adamw = parseScenario(EXAMPLE, FILE).training.inner;
  expect(adamw).toMatchObject({ kind: 'adamw', learningRate: 0.002, beta2: 0.95 });
  expect(innerOf('{}')).toEqual(adamw);
  expect(innerOf('{ learningRate: 0.001 }')).toEqual({ ...adamw, learningRate: 0.001 });
  expect(innerOf('{ kind: adamw }')).toEqual(adamw);
  expect(innerOf('{ kind: sgd }')).toEqual({ kind: 'sgd', learningRate: 0.1 });
});

describe('one wrong thing', () => {
  it.each<[string, string, string]>([
    [
      'an unknown key',
      bent('rounds: 2', 'rounds: 2\nsede: 3'),
      `${FILE}:3: sede: found an unknown key; allowed: ${KEYS} (did you mean seed?)`,
    ],
    [
      'an unknown key that resembles nothing',
      bent('uplink: 40 Mbit/s', 'uplink: 40 Mbit/s\n    xyz: 1'),
      `${FILE}:10: nodes.0.xyz: found an unknown key; allowed: name, count, region, uplink, downlink, congestion, genre, exec, kind, environment, mayFail`,
    ],
    [
      'a key of another protocol',
      bent('kind: diloco', 'kind: ddp'),
      `${FILE}:6: protocol.innerSteps: found an unknown key; allowed: kind, collective, compression, slice`,
    ],
    [
      'a wrong unit',
      bent('40 Mbit/s', '40 Mbps'),
      `${FILE}:9: nodes.0.uplink: found "40 Mbps"; allowed: a rate above 0 with a unit (Gbit/s, Mbit/s, kbit/s, bit/s, GB/s, MB/s, kB/s, B/s), e.g. "40 Mbit/s", or a map with trace, the name of a file in mahimahi's format`,
    ],
    [
      'no unit',
      bent('500 ms', '500'),
      `${FILE}:3: pace: found 500; allowed: a time above 0 with a unit (h, min, s, ms, us, ns), e.g. "500 ms"`,
    ],
    [
      'rate 0',
      bent('40 Mbit/s', '0 Mbit/s'),
      `${FILE}:9: nodes.0.uplink: found "0 Mbit/s"; allowed: a rate above 0 with a unit (Gbit/s, Mbit/s, kbit/s, bit/s, GB/s, MB/s, kB/s, B/s), e.g. "40 Mbit/s", or a map with trace, the name of a file in mahimahi's format`,
    ],
    [
      'a loss of all packets',
      `${EXAMPLE}wan: { loss: 100 % }\n`,
      `${FILE}:13: wan.loss: found "100 %"; allowed: at least 0 % and below 100 %, e.g. "0.1 %", or a plain number of at least 0 and below 1, or a map with kind bernoulli or gilbert-elliott`,
    ],
    [
      'a region without a delay',
      bent('region: eu-west', 'region: eu-weast'),
      `${FILE}:10: nodes.1.region: found "eu-weast", a region without delays; allowed: us-west, us-central, us-east, ca-central, sa-east, eu-west, eu-central, eu-north, me-central, af-south, ap-south, ap-southeast, ap-northeast, au-east (did you mean eu-west?); or add regions.delays "us-east--eu-weast: 20 ms"`,
    ],
    [
      'a pair of regions without a delay',
      `${EXAMPLE}  - { region: mars, uplink: 1 kbit/s }\nregions: { delays: { mars--us-east: 4 min } }\n`,
      `${FILE}:13: nodes.2.region: found "mars", without a delay to "eu-west"; allowed: a region with a delay to every other; add regions.delays "eu-west--mars: 20 ms"`,
    ],
    [
      'a delay for a region where no node is',
      `${EXAMPLE}regions:\n  delays:\n    us-east--eu-wset: 9 ms\n`,
      `${FILE}:15: regions.delays.us-east--eu-wset: found "eu-wset", where no node is; allowed: us-east, eu-west, us-west, us-central, ca-central, sa-east, eu-central, eu-north, me-central, af-south, ap-south, ap-southeast, ap-northeast, au-east (did you mean eu-west?)`,
    ],
    [
      'a delay key that is no pair',
      `${EXAMPLE}regions:\n  delays:\n    us-east: 9 ms\n`,
      `${FILE}:15: regions.delays.us-east: found a key of another form; allowed: a pair of regions, e.g. "us-east--eu-west", or "us-east->eu-west" for one way`,
    ],
    [
      'two delays for a pair',
      `${EXAMPLE}regions:\n  delays:\n    us-east--eu-west: 9 ms\n    eu-west--us-east: 8 ms\n`,
      `${FILE}:16: regions.delays.eu-west--us-east: found a second delay for us-east--eu-west; allowed: one delay for a pair; it holds both ways`,
    ],
    [
      'a delay from a region to itself',
      `${EXAMPLE}regions:\n  delays:\n    us-east--us-east: 9 ms\n`,
      `${FILE}:15: regions.delays.us-east--us-east: found one region twice; allowed: two regions; within a region, regions.local holds`,
    ],
    [
      '1 node',
      EXAMPLE.split('\n').slice(0, 9).join('\n'),
      `${FILE}:7: nodes: found 1 node; allowed: 2 to 1024 nodes in all`,
    ],
    [
      'no node',
      `${EXAMPLE.split('\n').slice(0, 6).join('\n')}\nnodes: []\n`,
      `${FILE}:7: nodes: found a list of 0; allowed: 2 to 1024 nodes in all`,
    ],
    [
      'too many nodes',
      EXAMPLE +
        ['a', 'b', 'c', 'd', 'e']
          .map((name) => `  - { name: ${name}, region: us-west, uplink: 1 kbit/s, count: 256 }\n`)
          .join(''),
      `${FILE}:7: nodes: found 1282 nodes; allowed: 2 to 1024 nodes in all`,
    ],
    [
      'two nodes of one name',
      bent('region: eu-west', 'region: eu-west\n    name: us-east'),
      `${FILE}:11: nodes.1.name: found "us-east", a node of nodes.0 too; allowed: a name of its own for each node`,
    ],
    [
      'H = 0',
      bent('innerSteps: 4', 'innerSteps: 0'),
      `${FILE}:6: protocol.innerSteps: found 0; allowed: an integer from 1 to 100000`,
    ],
    [
      'an unknown protocol',
      bent('kind: diloco\n  innerSteps: 4', 'kind: dilico'),
      `${FILE}:5: protocol.kind: found "dilico"; allowed: "diloco" or "ddp" or "streaming" or "noloco" or "object-store" or "pipeline"`,
    ],
    [
      'a missing key',
      bent('rounds: 2\n', ''),
      `${FILE}:1: rounds: found nothing; allowed: an integer from 1 to 100000`,
    ],
    [
      'an empty value',
      bent('rounds: 2', 'rounds:'),
      `${FILE}:2: rounds: found an empty value; allowed: an integer from 1 to 100000`,
    ],
    [
      'heads that do not divide the width',
      `${EXAMPLE}model:\n  width: 100\n  heads: 3\n`,
      `${FILE}:15: model.heads: found 3; allowed: a divisor of model.width`,
    ],
    [
      'a genre without genre shards',
      bent('region: eu-west', 'region: eu-west\n    genre: humor'),
      `${FILE}:11: nodes.1.genre: found "humor"; allowed: no genre, unless data.shards is genres`,
    ],
    [
      'an unknown genre',
      `data: { shards: genres }\n${bent('region: eu-west', 'region: eu-west\n    genre: humour')}`,
      `${FILE}:12: nodes.1.genre: found "humour"; allowed: press-reportage, press-editorial, press-reviews, religion, hobbies, lore, belles-lettres, government, learned, fiction-general, mystery, science-fiction, adventure, romance, humor (did you mean humor?)`,
    ],
    [
      'a jitter above a delay',
      `${EXAMPLE}wan: { jitter: 50 ms }\n`,
      `${FILE}:13: wan.jitter: found 50 ms; allowed: at most 41.5 ms, the smallest delay between two nodes`,
    ],
    [
      'a list where a map belongs',
      bent('protocol:\n  kind: diloco\n  innerSteps: 4', 'protocol: [1, 2]'),
      `${FILE}:4: protocol: found a list of 2; allowed: a map with kind "diloco" or "ddp" or "streaming" or "noloco" or "object-store" or "pipeline", and the keys of that kind`,
    ],
    [
      'a key of an inner optimizer that is not the one by default',
      bent('rounds: 2', 'rounds: 2\ntraining: { inner: { rate: 0.1 } }'),
      `${FILE}:3: training.inner.rate: found an unknown key; allowed: kind, learningRate, beta1, beta2, epsilon, weightDecay`,
    ],
    [
      'a value behind an alias',
      `${bent('name: example', 'name: &it example').replace('innerSteps: 4', 'innerSteps: 4\n  slice: *it')}`,
      `${FILE}:7: protocol.slice: found "example"; allowed: a whole number of bytes with a unit (GiB, MiB, KiB, GB, MB, kB, B), e.g. "64 KiB", or a plain number of bytes`,
    ],
  ])('%s', (_, text, message) => {
    expect(refusal(text)).toBe(message);
  });
});

describe('no YAML', () => {
  it.each<[string, string, RegExp]>([
    [
      'an open list',
      bent('rounds: 2', 'rounds: [2'),
      /^example\.yaml:3:1: .*Flow sequence.*; allowed: valid YAML/m,
    ],
    [
      'a tab',
      'name: x\nwan:\n\tloss: 1\n',
      /^example\.yaml:3:1: Tabs are not allowed as indentation; allowed: valid/,
    ],
    [
      'a key twice',
      `${EXAMPLE}rounds: 3\n`,
      /^example\.yaml:13:1: Map keys must be unique; allowed: valid YAML/,
    ],
    [
      'two documents',
      `${EXAMPLE}---\na: 1\n`,
      /^example\.yaml:\d+:\d+: .*multiple documents.*; allowed: .*one document/,
    ],
    ['an unknown tag', bent('2', '!foo 2'), /^example\.yaml:2:9: Unresolved tag: !foo; allowed: valid YAML/],
    [
      'an unknown anchor',
      bent('2', '*two'),
      /^example\.yaml:2: Unresolved alias .*; allowed: at most 100 aliases/,
    ],
    [
      'an empty file',
      '',
      /^example\.yaml:1: the whole document: found an empty value; allowed: a map with name,/,
    ],
    ['a word', 'hello', /^example\.yaml:1: the whole document: found "hello"; allowed: a map with name,/],
  ])('%s', (_, text, message) => expect(refusal(text)).toMatch(message));
});

it('lists every problem at once, each with its own line', () => {
  const text = bent('rounds: 2', 'rounds: -1\nsede: 1').replace('10 Mbit/s', 'fast');
  const places = refusal(text)
    .split('\n')
    .map((line) => line.split(': found')[0]);
  expect(places.sort()).toEqual([`${FILE}:12: nodes.1.uplink`, `${FILE}:2: rounds`, `${FILE}:3: sede`]);
});

it('escapes what could disturb a terminal, and shortens what is long', () => {
  const message = refusal(`"\\e[31m\\nred": 1\n${bent('40 Mbit/s', 'x'.repeat(1000))}`);
  expect(message).toContain(`${FILE}:1: "\\u001b[31m\\nred": found an unknown key`);
  expect(message).toContain(`found "${'x'.repeat(59)}…;`);
});

it('shares what an anchor names without sharing what --set changes', () => {
  const text = `name: example
rounds: 2
pace: 1 s
protocol: { kind: ddp }
nodes:
  - &one { name: a, region: us-east, uplink: 1 Mbit/s }
  - { name: b, region: us-west, uplink: 2 Mbit/s }
  - *one
`;
  expect(refusal(text)).toContain('nodes.2.name: found "a", a node of nodes.0 too');
  const { nodes } = parseScenario(text, FILE, { sets: ['nodes.2.name=c'] });
  expect(nodes.map((node) => node.name)).toEqual(['a', 'b', 'c']);
});

describe('bounds', () => {
  it.each<[string, string, RegExp]>([
    [
      'many words',
      '- '.repeat(20_000),
      /^example\.yaml: found a larger document than any scenario; allowed: 32768/,
    ],
    ['many keys', Array.from({ length: 2e4 }, (_, i) => `k${i}:`).join('\n'), /found a larger document/],
    ['deep flow', '['.repeat(10_000), /^example\.yaml: found deeper nesting; allowed: 32 levels$/],
    ['deep block', '- '.repeat(5000), /^example\.yaml: found deeper nesting; allowed: 32 levels$/],
    ['many aliases', `- &a x\n${'- *a\n'.repeat(5000)}`, /^example\.yaml: found more aliases; allowed: 100$/],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((k, i) => `${k}: &${k} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]\n`).join('')}`,
      /^example\.yaml:2: Excessive alias count .*; allowed: at most 100 aliases/,
    ],
    ['an anchor within itself', 'a: &a [*a]', /a: found an unknown key/],
  ])('%s', (_, text, message) => expect(refusal(text)).toMatch(message));
});

describe('files', () => {
  let folder: string;
  const at = (name: string, content: string | Buffer) => {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    return file;
  };
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'meshbeat-scenario-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('loads from disk', () => expect(loadScenario(at('good.yaml', EXAMPLE)).name).toBe('example'));

  it('names a missing file', () =>
    expect(() => loadScenario('no/such.yaml')).toThrow(
      new InputError(
        'no/such.yaml: found no such file; allowed: a scenario file, e.g. scenarios/diloco.yaml',
      ),
    ));

  it('names a directory', () =>
    expect(() => loadScenario(folder)).toThrow(`${folder}: found a directory; allowed`));

  it('refuses more than 1 MiB, and reads exactly 1 MiB', () => {
    const padded = (size: number) => EXAMPLE + '#'.repeat(size - EXAMPLE.length);
    expect(loadScenario(at('full.yaml', padded(2 ** 20))).rounds).toBe(2);
    expect(() => loadScenario(at('huge.yaml', padded(2 ** 20 + 1)))).toThrow(
      /huge\.yaml: found more than 1 MiB/,
    );
  });

  it('refuses what is no UTF-8', () =>
    expect(() => loadScenario(at('latin.yaml', Buffer.from([0x6e, 0xe9])))).toThrow(
      /not UTF-8; allowed: UTF-8/,
    ));
});
