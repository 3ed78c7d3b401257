/**
 * However a run ends, nothing of it is left on the machine but its directory, which keeps what was written.
 *
 * Each run is looked at from outside: its processes and network namespaces are noted while it goes on, and
 * looked for after it was told to stop, or was killed.
 */
import { chmodSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { readCapture } from '../../src/capture/index.js';
import type { MetricsLine, TraceHeader, TraceOperation } from '../../src/run/files.js';
import { scratchFolder } from '../support/files.js';
import { manifestOf, newestRun, readJsonLines, start, TINY, type Running } from '../support/meshbeat.js';
import { all, netns, root, userNamespaces } from '../support/needs.js';
import { nobodysPlace, ownPlace, type Place } from '../support/nobody.js';
import { holdersOf, networkNames, networkNamespaces, processTree, survivors } from '../support/processes.js';
import { describeIf, isInstalled } from '../support/requires.js';

const folder = scratchFolder();
chmodSync(folder, 0o755);
/** Time for the kernel and for order; far more than either takes. */
const PATIENCE_MS = 15_000;

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

interface Way {
  readonly name: string;
  readonly obstacle: string | undefined;
  readonly arrange: (folder: string) => Place;
  /** The launcher of a rootless run passes both on in the same way. */
  readonly signals: readonly Signal[];
}
const ways: readonly Way[] = [
  {
    name: 'by who runs the tests',
    obstacle: netns(),
    arrange: ownPlace,
    signals: ['SIGINT', 'SIGTERM', 'SIGHUP'],
  },
  {
    name: 'by an ordinary user',
    obstacle: all(netns(), root(), userNamespaces()),
    arrange: nobodysPlace,
    signals: ['SIGINT'],
  },
];

for (const { name, obstacle, arrange, signals } of ways) {
  describeIf(obstacle, `a run started ${name}`, () => {
    test.each(signals)('%s in the middle: ends in order', async (signal) => {
      const place = arrange(mkdtempSync(join(folder, 'run-')));
      const running = begin(place);
      const gone = await watch(running);
      running.kill(signal);
      const { status, stderr } = await running.ended;
      await gone();
      expect(status).toBe(1);
      expect(stderr).toContain(`interrupted by ${signal}`);
      expect(stderr).toContain('what was written up to then is in');
      expect(readdirSync(place.temporary)).toEqual([]);
      const directory = newestRun(place.out);
      expect(manifestOf(directory)).toMatchObject({
        outcome: `interrupted by ${signal}`,
        gate: { verdict: 'invalid' },
      });
      expect(await cutOf(directory)).toBeUndefined();
    });

    test('kill -9 in the middle: nothing left but files, and these go at the next start', async () => {
      const place = arrange(mkdtempSync(join(folder, 'run-')));
      const running = begin(place);
      const gone = await watch(running);
      running.kill('SIGKILL');
      const { status } = await running.ended;
      await gone();
      expect(status).toBeNull();
      const directory = newestRun(place.out);
      expect(existsSync(join(directory, 'manifest.json'))).toBe(false);
      await cutOf(directory);
      const left = readdirSync(place.temporary);
      expect(left).not.toEqual([]);

      const next = begin(place);
      await next.said(/building the network/);
      for (const name of left) expect(readdirSync(place.temporary)).not.toContain(name);
      // A run that has hardly begun must end in order, too.
      next.kill('SIGINT');
      expect((await next.ended).status).toBe(1);
      expect(readdirSync(place.temporary)).toEqual([]);
    });
  });
}

function begin({ command, see, out, temporary }: Place): Running {
  const words = ['run', see(TINY), '--fabric', 'netns', '--set', 'rounds=1000', '--out', out];
  return start([...command, ...words], { env: { TMPDIR: temporary } });
}

/** Waits for the second round and notes what the run has; the result waits until all of that is gone. */
async function watch(running: Running): Promise<() => Promise<void>> {
  const names = networkNames();
  await running.said(/^round 2\//m);
  const tree = processTree(running.pid);
  const own = networkNamespaces(process.pid);
  const namespaces = new Set(
    tree.flatMap(({ pid }) => [...networkNamespaces(pid)]).filter((namespace) => !own.has(namespace)),
  );
  // Three nodes and the bridge between them.
  expect(namespaces.size).toBeGreaterThanOrEqual(4);
  if (isInstalled('tcpdump')) expect(tree.map(({ program }) => program)).toContain('tcpdump');
  return () =>
    vi.waitFor(() => {
      expect(survivors(tree)).toEqual([]);
      expect(holdersOf(namespaces)).toEqual([]);
      expect(networkNames()).toEqual(names);
    }, PATIENCE_MS);
}

/** Checks that what a run wrote until it was stopped can be read; where the capture was cut off, if it was. */
async function cutOf(directory: string): Promise<number | undefined> {
  const [header, ...operations] = readJsonLines<TraceHeader | TraceOperation>(join(directory, 'trace.jsonl'));
  expect(header?.type).toBe('header');
  expect(operations.length).toBeGreaterThan(0);
  const metrics = readJsonLines<MetricsLine>(join(directory, 'metrics.jsonl'));
  expect(metrics.at(-1)?.egressBytes).toBeGreaterThan(0);
  const { packets, truncatedAt } = await readCapture(join(directory, 'capture.pcapng'), () => undefined);
  expect(packets).toBeGreaterThan(0);
  return truncatedAt;
}
