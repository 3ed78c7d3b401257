/**
 * Nodes that join by themselves and talk through tunnels: each brings its own end, and what it is known by goes by way
 * of the orchestrator. Without Docker, on networks as Docker makes them; in containers it is the same.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadScenario } from '../../src/scenario/index.js';
import { askIp } from '../../src/wan/netns/ip.js';
import { scratchFolder } from '../support/files.js';
import { Machines } from '../support/machines.js';
import { completed, manifestOf, start, MESHBEAT, PROJECT, TINY } from '../support/meshbeat.js';
import { all, netns, root, tools } from '../support/needs.js';
import { referenceOf } from '../support/reference.js';
import { describeIf } from '../support/requires.js';
import { tsharkFields } from '../support/tshark.js';

const folder = scratchFolder();
const kinds = [
  { kind: 'wireguard', program: /^(wireguard-go \d|WireGuard of the kernel$)/ },
  { kind: 'openvpn-udp', program: /^OpenVPN 2/ },
] as const;

describeIf(
  all(netns(), root(), tools('tcpdump', 'tshark', 'wg', 'wireguard-go', 'openvpn')),
  'nodes that join, with a tunnel between each two',
  () => {
    test.each(kinds)('$kind: the same weights, and nothing else on the bridge', async ({ kind, program }) => {
      const machines = new Machines(join(folder, kind));
      const boxes = [1, 2, 3].map((number) => machines.machine(number));
      const observer = machines.observe();
      const orchestrator = machines.orchestrate(TINY, '--set', `tunnel=${kind}`);
      const nodes = boxes.map((box) => machines.node(box));
      const run = completed(await orchestrator.ended, machines.out);
      for (const { status, stderr } of await Promise.all([...nodes, observer].map(({ ended }) => ended)))
        expect(status, stderr).toBe(0);

      expect(run.summary).toMatchObject({ fabric: 'containers', tunnel: kind });
      expect(run.summary.training).toMatchObject(await referenceOf(loadScenario(TINY)));
      expect(manifestOf(run.directory).tunnel?.implementation).toMatch(program);
      const port = kind === 'wireguard' ? 51_820 : 1194;
      const capture = join(run.directory, 'capture.pcapng');
      expect(tsharkFields(capture, `not udp.port == ${port} or tcp`, ['frame.number'])).toEqual([]);
      for (const box of boxes) {
        const links = box.namespace.inside(() => askIp(['link'], box.name)) as { ifname: string }[];
        const names = links.map(({ ifname }) => ifname);
        expect(names).not.toContain('wg0');
        expect(names.filter((name) => name.startsWith('vpn'))).toEqual([]);
      }
    });
  },
);

test('a VPN server, whom nobody joins as, is refused before anybody is waited for', async () => {
  const words = [
    'orchestrate',
    join(PROJECT, 'scenarios', 'tunnel-hub.yaml'),
    '--token-file',
    join(folder, 'token'),
  ];
  const { status, stderr } = await start([...MESHBEAT, ...words]).ended;
  expect(status).toBe(2);
  expect(stderr).toMatch(/tunnel-hub\.yaml:\d+: tunnel\.hub: found a VPN server; allowed: no such hosts/);
});
