/** A run without root: genuine packets between namespaces, and metrics that can be read from outside of them. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { loadScenario, topologyOf } from '../../src/scenario/index.js';
import { analyzeCapture } from '../../src/traffic/index.js';
import { scratchFolder } from '../support/files.js';
import { completed, freePort, manifestOf, start, TINY, type CompletedRun } from '../support/meshbeat.js';
import { all, netns, NOBODY, root, userNamespaces } from '../support/needs.js';
import { nobodysPlace } from '../support/nobody.js';
import { describeIf, isInstalled } from '../support/requires.js';

const folder = scratchFolder();
const { nodes, paths } = topologyOf(loadScenario(TINY));

describeIf(all(netns(), root(), userNamespaces()), 'a run of an ordinary user', () => {
  let run: CompletedRun;

  test('gives what a run gives, and metrics while it goes on', async () => {
    const { command, see, out, temporary } = nobodysPlace(folder);
    const port = await freePort();
    const words = ['run', see(TINY), '--fabric', 'netns', '--out', out, '--json', '--metrics', String(port)];
    const running = start([...command, ...words], { env: { TMPDIR: temporary } });
    await running.said(/^round 1\//m);
    await vi.waitFor(
      async () => expect(await metricsOf(port)).toMatch(/^meshbeat_inner_steps_total\{.*\} [1-9]/m),
      5000,
    );
    run = completed(await running.ended, out);
    expect(run.summary.fabric).toBe('netns');
    expect(manifestOf(run.directory).fabricReason).toContain('without root');
    expect(statSync(run.directory).uid).toBe(NOBODY);
    await expect(metricsOf(port)).rejects.toThrow();
  });

  test('captures genuine packets: handshakes take the configured round trip', async () => {
    expect(run.summary.capture?.kind).toBe(isInstalled('tcpdump') ? 'tcpdump' : 'shaper');
    const { flows } = await analyzeCapture(join(run.directory, 'capture.pcapng'));
    for (const a of nodes) {
      for (const b of nodes.slice(a.rank + 1)) {
        const ends = [a.address, b.address].sort();
        const handshakes = flows
          .filter(
            ({ source, destination }) => [source.address, destination.address].sort().join() === ends.join(),
          )
          .map(({ synAckSeconds }) => synAckSeconds ?? Infinity);
        const expected = paths[a.rank]![b.rank]!.delay + paths[b.rank]![a.rank]!.delay;
        const tolerance = Math.max(0.002, 0.03 * expected);
        // A busy machine only ever adds to a round trip.
        expect(Math.abs(Math.min(...handshakes) - expected), `${a.name} ${b.name}`).toBeLessThan(tolerance);
      }
    }
  });
});

async function metricsOf(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(2000) });
  return response.text();
}
