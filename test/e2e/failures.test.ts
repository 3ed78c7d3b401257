/** A run that can't go on: exit status 1 with the reason, and what was written up to then is kept. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LocalSite } from '../../src/cli/run/local-site.js';
import { performRun } from '../../src/cli/run/perform.js';
import { readCapture } from '../../src/capture/index.js';
import type { TraceHeader, TraceOperation } from '../../src/run/files.js';
import { loadScenario, topologyOf } from '../../src/scenario/index.js';
import { chooseFabric } from '../../src/wan/choose.js';
import type { NodeHost } from '../../nodes/host.js';
import { scratchFolder } from '../support/files.js';
import {
  manifestOf,
  meshbeat,
  MESHBEAT,
  newestRun,
  readJsonLines,
  start,
  TINY,
} from '../support/meshbeat.js';
import { all, netns, root } from '../support/needs.js';
import { describeIf } from '../support/requires.js';

const folder = scratchFolder();

describe('a run that cannot go on', () => {
  test('the metrics port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const out = join(folder, 'port');
      const words = ['--fabric', 'threads', '--metrics', String(port), '--json', '--out', out];
      const { status, stdout, stderr } = await meshbeat('run', TINY, ...words);
      expect(status).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toMatch(
        new RegExp(`^meshbeat: can't serve metrics on 127\\.0\\.0\\.1:${port}: .*taken`),
      );
    } finally {
      server.close();
    }
  });

  test('the folder for run directories cannot be made', async () => {
    const { status, stderr } = await meshbeat(
      'run',
      TINY,
      '--fabric',
      'threads',
      '--out',
      join(TINY, 'runs'),
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/^meshbeat: can't make a run directory in .*ENOTDIR/);
  });

  test('a node is killed: the others stop, and the reason names it', async () => {
    const scenario = loadScenario(TINY, { sets: ['rounds=1000'] });
    let host: NodeHost | undefined;
    let killed: Promise<void> | undefined;
    const { directory, summary, failure } = await performRun({
      scenario,
      topology: topologyOf(scenario),
      site: new LocalSite(chooseFabric('threads'), (nodes) => (host = nodes)),
      out: join(folder, 'killed'),
      signal: new AbortController().signal,
      emit: (event) => {
        if (event.type === 'round' && event.round === 1) killed ??= host?.kill(1);
      },
    });
    await killed;
    expect(summary).toBeUndefined();
    expect(failure).toMatch(/^node us-west: its thread ended/);
    expect(manifestOf(directory.path)).toMatchObject({ outcome: failure, gate: { verdict: 'invalid' } });
    const [, ...operations] = readJsonLines<TraceHeader | TraceOperation>(directory.file('trace.jsonl'));
    expect(operations.length).toBeGreaterThan(0);
    const { packets, truncatedAt } = await readCapture(directory.file('capture.pcapng'), () => undefined);
    expect(packets).toBeGreaterThan(0);
    expect(truncatedAt).toBeUndefined();
    expect(existsSync(directory.file('summary.json'))).toBe(false);
  });
});

describeIf(all(netns(), root()), 'a disk that fills up', () => {
  // A disk of that size, seen by this command alone; what is on it in the end is copied.
  const script =
    'mount -t tmpfs -o size="$1" tmpfs "$2" && { "${@:4}"; status=$?; cp -rP "$2/." "$3"; exit $status; }';

  async function runOnDisk(size: string): Promise<{ stderr: string; kept: string }> {
    const [disk, kept] = [join(folder, `disk-${size}`), join(folder, `kept-${size}`)];
    for (const made of [disk, kept]) mkdirSync(made);
    const words = ['run', TINY, '--fabric', 'netns', '--out', disk];
    const command = [
      'unshare',
      '--mount',
      '--',
      'bash',
      '-c',
      script,
      'bash',
      size,
      disk,
      kept,
      ...MESHBEAT,
      ...words,
    ];
    const { status, stderr } = await start(command).ended;
    expect(status, stderr).toBe(1);
    expect(stderr).toMatch(/^run failed: .*\/disk-.*ENOSPC/m);
    return { stderr, kept: newestRun(kept) };
  }

  test('in the middle: the capture is readable up to there, and the manifest has the reason', async () => {
    const { stderr, kept } = await runOnDisk('256k');
    expect(stderr).toContain('capture.pcapng');
    expect(manifestOf(kept).outcome).toContain('ENOSPC');
    const { packets, truncatedAt } = await readCapture(join(kept, 'capture.pcapng'), () => undefined);
    expect(packets).toBeGreaterThan(0);
    expect(truncatedAt).toBeUndefined();
    expect(loadScenario(join(kept, 'scenario.yaml'))).toEqual(loadScenario(TINY));
  });

  test('from the start: what fits is there, and no half document', async () => {
    const { kept } = await runOnDisk('4k');
    expect(loadScenario(join(kept, 'scenario.yaml'))).toEqual(loadScenario(TINY));
    expect(readdirSync(kept)).not.toContain('manifest.json');
  });
});
