/**
 * The whole zoo: every scenario that ships, shrunken to a few seconds, on every fabric there is. Whatever the
 * protocol, a mesh must end with the bits that one process computes without any network, and its capture must hold
 * the bytes that its schedules promise.
 *
 * Scenarios are taken from the folder, so a new one is tested without a line here. All but two: diloco-32 shows
 * nothing but the size of its mesh, for which this is not the place; mixed has programs, see background.test.ts.
 *
 * A scenario that a fabric refuses, as threads refuse tunnels, is run on the others.
 *
 * Two runs share the machine here, so what the gate says of time is not asked.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkFabric, type FabricName } from '../../src/scenario/fabric-checks.js';
import { loadScenario, type Scenario } from '../../src/scenario/index.js';
import { scratchFolder } from '../support/files.js';
import { completeRun, PROJECT } from '../support/meshbeat.js';
import { all, netns, tools } from '../support/needs.js';
import { referenceOf } from '../support/reference.js';
import { describeIf } from '../support/requires.js';

const LEFT_OUT = ['diloco-32.yaml', 'mixed.yaml'];
/** Beginnings of the names of checks that no machine is too busy for. */
const BEYOND_TIME = ['captured TCP payload', 'different final weights'];

const folder = scratchFolder();
const scenarios = readdirSync(join(PROJECT, 'scenarios'))
  .filter((file) => file.endsWith('.yaml'))
  .filter((file) => !LEFT_OUT.includes(file));

/**
 * As few and short steps as the protocol allows, of a model with fewer layers, since it is compiled for each device;
 * protocol, compression and persona stay. There is no TLS, whatever a persona has: so little is sent here that its
 * handshakes would be a good part of it.
 */
function shrunken({ protocol }: Scenario): string[] {
  const layers = (least: number) => `model.layers=${Math.max(2, least)}`;
  // A round of ddp is a single step.
  const rounds = protocol.kind === 'ddp' ? 4 : 2;
  const sets = [
    `rounds=${rounds}`,
    'pace=150 ms',
    'outerPace=50 ms',
    'model.context=16',
    'transport.tls=false',
    'gate.attempts=1',
  ];
  // What is left of a few of 64 elements of a narrower model would be less than the handshakes.
  const isSparse = 'compression' in protocol && protocol.compression.kind === 'top-k';
  if (!isSparse) sets.push('model.width=64');
  switch (protocol.kind) {
    case 'ddp':
      return [...sets, layers(1)];
    case 'diloco':
    case 'noloco':
      return [...sets, layers(1), 'protocol.innerSteps=2'];
    case 'streaming': {
      const { fragments } = protocol;
      return [...sets, layers(fragments), `protocol.innerSteps=${2 * fragments}`, 'protocol.delay=1'];
    }
    case 'object-store':
      return [...sets, layers(1), 'protocol.innerSteps=2', 'protocol.windowSteps=4'];
    case 'pipeline':
      sets.push(layers(protocol.stages * protocol.chunks));
      return protocol.outer ? [...sets, 'protocol.innerSteps=2'] : sets;
  }
}

async function expectAsReference(file: string, fabrics: readonly string[]): Promise<void> {
  const path = join(PROJECT, 'scenarios', file);
  const sets = shrunken(loadScenario(path));
  const words = sets.flatMap((set) => ['--set', set]);
  const [expected, ...runs] = await Promise.all([
    referenceOf(loadScenario(path, { sets })),
    ...fabrics.map((fabric) =>
      completeRun(path, join(folder, `${file}-${fabric}`), '--fabric', fabric, ...words),
    ),
  ]);
  expect(runs.map(({ summary }) => summary.fabric)).toEqual(fabrics);
  for (const { summary } of runs) {
    expect(summary.training).toMatchObject(expected);
    for (const name of BEYOND_TIME) {
      const check = summary.gate.checks.find((one) => one.name.startsWith(name));
      expect(check, `${summary.fabric}: ${name}`).toMatchObject({ ok: true });
    }
  }
}

/** Whether a fabric can do what a scenario asks for: packets' weather, for one, is not for byte streams. */
const canRun = (file: string, fabric: FabricName): boolean =>
  checkFabric(loadScenario(join(PROJECT, 'scenarios', file)), fabric).length === 0;

/** A run mostly waits for its links, so a scenario's runs are made at once. */
const zoo = (...fabrics: FabricName[]) => {
  const cases = scenarios
    .map((file) => ({ file, able: fabrics.filter((fabric) => canRun(file, fabric)) }))
    .filter(({ able }) => able.length > 0);
  test.each(cases)('$file', ({ file, able }) => expectAsReference(file, able));
};

test('no scenario is refused by threads but those that need packets', () => {
  const refused = scenarios.filter((file) => !canRun(file, 'threads'));
  expect(refused).toEqual(expect.arrayContaining(['weather-shared.yaml', 'weather.yaml']));
  expect(refused).not.toContain('weather-mobile.yaml');
  expect(scenarios.filter((file) => !canRun(file, 'netns'))).toEqual([]);
});

const obstacle = netns();
if (obstacle !== undefined) describe('every protocol on threads', () => zoo('threads'));
describeIf(
  all(obstacle, tools('wg', 'wireguard-go', 'openvpn')),
  'every protocol on threads and between namespaces',
  () => zoo('threads', 'netns'),
);
