/**
 * The capture, judged by tshark alone: does the WAN that was configured show in the packets?
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CaptureKind } from '../../src/run/files.js';
import { loadScenario, topologyOf } from '../../src/scenario/index.js';
import { scratchFolder } from '../support/files.js';
import { expectConfiguredRoundTrips } from '../support/handshakes.js';
import { completeRun, TINY, type CompletedRun } from '../support/meshbeat.js';
import { all, netns, tools } from '../support/needs.js';
import { describeIf } from '../support/requires.js';
import { tsharkFields, tsharkHosts } from '../support/tshark.js';

/** Slow links and more weights, so that bursts last long enough to fill whole windows. */
const SETS = [
  ...[0, 1, 2].map((rank) => `nodes.${rank}.uplink=8 Mbit/s`),
  ...['model.width=64', 'wan.jitter=0.5 ms', 'rounds=3'],
];
const scenario = loadScenario(TINY, { sets: SETS });
const topology = topologyOf(scenario);
const { nodes, mtu } = topology;
const ETHERNET_HEADER = 14;
const WINDOW_SECONDS = 0.1;

const folder = scratchFolder();
const kinds: readonly { kind: CaptureKind; encapsulation: string; header: number }[] = [
  // Numbers as in wiretap's list of encapsulations: 1 Ethernet, 7 raw IP.
  { kind: 'tcpdump', encapsulation: '1', header: 0 },
  { kind: 'shaper', encapsulation: '7', header: ETHERNET_HEADER },
];

for (const { kind, encapsulation, header } of kinds) {
  const obstacle = all(netns(), tools('tshark', ...(kind === 'tcpdump' ? ['tcpdump'] : [])));
  describeIf(obstacle, `a capture by ${kind}, seen by tshark`, () => {
    let run: CompletedRun;
    let file: string;
    beforeAll(async () => {
      const sets = [...SETS, `capture.kind=${kind}`].flatMap((set) => ['--set', set]);
      run = await completeRun(TINY, join(folder, kind), '--fabric', 'netns', ...sets);
      file = join(run.directory, 'capture.pcapng');
    });

    test('is of its kind', () => {
      expect(run.summary.capture?.kind).toBe(kind);
      const found = new Set(tsharkFields(file, 'frame', ['frame.encap_type']).flat());
      expect(found).toEqual(new Set([encapsulation]));
    });

    test('each pair of nodes is one round trip apart', () => expectConfiguredRoundTrips(file, topology));

    test('no node ever sends faster than its uplink, and each comes near it', () => {
      const frames = tsharkFields(file, 'ip', ['frame.time_epoch', 'ip.src', 'frame.len']);
      for (const { address, uplink, name } of nodes) {
        const sent = frames
          .filter(([, source]) => source === address)
          .map(([time, , length]) => ({ time: Number(time), bytes: Number(length) + header }));
        const rate = (8 * mostInWindow(sent, WINDOW_SECONDS)) / WINDOW_SECONDS;
        expect(rate, name).toBeLessThan(1.05 * uplink);
        expect(rate, name).toBeGreaterThan(0.8 * uplink);
      }
    });

    test('no packet is larger than the MTU, and bulk data fills it', () => {
      const sizes = tsharkFields(file, 'ip', ['ip.len']).map(([size]) => Number(size));
      expect(sizes.reduce((largest, size) => Math.max(largest, size), 0)).toBe(mtu);
    });

    test('every connection is TLS, recognised without help', () => {
      const streams = new Set(tsharkFields(file, 'tcp', ['tcp.stream']).flat());
      const hellos = tsharkFields(file, 'tls.handshake.type == 1', ['tcp.stream']).flat();
      const sealed = tsharkFields(file, 'tls.record.opaque_type == 23 || tls.record.content_type == 23', [
        'tcp.stream',
      ]);
      expect(streams.size).toBeGreaterThan(0);
      expect(new Set(hellos)).toEqual(streams);
      expect(new Set(sealed.flat())).toEqual(streams);
    });

    test('knows the nodes by name', () => {
      expect(tsharkHosts(file).sort()).toEqual(nodes.map(({ address, name }) => [address, name]).sort());
    });
  });
}

describe('the window that rates are measured in', () => {
  test('slides: it finds the most there is in any stretch of its length', () => {
    const frames = [0, 0.09, 0.1, 0.15, 0.3].map((time) => ({ time, bytes: 100 }));
    expect(mostInWindow(frames, 0.1)).toBe(300);
    expect(mostInWindow([], 0.1)).toBe(0);
  });
});

/** The most bytes in any half-open window of that length; frames in order of time. */
function mostInWindow(
  frames: readonly { readonly time: number; readonly bytes: number }[],
  seconds: number,
): number {
  let first = 0;
  let inside = 0;
  let most = 0;
  for (const { time, bytes } of frames) {
    inside += bytes;
    while (frames[first]!.time <= time - seconds) inside -= frames[first++]!.bytes;
    most = Math.max(most, inside);
  }
  return most;
}
