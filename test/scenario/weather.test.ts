/** Weather in scenario files: its forms, what they come to on each path, traces, and what is wrong with them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import {
  CALM,
  loadScenario,
  meanRate,
  OPPORTUNITY_BYTES,
  parseScenario,
  pathRate,
  scenarioToYaml,
  topologyOf,
  withTracesBeside,
} from '../../src/scenario/index.js';
import { checkFabric } from '../../src/scenario/fabric-checks.js';
import { parseRateTrace, parseVariations } from '../../src/scenario/traces.js';
import { scratchFolder } from '../support/files.js';
import { EXAMPLE, FILE, refusal } from './example.js';

const wanOf = (wan: object) => parseScenario(stringify({ ...(parse(EXAMPLE) as object), wan }), FILE).wan;
const pathsOf = (rest: string) => topologyOf(parseScenario(`${EXAMPLE}${rest}`, FILE)).paths;

describe('the forms of jitter and loss', () => {
  it.each([
    ['2 ms', { kind: 'uniform', halfWidth: 0.002 }, '2 ms'],
    ['0 s', { kind: 'none' }, '0 s'],
    [{ kind: 'uniform', halfWidth: '2 ms' }, { kind: 'uniform', halfWidth: 0.002 }, '2 ms'],
    [
      { kind: 'normal', deviation: '1 ms' },
      { kind: 'normal', deviation: 0.001 },
      { kind: 'normal', deviation: '1 ms' },
    ],
    [
      { kind: 'pareto', deviation: '1 ms' },
      { kind: 'pareto', deviation: 0.001 },
      { kind: 'pareto', deviation: '1 ms' },
    ],
  ])('jitter %j', (written, read, again) => {
    const { jitter } = wanOf({ jitter: written });
    expect(jitter).toEqual(read);
    const scenario = parseScenario(
      stringify({ ...(parse(EXAMPLE) as object), wan: { jitter: written } }),
      FILE,
    );
    expect((parse(scenarioToYaml(scenario)) as { wan: object }).wan).toMatchObject({ jitter: again });
  });

  it.each([
    ['0.1 %', { kind: 'bernoulli', probability: 0.001 }, '0.1 %'],
    [0.5, { kind: 'bernoulli', probability: 0.5 }, '50 %'],
    [{ kind: 'bernoulli', probability: '1 %' }, { kind: 'bernoulli', probability: 0.01 }, '1 %'],
    [
      { kind: 'gilbert-elliott', p: '1 %', r: '25 %' },
      { kind: 'gilbert-elliott', p: 0.01, r: 0.25, lossGood: 0, lossBad: 1 },
      { kind: 'gilbert-elliott', p: '1 %', r: '25 %', lossGood: '0 %', lossBad: '100 %' },
    ],
  ])('loss %j', (written, read, again) => {
    const scenario = parseScenario(
      stringify({ ...(parse(EXAMPLE) as object), wan: { loss: written } }),
      FILE,
    );
    expect(scenario.wan.loss).toEqual(read);
    expect((parse(scenarioToYaml(scenario)) as { wan: object }).wan).toMatchObject({ loss: again });
  });

  it('can be set from the command line, one value at a time', () => {
    const sets = ['wan.loss.kind=gilbert-elliott', 'wan.loss.p=1 %', 'wan.loss.r=0.5', 'wan.jitter=1 ms'];
    expect(parseScenario(EXAMPLE, FILE, { sets }).wan).toMatchObject({
      loss: { kind: 'gilbert-elliott', p: 0.01, r: 0.5 },
      jitter: { kind: 'uniform', halfWidth: 0.001 },
    });
  });
});

describe('weather between regions', () => {
  const wan = 'wan: { loss: 1 %, duplicate: 2 % }\n';
  const of = (weather: string) => pathsOf(`${wan}regions: { weather: { ${weather} } }\n`);
  const bernoulli = (probability: number) => ({ kind: 'bernoulli', probability });

  it('takes the place of what wan says, property by property', () => {
    const paths = of('us-east--eu-west: { loss: 5 %, corrupt: 1 % }');
    for (const one of [paths[0]![1], paths[1]![0]])
      expect(one).toMatchObject({ loss: bernoulli(0.05), corrupt: 0.01, duplicate: 0.02, reorder: 0 });
    expect(paths[0]![0]).toMatchObject({ ...CALM, loss: bernoulli(0.01), duplicate: 0.02 });
  });

  it('may be that of one way, which goes before that of both', () => {
    const paths = of('us-east->eu-west: { loss: 5 % }, eu-west--us-east: { loss: 3 %, reorder: 1 % }');
    expect(paths[0]![1]).toMatchObject({ loss: bernoulli(0.05), reorder: 0.01 });
    expect(paths[1]![0]).toMatchObject({ loss: bernoulli(0.03), reorder: 0.01 });
  });

  it('and so may a delay', () => {
    const paths = pathsOf('regions: { delays: { us-east--eu-west: 40 ms, eu-west->us-east: 55 ms } }\n');
    expect([paths[0]![1]!.delay, paths[1]![0]!.delay]).toEqual([0.04, 0.055]);
    const one = pathsOf('regions: { delays: { eu-west->us-east: 55 ms } }\n');
    expect([one[0]![1]!.delay, one[1]![0]!.delay]).toEqual([0.0415, 0.055]);
  });
});

describe('shared queues', () => {
  const nodes = ['us-east', 'us-east', 'eu-west', 'ap-south'].map((region, index) => ({
    ...{ name: `n${index}`, region, uplink: '100 Mbit/s' },
  }));
  const bottlenecks = [
    { name: 'site', region: 'us-east', rate: '50 Mbit/s' },
    { name: 'cable', between: 'us-east--eu-west', rate: '20 Mbit/s', queue: '64 KiB' },
  ];
  const scenario = parseScenario(
    stringify({ ...(parse(EXAMPLE) as object), nodes, regions: { bottlenecks } }),
    FILE,
  );
  const topology = topologyOf(scenario);

  it('are two queues each, one for each direction, on the paths that they belong to', () => {
    const names = topology.bottlenecks!.map(({ name }) => name);
    const [out, into, there, back] = names.keys();
    expect(names).toEqual([
      ...['site from us-east', 'site to us-east'],
      ...['cable us-east->eu-west', 'cable eu-west->us-east'],
    ]);
    expect(topology.bottlenecks![there!]).toMatchObject({ rate: 20e6, queue: { bytes: 65536 } });
    expect(topology.bottlenecks![out!]!.queue).toEqual({ seconds: 0.2 });
    const on = (from: number, to: number) => topology.paths[from]![to]!.bottlenecks;
    expect([on(0, 2), on(2, 1), on(1, 3), on(3, 1)]).toEqual([[out, there], [back, into], [out], [into]]);
    expect([on(0, 1), on(2, 3)]).toEqual([undefined, undefined]);
  });

  it('are part of the rate of a path', () => {
    expect([pathRate(topology, 0, 2), pathRate(topology, 0, 3), pathRate(topology, 2, 3)]).toEqual([
      20e6, 50e6, 100e6,
    ]);
  });

  it('go with the regions that a smaller mesh no longer has', () => {
    const smaller = parseScenario(
      stringify({ ...(parse(EXAMPLE) as object), nodes, regions: { bottlenecks } }),
      FILE,
      { nodes: 2 },
    );
    expect(smaller.regions.bottlenecks.map(({ name }) => name)).toEqual(['site']);
  });
});

const folder = scratchFolder();
const file = (name: string, text: string): string => {
  const at = path.join(folder, name);
  mkdirSync(path.dirname(at), { recursive: true });
  writeFileSync(at, text);
  return at;
};

describe('traces', () => {
  const traced = EXAMPLE.replace('uplink: 10 Mbit/s', 'uplink: { trace: traces/up.trace }');

  it('are read from beside the scenario, and a link has their mean rate', () => {
    file('traces/up.trace', '2\n2\n6\n10\n');
    file('traces/late.txt', '# measured\n0.5\n\n-0.25 # early\n3\n');
    const scenario = loadScenario(
      file('one.yaml', `${traced}wan: { jitter: { kind: trace, file: traces/late.txt } }\n`),
    );
    const { nodes, paths } = topologyOf(scenario);
    expect(nodes[1]).toMatchObject({
      uplink: (8 * OPPORTUNITY_BYTES * 4) / 0.01,
      uplinkTrace: { file: 'traces/up.trace', opportunities: [2, 2, 6, 10] },
      downlink: 20e6,
    });
    expect(paths[0]![1]!.jitter).toMatchObject({ kind: 'trace', variations: [0.0005, -0.00025, 0.003] });
  });

  it('lie beside the scenario of a run, which loads to the same network', () => {
    file('traces/up.trace', '2\n2\n6\n10\n');
    file('other/up.trace', '5\n');
    file('traces/late.txt', '0.5\n-0.25\n0.123456\n');
    const text = `${traced.replace('40 Mbit/s', '{ trace: other/up.trace }')}wan: { jitter: { kind: trace, file: traces/late.txt } }\n`;
    const scenario = loadScenario(file('one.yaml', text));
    const beside = withTracesBeside(scenario);
    expect(beside.files.map(({ name }) => name)).toEqual([
      'trace-up.trace',
      'trace-2-up.trace',
      'trace-late.txt',
    ]);
    for (const { name, text: content } of beside.files) file(`run/${name}`, content);
    const again = loadScenario(file('run/scenario.yaml', scenarioToYaml(beside.scenario)));
    const bare = (value: unknown) =>
      JSON.stringify(value, (key, one: unknown) => (key === 'file' ? undefined : one));
    expect(bare(topologyOf(again))).toBe(bare(topologyOf(scenario)));
    // And from there once more, under the same names.
    expect(scenarioToYaml(withTracesBeside(again).scenario)).toBe(scenarioToYaml(beside.scenario));
  });

  it('of any numbers are read back as they are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1e9, max: 1e9 }), { minLength: 1, maxLength: 50 }),
        (nanoseconds) => {
          const text = nanoseconds.map(
            (ns) =>
              `${ns < 0 ? '-' : ''}${Math.floor(Math.abs(ns) / 1e6)}.${String(Math.abs(ns) % 1e6).padStart(6, '0')}\n`,
          );
          expect(parseVariations(text.join(''), 'x')).toEqual(nanoseconds.map((ns) => Number(`${ns}e-9`)));
        },
      ),
    );
    expect(meanRate({ file: 'x', opportunities: parseRateTrace('0\n1\n1\n', 'x') })).toBe(
      3 * 8 * 1514 * 1000,
    );
  });

  it.each([
    ['1\n2\nthree\n', 'x.trace:3: found "three"; allowed: a whole number of milliseconds'],
    ['1\n\n', 'x.trace:2: found ""; allowed: a whole number of milliseconds'],
    ['5\n4\n', 'x.trace:2: found 4 after 5; allowed: times that do not go back'],
    [
      '0\n0\n',
      'x.trace: found a trace that lasts 0 ms; allowed: lines of milliseconds, the last of which is the length of the trace',
    ],
    ['1.5\n', 'x.trace:1: found "1.5"; allowed: a whole number of milliseconds'],
  ])('refuses a rate of %j', (text, message) => {
    expect(() => parseRateTrace(text, 'x.trace')).toThrow(message);
  });

  it.each([
    ['1\n1 ms\n', 'x.txt:2: found "1 ms"; allowed: a number of milliseconds, e.g. 1.5 or -0.25'],
    ['# nothing\n\n', 'x.txt: found no number; allowed: a number of milliseconds in each line'],
  ])('refuses variations of %j', (text, message) => {
    expect(() => parseVariations(text, 'x.txt')).toThrow(message);
  });

  it('that are not there are a problem of the scenario, at its line', () => {
    const at = file('missing.yaml', EXAMPLE.replace('uplink: 10 Mbit/s', 'uplink: { trace: gone.trace }'));
    expect(() => loadScenario(at)).toThrow(
      `${at}:11: nodes.1.uplink.trace: found "gone.trace", no such file; allowed: a text file, its name relative to ${folder}`,
    );
  });

  it('that ship are what their script makes', () => {
    expect(readFileSync('scenarios/traces/cell-uplink.trace', 'utf8').split('\n').length).toBeGreaterThan(
      1000,
    );
    const { opportunities } = topologyOf(loadScenario('scenarios/weather-mobile.yaml')).nodes[1]!
      .uplinkTrace!;
    expect(opportunities.at(-1)).toBe(10_000);
  });
});

describe('what is wrong', () => {
  it.each([
    [
      'wan: { jitter: soon }\n',
      `${FILE}:13: wan.jitter: found "soon"; allowed: a time of at least 0 with a unit, e.g. "2 ms", or a map with kind uniform, normal, pareto or trace`,
    ],
    [
      'wan: { jitter: { kind: normal } }\n',
      `${FILE}:13: wan.jitter.deviation: found nothing; allowed: a time above 0 with a unit (h, min, s, ms, us, ns), e.g. "500 ms"`,
    ],
    [
      'wan: { jitter: { kind: poisson } }\n',
      `${FILE}:13: wan.jitter.kind: found "poisson"; allowed: "uniform" or "normal" or "pareto" or "trace"`,
    ],
    [
      'wan: { jitter: { kind: normal, deviation: 1 ms, tail: 2 } }\n',
      `${FILE}:13: wan.jitter.tail: found an unknown key; allowed: kind, deviation`,
    ],
    [
      'wan: { loss: { kind: gilbert-elliott, p: 1 % } }\n',
      `${FILE}:13: wan.loss.r: found nothing; allowed: from 0 % to 100 %, e.g. "60 %", or a plain number from 0 to 1`,
    ],
    [
      'wan: { loss: { kind: gilbert-elliott, p: 1 %, r: 0 } }\n',
      `${FILE}:13: wan.loss.r: found 0; allowed: above 0 %, or a path that became bad would stay so`,
    ],
    [
      'wan: { reorder: 100 % }\n',
      `${FILE}:13: wan.reorder: found "100 %"; allowed: at least 0 % and below 100 %, e.g. "0.1 %", or a plain number of at least 0 and below 1`,
    ],
    [
      'wan: { jitter: { kind: normal, deviation: 20 ms } }\n',
      `${FILE}:13: wan.jitter: found normal, which shortens a delay by up to 80 ms; allowed: at most 41.5 ms, the smallest delay between two nodes`,
    ],
    [
      'regions:\n  weather:\n    us-east--eu-west: { jitter: 50 ms }\n',
      `${FILE}:15: regions.weather.us-east--eu-west.jitter: found 50 ms; allowed: at most 41.5 ms, the smallest delay of these paths`,
    ],
    [
      'regions:\n  weather:\n    us-east--eu-west: { loss: 1 % }\n    eu-west--us-east: { loss: 2 % }\n',
      `${FILE}:16: regions.weather.eu-west--us-east: found a second entry for us-east--eu-west; allowed: one entry for a pair; it holds both ways`,
    ],
    [
      'regions:\n  weather:\n    us-east=>eu-west: { loss: 1 % }\n',
      `${FILE}:15: regions.weather."us-east=>eu-west": found a key of another form; allowed: a pair of regions, e.g. "us-east--eu-west", or "us-east->eu-west" for one way`,
    ],
    [
      'regions:\n  bottlenecks:\n    - { name: x, rate: 1 Mbit/s }\n',
      `${FILE}:15: regions.bottlenecks.0: found neither region nor between; allowed: one of the two, region or between`,
    ],
    [
      'regions:\n  bottlenecks:\n    - { name: x, rate: 1 Mbit/s, region: us-west }\n',
      `${FILE}:15: regions.bottlenecks.0.region: found "us-west", where no node is; allowed: us-east, eu-west (did you mean us-east?)`,
    ],
    [
      'regions:\n  bottlenecks:\n    - { name: x, rate: 1 Mbit/s, between: us-east->eu-west }\n',
      `${FILE}:15: regions.bottlenecks.0.between: found "us-east->eu-west"; allowed: a pair of regions, e.g. "us-east--eu-west"`,
    ],
    [
      'regions:\n  bottlenecks:\n    - { name: x, rate: 1 Mbit/s, region: us-east }\n    - { name: x, rate: 1 Mbit/s, region: eu-west }\n',
      `${FILE}:16: regions.bottlenecks.1.name: found "x" again; allowed: a name of its own for each shared queue`,
    ],
  ])('%j', (rest, message) => {
    expect(refusal(`${EXAMPLE}${rest}`)).toBe(message);
  });

  it('a congestion control that there is not', () => {
    expect(refusal(EXAMPLE.replace('uplink: 10 Mbit/s', 'congestion: vegas\n    uplink: 10 Mbit/s'))).toBe(
      `${FILE}:11: nodes.1.congestion: found "vegas"; allowed: cubic, reno, bbr`,
    );
  });
});

describe('what a fabric cannot do', () => {
  const text = `${EXAMPLE.replace('uplink: 10 Mbit/s', 'congestion: bbr\n    uplink: 10 Mbit/s')}wan: { reorder: 1 % }
regions:
  weather: { us-east--eu-west: { corrupt: 2 %, loss: { kind: gilbert-elliott, p: 1 %, r: 50 % } } }
  bottlenecks: [{ name: x, region: us-east, rate: 1 Mbit/s }]
`;

  it('is refused with its line, and nothing else is', () => {
    expect(refusal(text, { fabric: 'threads' }).split('\n')).toEqual([
      `${FILE}:14: wan.reorder: found 1 %; allowed: 0 % on threads, where a byte stream is shaped and there are no packets`,
      `${FILE}:16: regions.weather.us-east--eu-west.corrupt: found 2 %; allowed: 0 % on threads, where a byte stream is shaped and there are no packets`,
      `${FILE}:17: regions.bottlenecks: found a list of 1; allowed: none on threads, where no packets are shaped`,
      `${FILE}:11: nodes.1.congestion: found "bbr"; allowed: none on threads, whose nodes speak no TCP over the WAN`,
    ]);
    expect(refusal(text, { fabric: 'containers' })).toBe(
      `${FILE}:17: regions.bottlenecks: found a list of 1; allowed: none with containers, each of which shapes for itself`,
    );
    expect(checkFabric(parseScenario(text, FILE), 'netns')).toEqual([]);
  });
});
