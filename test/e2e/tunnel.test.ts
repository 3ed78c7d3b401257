/**
 * Training through a tunnel: to the mesh it is as if there were none, and to whoever listens there is nothing to read.
 *
 * The beat is compared with that of a plain run of the same scenario on the same machine.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchFolder } from '../support/files.js';
import { completeRun, manifestOf, start, MESHBEAT, TINY } from '../support/meshbeat.js';
import { all, netns, tools } from '../support/needs.js';
import { holdersOf, networkNamespaces, processTree, survivors } from '../support/processes.js';
import { describeIf } from '../support/requires.js';
import { tsharkFields } from '../support/tshark.js';
import { until } from '../support/until.js';
import { attempt } from '../wan/measuring.js';

const folder = scratchFolder();
const newFolder = (): string => mkdtempSync(join(folder, 'run-'));
/** As in the tiny scenario, with bursts that are long enough to be a share of the period. */
const SETS = ['rounds=6', 'pace=400 ms', 'wan.initialWindow=100'].flatMap((set) => ['--set', set]);

describeIf(all(netns(), tools('wg', 'wireguard-go', 'tcpdump', 'tshark')), 'DiLoCo through WireGuard', () => {
  test('ends with the same weights, beats at the same pace, and shows nothing but WireGuard', async () => {
    const { plain, tunnelled } = await attempt(
      async () => ({
        plain: await completeRun(TINY, newFolder(), ...SETS),
        tunnelled: await completeRun(TINY, newFolder(), ...SETS, '--set', 'tunnel=wireguard'),
      }),
      ({ plain, tunnelled }) => {
        const [one = NaN, other = NaN] = [plain, tunnelled].map(
          ({ summary }) => summary.heartbeat?.periodSeconds,
        );
        return Math.abs(other / one - 1) < 0.03;
      },
    );
    expect(tunnelled.summary.training).toEqual(plain.summary.training);
    const period = ({ summary }: typeof plain): number => summary.heartbeat?.periodSeconds ?? NaN;
    expect(Math.abs(period(tunnelled) / period(plain) - 1)).toBeLessThan(0.03);
    expect(tunnelled.summary.heartbeat?.count).toBe(plain.summary.heartbeat?.count);

    const file = join(tunnelled.directory, 'capture.pcapng');
    expect(tsharkFields(file, 'not udp.port == 51820', ['frame.number'])).toEqual([]);
    expect(tsharkFields(file, 'tcp or tls or not wg', ['frame.number'])).toEqual([]);
    const framed = tunnelled.summary.gate.checks.find(({ name }) => name.startsWith('captured TCP payload'));
    expect(framed).toMatchObject({ ok: true });

    expect(tunnelled.summary.tunnel).toBe('wireguard');
    expect(manifestOf(tunnelled.directory).tunnel).toMatchObject({
      kind: 'wireguard',
      implementation: expect.stringMatching(/^(wireguard-go \d|WireGuard of the kernel$)/) as unknown,
      hub: null,
      relays: [],
    });
  });
});

describe.each([
  { tunnel: 'wireguard', program: 'wireguard-go', signals: ['SIGINT', 'SIGKILL'] },
  { tunnel: 'openvpn-udp', program: 'openvpn', signals: ['SIGKILL'] },
] as const)('a run through $tunnel', ({ tunnel, program, signals }) => {
  describeIf(all(netns(), tools('wg', program, 'tcpdump')), 'leaves nothing', () => {
    test.each(signals)('after %s in the middle', async (signal) => {
      const words = ['run', TINY, '--out', newFolder(), '--set', 'rounds=100', '--set', `tunnel=${tunnel}`];
      const run = start([...MESHBEAT, ...words]);
      await run.said(/probing the shaped paths/);
      const tree = processTree(run.pid);
      const ofTunnel = tree.filter((one) => one.program === program);
      expect(ofTunnel.length).toBeGreaterThanOrEqual(3);
      const namespaces = networkNamespaces(ofTunnel[0]!.pid);
      run.kill(signal);
      await run.ended;
      const gone = () => Promise.resolve(survivors(tree).length === 0 && holdersOf(namespaces).length === 0);
      await until('all is gone', gone);
      expect(survivors(tree)).toEqual([]);
    });
  });
});

test('on threads a tunnel is refused before anything starts', async () => {
  const { status, stderr } = await start([
    ...MESHBEAT,
    ...['run', TINY, '--fabric', 'threads', '--set', 'tunnel=wireguard', '--out', newFolder()],
  ]).ended;
  expect(status).toBe(2);
  expect(stderr).toContain('--set tunnel=wireguard: tunnel: found "wireguard"; allowed: none');
});
