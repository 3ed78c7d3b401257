/** Nodes that run programs: beside training, and instead of it. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.js';
import {
  fillPlaceholders,
  isTraining,
  parseAnyScenario,
  parseScenario,
  scenarioToYaml,
  storePosition,
  topologyOf,
  type LoadOptions,
} from '../../src/scenario/index.js';
import { EXAMPLE, FILE, KEYS, PROGRAM_KEYS } from './example.js';

const PROGRAMS = `name: copies
duration: 30 s
nodes:
  - { name: server, region: us-east, uplink: 40 Mbit/s, exec: [./serve.sh, "{scenario}/data"] }
  - name: client
    count: 2
    region: eu-west
    uplink: 10 Mbit/s
    exec: [rsync, "--out={folder}", "rsync://{address:server}/"]
    kind: backup
    environment: { FROM: "{address}" }
    mayFail: true
`;
const BESIDE = EXAMPLE.replace(
  'nodes:\n',
  'nodes:\n  - { name: noise, region: us-east, uplink: 40 Mbit/s, exec: [iperf3, -s] }\n',
);

const refusal = (text: string, options: LoadOptions = {}): string => {
  try {
    parseAnyScenario(text, FILE, options);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return '';
};

describe('programs instead of training', () => {
  const scenario = parseAnyScenario(PROGRAMS, 'folder/copies.yaml');

  it('are hosts without a rank', () => {
    expect(isTraining(scenario)).toBe(false);
    const { nodes, hosts = [], paths } = topologyOf(scenario);
    expect(nodes).toEqual([]);
    expect(hosts.map(({ name, address }) => [name, address])).toEqual([
      ['server', '10.77.0.1'],
      ['client-0', '10.77.0.2'],
      ['client-1', '10.77.0.3'],
    ]);
    expect(paths).toHaveLength(3);
  });

  it('are told where the file is, and what they are called', () => {
    const [server, , client] = topologyOf(scenario).hosts ?? [];
    expect(server?.program).toEqual({
      exec: [path.resolve('folder/serve.sh'), path.resolve('folder/data')],
      kind: 'serve',
      environment: {},
      mayFail: false,
      index: 0,
    });
    expect(client?.program).toMatchObject({ kind: 'backup', mayFail: true, index: 1 });
  });

  it('are written so that they can be run again from elsewhere', () => {
    const again = parseAnyScenario(scenarioToYaml(scenario), '/elsewhere/scenario.yaml');
    expect(again).toEqual(scenario);
  });

  it('run as long as is set', () => {
    const shorter = parseAnyScenario(PROGRAMS, FILE, { sets: ['duration=10 s'] });
    expect(shorter).toMatchObject({ duration: 10 });
  });

  it('are refused where training is needed', () => {
    expect(() => parseScenario(PROGRAMS, FILE)).toThrow(/^example.yaml: found a scenario of programs only/);
  });
});

describe('programs beside training', () => {
  const scenario = parseScenario(BESIDE, FILE);

  it('come after the nodes, which keep their ranks', () => {
    const { nodes, hosts = [] } = topologyOf(scenario);
    expect(nodes.map(({ name, address }) => [name, address])).toEqual([
      ['us-east', '10.77.0.1'],
      ['eu-west', '10.77.0.2'],
    ]);
    expect(hosts).toMatchObject([{ name: 'noise', address: '10.77.0.3', program: { kind: 'iperf3' } }]);
    expect(storePosition(topologyOf(scenario))).toBeUndefined();
  });

  it('stay as many as they are when nodes are scaled', () => {
    const { nodes, hosts = [] } = topologyOf(parseScenario(BESIDE, FILE, { nodes: 6 }));
    expect([nodes.length, hosts.length]).toEqual([6, 1]);
  });
});

describe('what is wrong', () => {
  it.each<[string, string, string]>([
    [
      'a node without a program, where nobody trains',
      PROGRAMS.replace(', exec: [./serve.sh, "{scenario}/data"]', ''),
      `${FILE}:4: nodes.0.exec: found nothing; allowed: a program; or a protocol, pace and rounds for nodes that train, instead of a duration`,
    ],
    [
      'no duration',
      PROGRAMS.replace('duration: 30 s\n', ''),
      `${FILE}:1: duration: found nothing; allowed: a time above 0 with a unit (h, min, s, ms, us, ns), e.g. "500 ms"`,
    ],
    [
      'a duration beside training',
      `${EXAMPLE}duration: 30 s\n`,
      `${FILE}:13: duration: found an unknown key; allowed: ${KEYS}`,
    ],
    [
      'rounds without training',
      `${PROGRAMS}rounds: 3\n`,
      `${FILE}:13: rounds: found an unknown key; allowed: ${PROGRAM_KEYS}`,
    ],
    [
      'the address of nobody',
      PROGRAMS.replace('address:server', 'address:sever'),
      `${FILE}:9: nodes.1.exec.2: found the address of "sever", which no node is called; allowed: server, client-0, client-1 (did you mean server?)`,
    ],
    [
      'no program',
      PROGRAMS.replace('[./serve.sh, "{scenario}/data"]', '[]'),
      `${FILE}:4: nodes.0.exec: found a list of 0; allowed: a program and its arguments, each a text that is not empty; numbers in quotes`,
    ],
    [
      'a kind without a program',
      EXAMPLE.replace('uplink: 40 Mbit/s', 'uplink: 40 Mbit/s\n    kind: backup'),
      `${FILE}:10: nodes.0.kind: found "backup"; allowed: nothing without exec, the program that it says more of`,
    ],
    [
      'a name that a node has',
      BESIDE.replace('name: noise', 'name: eu-west'),
      `${FILE}:11: nodes.2.name: found "eu-west", a node of nodes.0 too; allowed: a name of its own for each node`,
    ],
    [
      'programs, and one node that trains',
      BESIDE.replace('region: eu-west', 'exec: [iperf3]\n    region: eu-west'),
      `${FILE}:7: nodes: found 1 node without exec; allowed: 2 to 1024 nodes in all`,
    ],
  ])('%s', (_, text, message) => {
    expect(refusal(text)).toBe(message);
  });

  it('--nodes, where nobody trains', () => {
    expect(refusal(PROGRAMS, { nodes: 4 })).toMatch(/^--nodes: found 4; allowed: nothing/);
  });
});

it('placeholders are filled in, and other braces left alone', () => {
  const values = {
    name: 'a',
    address: '10.77.0.1',
    index: 2,
    folder: '/tmp/x',
    shared: '/tmp/y',
    addresses: new Map([['b', '10.77.0.2']]),
  };
  const text = '{name} {address} {index} {folder} {shared} {address:b} {address:c} {other} ${name} {{}';
  expect(fillPlaceholders(text, values)).toBe(
    'a 10.77.0.1 2 /tmp/x /tmp/y 10.77.0.2 {address:c} {other} $a {{}',
  );
});
