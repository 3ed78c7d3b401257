/**
 * Round trips as the handshakes in a capture show them to tshark: each pair of nodes must be as far apart as
 * the topology says.
 *
 * What this machine does wrong when it is busy has one sign: it holds packets up. So of the handshakes of a
 * pair the fastest is held against the configured round trip, as the gate does with its probes.
 */
import { expect } from 'vitest';
import type { Topology } from '../../src/scenario/topology.js';
import { tsharkFields } from './tshark.js';
import { jitterMost } from '../../src/scenario/weather.js';

/** Within max(2 ms, 3 %), and what jitter may shorten or lengthen, for every pair of nodes. */
export function expectConfiguredRoundTrips(file: string, { nodes, paths }: Topology): void {
  const fastest = fastestHandshakes(file);
  for (const { rank: a } of nodes) {
    for (const { rank: b } of nodes.slice(a + 1)) {
      const [there, back] = [paths[a]![b]!, paths[b]![a]!];
      const expected = there.delay + back.delay;
      const tolerance = Math.max(0.002, 0.03 * expected) + jitterMost(there.jitter) + jitterMost(back.jitter);
      const measured = fastest.get(pairKey(nodes[a]!.address, nodes[b]!.address));
      expect(measured, `${nodes[a]!.name} and ${nodes[b]!.name}`).toBeGreaterThan(expected - tolerance);
      expect(measured, `${nodes[a]!.name} and ${nodes[b]!.name}`).toBeLessThan(expected + tolerance);
    }
  }
}

const pairKey = (a: string, b: string): string => [a, b].sort().join(' ');

/** Seconds from SYN to SYN-ACK, the least of all connections of a pair of addresses. */
function fastestHandshakes(file: string): Map<string, number> {
  const fields = ['tcp.stream', 'tcp.flags.ack', 'frame.time_epoch', 'ip.src', 'ip.dst'];
  const asked = new Map<string, number>();
  const fastest = new Map<string, number>();
  for (const [stream = '', ack, time, source = '', destination = ''] of tsharkFields(
    file,
    'tcp.flags.syn == 1',
    fields,
  )) {
    const isAnswer = ack === '1' || ack === 'True';
    if (!isAnswer) asked.set(stream, Number(time));
    else {
      const key = pairKey(source, destination);
      const seconds = Number(time) - (asked.get(stream) ?? NaN);
      fastest.set(key, Math.min(seconds, fastest.get(key) ?? Infinity));
    }
  }
  return fastest;
}
