/**
 * What every fabric must keep, whatever it is made of: rates, delays, order, loss, back-pressure, counters,
 * captures and a clean end. A fabric's own test calls {@link fabricCompliance} with a way to make one.
 *
 * Times are only held against configured ones. A busy machine makes a thread late now and then, and a late
 * reader sees a burst; so round trips are minima, and a figure that lateness can only spoil is the best
 * of a few attempts.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Path } from '../../src/scenario/topology.js';
import { analyzeCapture } from '../../src/traffic/index.js';
import type { RunningCapture } from '../../src/wan/fabric.js';
import { changingNetworks } from './changing.js';
import { DONE_BYTES, HEADER_BYTES } from './echo-protocol.js';
import { attempt, expectRoundTrip, expectWithin, isRoundTrip, isWithin } from './measuring.js';
import { Mesh, type CreateFabric } from './mesh.js';
import { SLOWNESS } from './slowness.js';
import { clean, losing, MTU, QUEUE_SECONDS, topologyOf, uniformTopology, varying } from './topologies.js';
import { goodput, rateAfter, steepest, together } from './transfers.js';

const MBIT = 1e6 / SLOWNESS;
const PING_BYTES = 64;

/**
 * Runs the suite on the fabrics that `create` makes.
 *
 * @param changes false of a fabric whose network can't change in the middle of a run, and that refuses to
 */
export function fabricCompliance(name: string, create: CreateFabric, { changes = true } = {}): void {
  describe(`${name} as a fabric`, () => {
    cleanPaths(create);
    sharedDownlink(create);
    lossyPaths(create);
    if (changes) changingNetworks(create);
    cleanEnd(create);
  });
}

function cleanPaths(create: CreateFabric): void {
  describe('over clean paths', () => {
    const delays = [
      [0, 0.005, 0.04, 0.005],
      [0.005, 0, 0.02, 0.005],
      [0.04, 0.03, 0, 0.005],
      [0.005, 0.005, 0.005, 0],
    ].map((row) => row.map((delay) => delay * SLOWNESS));
    const vacant = 3;
    const topology = topologyOf(
      [
        { uplink: 20 * MBIT, downlink: 40 * MBIT },
        { uplink: 40 * MBIT, downlink: 12 * MBIT },
        { uplink: 40 * MBIT, downlink: 40 * MBIT },
        { uplink: 40 * MBIT, downlink: 40 * MBIT },
      ],
      (from, to) => clean(delays[from]![to]!),
    );
    const roundTrip = (a: number, b: number): number => delays[a]![b]! + delays[b]![a]!;
    /** Payload sent by each dial, as the capture should show it. */
    const ledger: { from: number; to: number; forward: number; backward: number }[] = [];
    let mesh: Mesh;
    let folder: string;
    let file: string;
    let capture: RunningCapture;

    beforeAll(async () => {
      mesh = await Mesh.start(create, topology, [vacant]);
      folder = mkdtempSync(join(tmpdir(), 'meshbeat-'));
      file = join(folder, 'capture.pcapng');
      capture = await mesh.fabric.capture({
        file,
        kind: 'auto',
        snaplen: 262144,
        comment: 'compliance',
        onFailure: (error) => expect.unreachable(error.message),
      });
    });
    afterAll(async () => {
      await mesh.close();
      rmSync(folder, { recursive: true });
    });

    async function bulk(from: number, to: number, bytes: number) {
      const result = await mesh.transfer(from, to, bytes);
      ledger.push({ from, to, forward: HEADER_BYTES + bytes, backward: DONE_BYTES });
      return result;
    }

    test('a round trip takes the configured time', async () => {
      const count = 10;
      for (const [from, to] of [
        [0, 1],
        [1, 2],
        [2, 0],
        [0, 2],
      ] as const) {
        const fastest = await attempt(
          async () => {
            const times = await mesh.node(from).ping(to, count, PING_BYTES);
            ledger.push({
              from,
              to,
              forward: HEADER_BYTES + count * PING_BYTES,
              backward: count * PING_BYTES,
            });
            return Math.min(...times);
          },
          (seconds) => isRoundTrip(seconds, roundTrip(from, to)),
        );
        expectRoundTrip(fastest, roundTrip(from, to), `${from} to ${to}`);
      }
    });

    test('a bulk transfer runs at the rate of the uplink, and no 100 ms exceed it', async () => {
      const expected = goodput(topology.nodes[0]!.uplink, MTU);
      const window = 0.1 * SLOWNESS;
      const most = (1.05 * expected * window) / 8 + MTU;
      const { rate, burst } = await attempt(
        async () => {
          const { received } = await bulk(0, 2, 2_500_000);
          return { rate: rateAfter(received, 0.25), burst: steepest(received, window) };
        },
        ({ rate, burst }) => isWithin(rate, expected, 0.05) && burst <= most,
      );
      expectWithin(rate, expected, 0.05, 'rate');
      expect(burst).toBeLessThanOrEqual(most);
    });

    test('a bulk transfer runs at the rate of the downlink where that is the smaller', async () => {
      const expected = goodput(topology.nodes[1]!.downlink, MTU);
      const rate = await attempt(
        async () => rateAfter((await bulk(0, 1, 1_800_000)).received, 0.25),
        (rate) => isWithin(rate, expected, 0.05),
      );
      expectWithin(rate, expected, 0.05, 'rate');
    });

    test('the counters add up with what was sent', async () => {
      const bytes = 400_000;
      await sleep(1000 * roundTrip(0, 2)); // The last acknowledgements of the test before are on their way yet.
      const before = mesh.fabric.counters();
      await bulk(2, 0, bytes);
      const after = mesh.fabric.counters();
      const most = bytes * (MTU / (MTU - 52)) * 1.05 + 20_000;
      for (const [rank, field] of [
        [2, 'egressBytes'],
        [0, 'ingressBytes'],
      ] as const) {
        const counted = after[rank]![field] - before[rank]![field];
        expect(counted, `${field} of ${rank}`).toBeGreaterThanOrEqual(bytes);
        expect(counted, `${field} of ${rank}`).toBeLessThan(most);
      }
      expect(after[2]!.egressPackets - before[2]!.egressPackets).toBeGreaterThanOrEqual(bytes / MTU);
      expect(after[1]).toEqual(before[1]);
      expect(after.reduce((sum, node) => sum + node.lost, 0)).toBe(0);
      expect(after[2]!.queuedBytes).toBe(0);
    });

    test('dialing a node that does not listen fails', async () => {
      await expect(mesh.node(0).ping(vacant, 1)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
    });

    test('the capture shows round trips and payload as they were', async () => {
      // One handshake may have met a busy moment; of a few the fastest counts.
      const pairs = new Map(ledger.map(({ from, to }) => [`${from} ${to}`, { from, to }]));
      for (const { from, to } of pairs.values()) {
        for (let dial = 0; dial < 4; dial++) {
          await mesh.node(from).ping(to, 1, PING_BYTES);
          ledger.push({ from, to, forward: HEADER_BYTES + PING_BYTES, backward: PING_BYTES });
        }
      }
      const { packets } = await capture.stop();
      const report = await analyzeCapture(file);
      expect(report.packets).toBe(packets);
      expect(report.undecodedPackets).toBe(0);
      const addressOf = (rank: number): string => mesh.fabric.topology.nodes[rank]!.address;
      for (const { from, to } of ledger) {
        const flows = report.flows.filter(
          ({ source, destination }) =>
            source.address === addressOf(from) && destination.address === addressOf(to),
        );
        const dials = ledger.filter((dial) => dial.from === from && dial.to === to);
        const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
        expect(flows.length).toBe(dials.length);
        expect(sum(flows.map((flow) => flow.forward.payloadBytes))).toBe(
          sum(dials.map((dial) => dial.forward)),
        );
        expect(sum(flows.map((flow) => flow.backward.payloadBytes))).toBe(
          sum(dials.map((dial) => dial.backward)),
        );
        const fastest = Math.min(...flows.map((flow) => flow.synAckSeconds ?? Infinity));
        expectRoundTrip(fastest, roundTrip(from, to), `SYN of ${from} to SYN-ACK of ${to}`);
        for (const { forward, backward, destination } of flows) {
          expect(Math.max(forward.maxPacketBytes, backward.maxPacketBytes)).toBeLessThanOrEqual(MTU + 14);
          expect(destination).toMatchObject({
            name: `node-${to}`,
            port: mesh.fabric.placements[to]!.listen.port,
          });
        }
      }
    });

    test('a sender that does not stop is held to the rate', async () => {
      const uplink = topology.nodes[0]!.uplink;
      const queue = (QUEUE_SECONDS * uplink) / 8;
      const [from, to] = [mesh.node(0), mesh.node(2)];
      if (mesh.fabric.packetLevel) {
        // Three times the rate for longer than the queue lasts: the queue must overflow.
        // A reader that comes late loses datagrams to its socket's buffer, which is not the fabric's doing.
        const { sent, arrived, dropped } = await attempt(
          async () => {
            const before = mesh.fabric.counters()[0]!.dropped; // TCP may have filled the queue, too
            const arrivedBefore = await to.datagrams();
            const sent = await from.blast(2, 3 * QUEUE_SECONDS, 3 * uplink, 1000);
            await sleep(1000 * (QUEUE_SECONDS + roundTrip(0, 2)));
            const arrived = (await to.datagrams()) - arrivedBefore;
            return { sent, arrived, dropped: mesh.fabric.counters()[0]!.dropped - before };
          },
          ({ sent, arrived, dropped }) => sent - arrived === dropped,
        );
        expect(dropped).toBeGreaterThan(0);
        expect(arrived).toBeGreaterThan(0);
        expect(sent - arrived).toBe(dropped);
        return;
      }
      const transfer = mesh.newTransfer();
      const flooding = from.flood(2, 1, transfer);
      let queued = 0;
      let done = false;
      void flooding.finally(() => (done = true));
      while (!done) {
        await sleep(5);
        queued = Math.max(queued, mesh.fabric.counters()[0]!.queuedBytes);
      }
      const { accepted } = await flooding;
      const { bytes } = await to.received(transfer);
      // Beyond the modelled queue only the kernel's socket buffers hold bytes; loopback itself takes GB/s.
      expect(accepted - bytes).toBeLessThan(queue + (uplink / 8) * roundTrip(0, 2) + 16_000_000);
      expect(queued).toBeGreaterThan(0.5 * queue);
      expect(queued).toBeLessThan(1.1 * queue);
      expect(mesh.fabric.counters()[0]!.dropped).toBe(0);
    });
  });
}

function sharedDownlink(create: CreateFabric): void {
  test('two senders share the downlink of one receiver', async () => {
    const access = { uplink: 30 * MBIT, downlink: 20 * MBIT };
    const topology = uniformTopology(3, access, clean(0.01 * SLOWNESS));
    const mesh = await Mesh.start(create, topology);
    try {
      const expected = goodput(access.downlink, MTU);
      const { sum, least } = await attempt(
        async () => {
          const transfers = await Promise.all([0, 1].map((from) => mesh.transfer(from, 2, 3_000_000)));
          const rates = together(
            transfers.map(({ received }) => received),
            0.25,
          );
          return { sum: rates[0]! + rates[1]!, least: Math.min(...rates) };
        },
        ({ sum, least }) => isWithin(sum, expected, 0.05) && least > 0.25 * expected,
      );
      expectWithin(sum, expected, 0.05, 'sum of rates');
      expect(least).toBeGreaterThan(0.25 * expected);
    } finally {
      await mesh.close();
    }
  });
}

function lossyPaths(create: CreateFabric): void {
  describe('over lossy paths', () => {
    const delay = 0.01 * SLOWNESS;
    const between = (a: number, b: number): Path => {
      const pair = [a, b].sort().join('-');
      if (pair === '0-1') return { ...clean(delay), jitter: varying(delay / 2), loss: losing(0.01) };
      if (pair === '0-2') return { ...clean(delay), loss: losing(0.1) };
      return clean(delay);
    };
    const access = { uplink: 20 * MBIT, downlink: 20 * MBIT };
    let mesh: Mesh;

    beforeAll(async () => {
      mesh = await Mesh.start(create, topologyOf([access, access, access], between));
    });
    afterAll(() => mesh.close());

    test('all bytes arrive, intact and in order, in spite of loss and jitter', async () => {
      const { sent, received } = await mesh.transfer(0, 1, 1_500_000);
      expect(received.bytes).toBe(1_500_000);
      expect(received.sha256).toBe(sent.sha256);
      expect(mesh.fabric.counters().reduce((sum, node) => sum + node.lost, 0)).toBeGreaterThan(0);
    });

    test('loss delays', async () => {
      const mean = (times: readonly number[]): number =>
        times.reduce((sum, time) => sum + time, 0) / times.length;
      const lossless = mean(await mesh.node(2).ping(1, 40));
      const lossy = mean(await mesh.node(2).ping(0, 40));
      expect(lossy).toBeGreaterThan(1.05 * lossless);
    });
  });
}

function cleanEnd(create: CreateFabric): void {
  test('close() leaves no descriptor and no thread', async () => {
    const topology = uniformTopology(2, { uplink: 20 * MBIT, downlink: 20 * MBIT }, clean(0.002 * SLOWNESS));
    const live = async (): Promise<void> => {
      const mesh = await Mesh.start(create, topology);
      await mesh.node(0).ping(1, 1);
      await mesh.close();
      await mesh.fabric.close();
    };
    await live(); // what the process itself opens on first use stays
    const before = belongings();
    await live();
    // The kernel takes a joined thread off its list a moment later.
    await expect.poll(belongings, { timeout: 5000 }).toEqual(before);
  });
}

/** Open descriptors and threads of this process. */
function belongings(): { descriptors: number; threads: number } {
  return { descriptors: readdirSync('/proc/self/fd').length, threads: readdirSync('/proc/self/task').length };
}
