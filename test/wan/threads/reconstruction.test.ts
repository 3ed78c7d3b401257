/** Reconstructed captures as an independent analyser sees them. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Path } from '../../../src/scenario/topology.js';
import { createThreadsFabric } from '../../../src/wan/threads/index.js';
import { describeWith } from '../../support/requires.js';
import { losing, uniformTopology } from '../topologies.js';
import { CALM } from '../../../src/scenario/weather.js';

const MTU = 1500;
const UPLINK = 20e6;
/** TLS without certificates: both sides know a key. */
const PSK = {
  ciphers: 'PSK-AES128-GCM-SHA256',
  maxVersion: 'TLSv1.2',
  checkServerIdentity: () => undefined,
} as const;
const key = { psk: Buffer.alloc(16, 5), identity: 'test' };

/** Sends `bytes` over TLS from node 0 to node 1 and answers a word; the capture is in `file`. */
async function capturedTransfer(file: string, path: Path, bytes: number): Promise<number> {
  const topology = uniformTopology(2, { uplink: UPLINK, downlink: UPLINK }, path);
  const fabric = await createThreadsFabric({ topology, seed: 3 });
  const { host, port } = fabric.placements[1]!.listen;
  const server = createServer({ ...PSK, pskCallback: () => key.psk }, (socket) => {
    socket.resume();
    socket.on('end', () => socket.end('done'));
  });
  try {
    const capture = await fabric.capture({
      file,
      kind: 'auto',
      snaplen: 262144,
      comment: 'a test',
      onFailure: (error) => expect.unreachable(error.message),
    });
    server.listen(port, host);
    await once(server, 'listening');
    const socket: TLSSocket = connect({ ...PSK, ...fabric.placements[0]!.peers[1]!, pskCallback: () => key });
    const closed = once(socket, 'close');
    socket.end(Buffer.alloc(bytes, 1));
    expect(await text(socket)).toBe('done');
    await closed;
    await new Promise((resolve) => setTimeout(resolve, 3000 * path.delay)); // the last acknowledgements
    return (await capture.stop()).packets;
  } finally {
    server.close();
    await fabric.close();
  }
}

/** Lines that tshark prints for the packets that pass a filter. */
function tshark(file: string, filter: string, ...fields: string[]): string[] {
  const checks = ['-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'];
  const output = fields.length > 0 ? ['-T', 'fields', ...fields.flatMap((field) => ['-e', field])] : [];
  const args = ['-n', '-r', file, ...checks, '-Y', filter, ...output];
  const lines = execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return lines.split('\n').filter((line) => line !== '');
}

describeWith(['tshark', 'capinfos'], 'a reconstructed capture', () => {
  const path = { delay: 0.02, ...CALM };
  let folder: string;
  let file: string;
  let packets: number;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'meshbeat-'));
    file = join(folder, 'clean.pcapng');
    packets = await capturedTransfer(file, path, 500_000);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('holds the packets that were counted, and says what it is', () => {
    expect(tshark(file, 'tcp')).toHaveLength(packets);
    const info = execFileSync('capinfos', ['-k', file], { encoding: 'utf8' });
    expect(info).toContain('RECONSTRUCTED');
    expect(info).toContain('a test');
  });

  test('has right checksums and nothing that TCP analysis finds odd', () => {
    expect(tshark(file, 'ip.checksum.status != "Good" or tcp.checksum.status != "Good"')).toEqual([]);
    expect(tshark(file, 'tcp.analysis.flags and not tcp.analysis.window_update')).toEqual([]);
    expect(tshark(file, `ip.len > ${MTU}`)).toEqual([]);
  });

  test('begins with a handshake of one round trip, ends with a FIN each, and carries TLS', () => {
    const flags = tshark(file, 'tcp', 'tcp.flags')
      .slice(0, 3)
      .map((line) => Number(line.trim()));
    expect(flags).toEqual([0x02, 0x12, 0x10]);
    const [roundTrip] = tshark(file, 'tcp.flags == 0x12', 'tcp.time_delta');
    expect(Number(roundTrip)).toBeGreaterThan(2 * path.delay);
    expect(Number(roundTrip)).toBeLessThan(2 * path.delay + 0.002);
    expect(tshark(file, 'tcp.flags.fin == 1', 'ip.src').sort()).toEqual(['10.77.0.1', '10.77.0.2']);
    expect(tshark(file, 'tls.handshake.type == 1')).toHaveLength(1);
    expect(tshark(file, 'tls.app_data').length).toBeGreaterThan(20);
  });

  test('is in order of time, and never above the rate of the uplink', () => {
    const sent = tshark(file, 'ip.src == 10.77.0.1', 'frame.time_epoch', 'frame.len').map((line) =>
      line.split('\t').map(Number),
    ) as [number, number][];
    const all = tshark(file, 'tcp', 'frame.time_epoch').map(Number);
    expect(all).toEqual([...all].sort((a, b) => a - b));
    for (const [index, [start]] of sent.entries()) {
      const window = sent.slice(index).filter(([time]) => time < start + 0.1);
      const bytes = window.reduce((sum, [, length]) => sum + length + 14, 0);
      expect(bytes).toBeLessThanOrEqual((1.03 * 0.1 * UPLINK) / 8 + MTU + 14);
    }
  });

  test('shows loss as retransmission', async () => {
    const lossy = join(folder, 'lossy.pcapng');
    await capturedTransfer(lossy, { ...path, loss: losing(0.03) }, 300_000);
    expect(tshark(lossy, 'tcp.analysis.retransmission').length).toBeGreaterThan(0);
    expect(tshark(lossy, 'tcp.analysis.duplicate_ack').length).toBeGreaterThan(0);
  });
});
