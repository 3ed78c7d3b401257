/**
 * Whole runs through the object store, on both fabrics: the weights of one process, the bytes of the formula, stars
 * and nothing else in the capture; and however a run ends, it ends with its store.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { StoreHost } from '../../nodes/store-host.js';
import { LocalSite } from '../../src/cli/run/local-site.js';
import { performRun, type RunResult } from '../../src/cli/run/perform.js';
import type { RunEvent } from '../../src/run/events.js';
import type { TraceHeader, TraceOperation } from '../../src/run/files.js';
import { hostsOf, loadScenario, topologyOf, type Scenario } from '../../src/scenario/index.js';
import { analyzeCapture } from '../../src/traffic/index.js';
import { chooseFabric } from '../../src/wan/choose.js';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { newestRun, manifestOf, readJsonLines, start } from '../support/meshbeat.js';
import { netns } from '../support/needs.js';
import { holdersOf, networkNamespaces, processTree, survivors } from '../support/processes.js';
import { referenceOf } from '../support/reference.js';
import { describeIf } from '../support/requires.js';

const TINY_STORE = fixture('scenarios/tiny-store.yaml');
const MAIN = [process.execPath, fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))];
const folder = scratchFolder();

function perform(
  scenario: Scenario,
  fabric: 'netns' | 'threads',
  emit: (event: RunEvent) => void = () => undefined,
): Promise<RunResult> {
  return performRun({
    ...{ scenario, topology: topologyOf(scenario), out: join(folder, fabric), emit },
    site: new LocalSite(chooseFabric(fabric)),
    signal: new AbortController().signal,
  });
}

for (const { fabric, obstacle } of [
  { fabric: 'threads', obstacle: undefined },
  { fabric: 'netns', obstacle: netns() },
] as const) {
  describeIf(obstacle, `through the object store, on ${fabric}`, () => {
    test.each([
      ['uncompressed, without TLS', ['transport.tls=false']],
      ['as SparseLoCo does', ['protocol.compression.kind=top-k']],
    ])('%s: the weights of one process, and the bytes of the formula', async (_, sets) => {
      const scenario = loadScenario(TINY_STORE, { sets });
      const { summary, directory, failure } = await perform(scenario, fabric);
      expect(failure).toBeUndefined();
      expect(summary?.training).toMatchObject(await referenceOf(scenario));
      const checks = summary?.gate.checks ?? [];
      const of = (name: string) => checks.find((check) => check.name === name);
      expect(of('different final weights')).toMatchObject({ measured: 1, ok: true });
      const payload = of('captured TCP payload')!;
      expect(payload.ok, `${payload.measured} of ${payload.expected} bytes`).toBe(true);
      expect(checks.filter(({ name }) => /^(round trip|rate) .*store/.test(name))).toHaveLength(2);

      const hosts = hostsOf(topologyOf(scenario));
      const store = hosts.at(-1)!.address;
      const { flows } = await analyzeCapture(directory.file('capture.pcapng'));
      const tcp = flows.filter(({ protocol }) => protocol === 'tcp');
      expect(tcp.length).toBeGreaterThanOrEqual(scenario.nodes.length);
      for (const { source, destination } of tcp)
        expect([source.address, destination.address]).toContain(store);

      const [header, ...lines] = readJsonLines<TraceHeader | TraceOperation>(directory.file('trace.jsonl'));
      expect(header).toMatchObject({ hosts: [{ name: 'store', address: store }] });
      const kinds = lines.map((line) => (line.type === 'operation' ? line.kind : line.type));
      const count = (kind: string) => kinds.filter((one) => one === kind).length;
      expect(count('put')).toBe(3 * scenario.rounds);
      expect(count('get')).toBe(2 * 3 * scenario.rounds);
    });
  });
}

describe('a run whose object store dies', () => {
  test('ends, and says so', async () => {
    const scenario = loadScenario(TINY_STORE, { sets: ['rounds=1000'] });
    let store: StoreHost | undefined;
    const begun = vi.spyOn(StoreHost, 'start').mockImplementationOnce(async (...options) => {
      vi.restoreAllMocks();
      return (store = await StoreHost.start(...options));
    });
    let killed: Promise<void> | undefined;
    const { failure, directory } = await perform(scenario, 'threads', (event) => {
      if (event.type === 'round' && event.round === 1) killed ??= store?.kill();
    });
    expect(begun).toBeDefined();
    await killed;
    expect(failure).toMatch(/^the object store: its thread ended/);
    expect(manifestOf(directory.path)).toMatchObject({ gate: { verdict: 'invalid' } });
  });
});

describeIf(netns(), 'a run through the object store that is interrupted', () => {
  test('leaves nothing behind', async () => {
    const out = join(folder, 'interrupted');
    const words = ['run', TINY_STORE, '--fabric', 'netns', '--set', 'rounds=1000', '--out', out];
    const running = start([...MAIN, ...words]);
    await running.said(/^round 2\//m);
    const tree = processTree(running.pid);
    const own = networkNamespaces(process.pid);
    const namespaces = new Set(
      tree.flatMap(({ pid }) => [...networkNamespaces(pid)]).filter((namespace) => !own.has(namespace)),
    );
    // Three nodes, the store, and the bridge between them.
    expect(namespaces.size).toBeGreaterThanOrEqual(5);
    running.kill('SIGINT');
    const { status, stderr } = await running.ended;
    expect(status).toBe(1);
    expect(stderr).toContain('interrupted by SIGINT');
    expect(manifestOf(newestRun(out)).outcome).toBe('interrupted by SIGINT');
    await vi.waitFor(() => {
      expect(survivors(tree)).toEqual([]);
      expect(holdersOf(namespaces)).toEqual([]);
    }, 60_000);
  });
});

test('nodes that join have no object store, and are told so at the start', async () => {
  const { status, stderr } = await start([...MAIN, 'orchestrate', TINY_STORE]).ended;
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /^meshbeat: protocol\.kind: found object-store, .*allowed with nodes that join: any other/,
  );
});
