import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { analyzeCapture } from '../../src/traffic/index.js';
import type { Namespace } from '../../src/wan/netns/namespace.js';
import { filterBetween, startTcpdump } from '../../src/wan/tcpdump.js';
import { describeIf } from '../support/requires.js';
import { EchoNode } from './echo-node.js';
import { addressIn, DockerLike, FAR, MESH } from './own/docker-like.js';
import { obstacle } from './own/namespace-state.js';

describeIf(obstacle, 'tcpdump on a bridge of the own namespace', () => {
  let place: DockerLike;
  let echoes: EchoNode[];
  let folder: string;
  const [one, other, stranger] = [addressIn(MESH, 10), addressIn(FAR, 11), addressIn(MESH, 1)];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'meshbeat-'));
    place = new DockerLike();
    const namespaces: Namespace[] = [
      place.container('one', [MESH], 10),
      place.container('other', [FAR], 11),
      place.host,
    ];
    const peers = [one, other, stranger].map((host) => ({ host, port: 8470 }));
    echoes = await Promise.all(
      namespaces.map(({ fd }, rank) =>
        EchoNode.start({ rank, namespaceFd: fd, packetLevel: true, listen: peers[rank]!, peers }),
      ),
    );
  });
  afterAll(async () => {
    await Promise.all(echoes.map((echo) => echo.close()));
    place.close();
    rmSync(folder, { recursive: true });
  });

  test('it sees what passes between the addresses of the filter, of which there may be 256, and names them', async () => {
    const many = Array.from({ length: 254 }, (_, index) => `10.78.${index}.${(7 * index) % 251}`);
    const file = join(folder, 'capture.pcapng');
    const capture = await place.host.inside(() =>
      startTcpdump({
        file,
        snaplen: 262_144,
        comment: '',
        onFailure: (error) => expect.unreachable(error.message),
        tcpdump: 'tcpdump',
        interface: MESH.bridge,
        filter: filterBetween([...many, one, other]),
        names: new Map([[one, 'node-0']]),
      }),
    );
    await echoes[2]!.ping(0, 3);
    await echoes[0]!.ping(1, 3);
    await echoes[0]!.ping(2, 3);
    const { packets, missed } = await capture.stop();
    expect(missed).toBe(0);
    const report = await analyzeCapture(file);
    expect(report.packets).toBe(packets);
    expect(report.flows.map(({ source, destination }) => [source.address, destination.address])).toEqual([
      [one, other],
    ]);
    expect(report.flows[0]!.source.name).toBe('node-0');
  });
});
