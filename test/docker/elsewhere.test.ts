/**
 * A node on another machine, as far as one machine can show it: two Docker networks, routed to each other as
 * two hosts would be, each container on one network only. The node elsewhere is started with `docker run`,
 * finds the orchestrator at a published port, and has the join token by hand, as docs/containers.md tells.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { RunSummary, TraceHeader } from '../../src/run/files.js';
import { loadScenario, topologyOf, withAddresses } from '../../src/scenario/index.js';
import {
  BUILD_LIMIT_MS,
  call,
  docker,
  dockerNeeds,
  IMAGE,
  imagesReady,
  tunDevice,
} from '../support/docker.js';
import { DOCKER } from '../support/engine.js';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { expectConfiguredRoundTrips } from '../support/handshakes.js';
import { newestRun, PROJECT, readJson, readJsonLines, TINY } from '../support/meshbeat.js';
import { all, root, tools } from '../support/needs.js';
import { referenceOf } from '../support/reference.js';
import { describeIf } from '../support/requires.js';
import { until } from '../support/until.js';

const LIMIT_MS = 120_000;
const JOIN_PORT = 8471;
const TOKEN = '/run/meshbeat/join-token';

interface ComposeFile {
  readonly services: { readonly node: { readonly sysctls: Readonly<Record<string, string>> } };
}

/** What the compose file sets for a node, as options of `docker run`; a variable there has its default here. */
function sysctls(): string[] {
  const file = parse(readFileSync(join(PROJECT, 'docker-compose.yml'), 'utf8'), {
    merge: true,
  }) as ComposeFile;
  return Object.entries(file.services.node.sysctls).map(
    ([key, value]) => `--sysctl=${key}=${value.replace(/^\$\{\w+:-(.*)\}$/, '$1')}`,
  );
}

const id = randomBytes(3).toString('hex');
const name = (what: string): string => `meshbeat-test-${id}-${what}`;
const scratch = scratchFolder();
const runs = join(scratch, 'runs');

/** A Docker network that translates no addresses, and the interface that is its bridge. */
interface Network {
  readonly name: string;
  readonly bridge: string;
  readonly gateway: string;
}
const networkOf = (side: 'a' | 'b', octet: number): Network => ({
  name: name(side),
  bridge: `mbt-${id}${side}`,
  gateway: `10.${octet}.0.1`,
});
const octet = randomInt(128, 254);
const here = networkOf('a', octet);
const there = networkOf('b', octet + 1);
/** What the machines' router does: Docker keeps its networks apart otherwise. */
const between = [
  ['-i', here.bridge, '-o', there.bridge],
  ['-i', there.bridge, '-o', here.bridge],
];

describeIf(all(dockerNeeds(), root(), tools('iptables', 'tshark')), 'a node on another machine', () => {
  const containers: string[] = [];

  async function run(what: string, options: readonly string[], ...words: string[]): Promise<void> {
    await docker(
      'run',
      '--detach',
      '--init',
      '--cap-drop=ALL',
      `--name=${name(what)}`,
      ...options,
      IMAGE,
      ...words,
    );
    containers.push(name(what));
  }

  function node(
    what: string,
    network: Network,
    token: string,
    orchestrator: string,
    tun: string,
  ): Promise<void> {
    const powers = ['--cap-add=NET_ADMIN', `--device=${tun}:/dev/net/tun`, ...sysctls()];
    const place = [`--network=${network.name}`, `--hostname=${what}`, `--volume=${token}:/run/meshbeat:ro`];
    return run(what, [...powers, ...place], 'node', '--join', orchestrator, '--token-file', TOKEN);
  }

  beforeAll(async () => {
    await imagesReady();
    const tun = await tunDevice(scratch);
    mkdirSync(runs);
    chmodSync(runs, 0o777);
    for (const { name, bridge, gateway } of [here, there]) {
      const driver = 'com.docker.network.bridge';
      const options = [`--opt=${driver}.name=${bridge}`, `--opt=${driver}.enable_ip_masquerade=false`];
      await docker('network', 'create', ...options, `--subnet=${gateway}/24`, `--gateway=${gateway}`, name);
    }
    for (const rule of between) await call(['iptables', '-I', 'DOCKER-USER', ...rule, '-j', 'ACCEPT']);
    await docker(
      'volume',
      'create',
      '--driver=local',
      '--opt=type=tmpfs',
      '--opt=device=tmpfs',
      '--opt=o=mode=1777',
      name('join'),
    );
    const shared = [`--volume=${name('join')}:/run/meshbeat`, `--volume=${runs}:/runs`];
    const published = `--publish=${there.gateway}:${JOIN_PORT}:8471`;
    await run(
      'orchestrator',
      [`--network=${here.name}`, published, `--volume=${fixture('scenarios')}:/scenarios:ro`, ...shared],
      ...['orchestrate', '/scenarios/tiny.yaml', '--token-file', TOKEN, '--out', '/runs'],
    );
    await run(
      'capture',
      ['--network=host', '--cap-add=NET_RAW', ...shared],
      ...[
        'capture',
        '--join',
        `${there.gateway}:${JOIN_PORT}`,
        '--token-file',
        TOKEN,
        '--interface',
        here.bridge,
      ],
      ...['--out', '/runs'],
    );
    for (const what of ['one', 'two'])
      await node(what, here, name('join'), `${name('orchestrator')}:8471`, tun);
    // To the other machine the token is carried by hand.
    await until(
      'there is a token',
      async () => (await docker('exec', name('orchestrator'), 'cat', TOKEN)) !== '',
    );
    const carried = join(scratch, 'carried');
    mkdirSync(carried);
    writeFileSync(join(carried, 'join-token'), await docker('exec', name('orchestrator'), 'cat', TOKEN));
    await node('elsewhere', there, carried, `${there.gateway}:${JOIN_PORT}`, tun);
    await docker('wait', name('orchestrator'));
  }, BUILD_LIMIT_MS + LIMIT_MS);

  afterAll(async () => {
    if (containers.length > 0) await docker('rm', '--force', ...containers);
    for (const rule of between) await call(['iptables', '-D', 'DOCKER-USER', ...rule, '-j', 'ACCEPT']);
    await docker('network', 'rm', here.name, there.name);
    await docker('volume', 'rm', name('join'));
  }, LIMIT_MS);

  test('takes part to the end, and the mesh ends with the weights of one process', async () => {
    const logs = await call([DOCKER, 'logs', name('elsewhere')]);
    expect(logs.stderr).toMatch(/done; final weights [0-9a-f]{64}/);
    const { training } = readJson<RunSummary>(join(newestRun(runs), 'summary.json'));
    expect(training).toMatchObject(await referenceOf(loadScenario(TINY)));
  });

  test('is known by its own address, at the configured distance', () => {
    const directory = newestRun(runs);
    const [header] = readJsonLines<TraceHeader>(join(directory, 'trace.jsonl'));
    const addresses = header!.nodes.map(({ address }) => address);
    expect(addresses.map((address) => address.split('.')[1]).sort()).toEqual(
      [octet, octet, octet + 1].map(String),
    );
    const topology = withAddresses(topologyOf(loadScenario(TINY)), addresses);
    expectConfiguredRoundTrips(join(directory, 'capture.pcapng'), topology);
  });
});
