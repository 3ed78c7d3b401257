/**
 * What every fabric must keep of a timeline: nothing passes between the sides of a partition while it lasts, and after
 * it everything goes on; rates and delays are the new ones from then on. Where there are packets, the capture must
 * show it to 50 ms. A timeline is played once in a fabric's life, so each attempt has a fabric of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { decode, Decoded, Protocol, readCapture } from '../../src/capture/index.js';
import { epochSeconds } from '../../src/clock.js';
import { parseEvent } from '../../src/scenario/events/parse.js';
import { timelineOf } from '../../src/scenario/index.js';
import type { Applied } from '../../src/wan/agenda.js';
import { addressNumber } from '../../src/wan/shaper/packet.js';
import { attempt, isRoundTrip } from './measuring.js';
import { Mesh, type CreateFabric } from './mesh.js';
import { SLOWNESS } from './slowness.js';
import { clean, uniformTopology } from './topologies.js';

const ACCURACY_SECONDS = 0.05 * SLOWNESS;
const MBIT = 1e6 / SLOWNESS;
const access = { uplink: 20 * MBIT, downlink: 20 * MBIT };
const DELAY = 0.005 * SLOWNESS;
const topology = uniformTopology(3, access, clean(DELAY));

export function changingNetworks(create: CreateFabric): void {
  describe('when the network changes', () => {
    test('a transfer waits behind a partition and goes on after it; others see nothing of it', async () => {
      const [cut, heal] = [0.3 * SLOWNESS, SLOWNESS];
      const lines = [
        `at ${cut} s partition node-0 | node-1`,
        `at ${heal} s heal`,
        `at ${heal} s set node-0--node-2.delay ${8000 * DELAY} ms`,
      ];
      const measured = await attempt(
        () =>
          withTimeline(create, lines, async (mesh, zero) => {
            const transferring = mesh.transfer(0, 1, 1_500_000);
            await sleep(1000 * (zero + cut + 0.1 * SLOWNESS - epochSeconds()));
            const meanwhile = Math.min(...(await mesh.node(0).ping(2, 5)));
            const { sent, received } = await transferring;
            const afterwards = Math.min(...(await mesh.node(0).ping(2, 5)));
            const gaps = received.times.slice(1).map((time, index) => time - received.times[index]!);
            return { intact: sent.sha256 === received.sha256, gap: Math.max(...gaps), meanwhile, afterwards };
          }),
        ({ result, applied }) =>
          result.gap > heal - cut - ACCURACY_SECONDS &&
          isRoundTrip(result.meanwhile, 2 * DELAY) &&
          isRoundTrip(result.afterwards, 16 * DELAY) &&
          isOnTime(applied),
      );
      const { applied, result } = measured;
      expect(applied.map(({ index }) => index)).toEqual([0, 1, 2]);
      expect(isOnTime(applied), JSON.stringify(applied)).toBe(true);
      expect(result.intact).toBe(true);
      expect(result.gap).toBeGreaterThan(heal - cut - ACCURACY_SECONDS);
      expect(
        isRoundTrip(result.meanwhile, 2 * DELAY),
        `${result.meanwhile} s while others were cut off`,
      ).toBe(true);
      expect(
        isRoundTrip(result.afterwards, 16 * DELAY),
        `${result.afterwards} s after the delay was set`,
      ).toBe(true);
    });

    test('the capture shows a partition, a heal and a new rate to 50 ms', async () => {
      const [cut, heal, slow] = [0.5 * SLOWNESS, 0.9 * SLOWNESS, 0.7 * SLOWNESS];
      const lines = [
        `at ${cut} s partition node-0 | node-1`,
        `at ${heal} s heal`,
        `at ${slow} s set node-2.uplink ${MBIT} bit/s`,
      ];
      const folder = mkdtempSync(join(tmpdir(), 'meshbeat-'));
      const file = join(folder, 'capture.pcapng');
      const seconds = 1.4 * SLOWNESS;
      // A datagram each millisecond (on a slow network, fewer) and way between the sides; beside them four times what is left of an uplink.
      const measure = () =>
        withTimeline(create, lines, async (mesh, zero) => {
          if (!mesh.fabric.packetLevel) return undefined;
          const onFailure = (error: Error) => expect.unreachable(error.message);
          const capture = await mesh.fabric.capture({
            file,
            kind: 'auto',
            snaplen: 128,
            comment: '',
            onFailure,
          });
          await Promise.all([
            mesh.node(0).blast(1, seconds, 0.8 * MBIT, 100),
            mesh.node(1).blast(0, seconds, 0.8 * MBIT, 100),
            mesh.node(2).blast(1, seconds, 4 * MBIT, 1000),
          ]);
          await sleep(100 * SLOWNESS);
          await capture.stop();
          const lost = mesh.fabric.counters().map((counters) => counters.lost);
          return {
            lost,
            ...(await crossings(
              file,
              mesh.fabric.topology.nodes.map(({ address }) => address),
              zero,
            )),
          };
        });
      try {
        const { result } = await attempt(
          measure,
          ({ result }) => result === undefined || isExact(result, { cut, heal, slow }),
        );
        if (result === undefined) return; // No packets, nothing to see.
        expect(
          isExact(result, { cut, heal, slow }),
          JSON.stringify(describeCrossings(result, { cut, heal, slow })),
        ).toBe(true);
        expect(result.lost[0]).toBeGreaterThan(100);
        expect(result.lost[1]).toBeGreaterThan(100);
        expect(result.lost[2]).toBe(0);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
}

interface Instants {
  readonly cut: number;
  readonly heal: number;
  readonly slow: number;
}

interface Crossings {
  /** Seconds after time zero at which datagrams between the sides were seen, each way. */
  readonly sides: readonly (readonly number[])[];
  /** When datagrams of the third node were seen. */
  readonly third: readonly number[];
}

/** What is seen at the instants at which something should be. */
function describeCrossings({ sides, third }: Crossings, { cut, heal, slow }: Instants) {
  const middle = (cut + heal) / 2;
  const rate = (from: number, to: number) =>
    (third.filter((time) => time >= from && time < to).length * 8 * 1042) / (to - from);
  return {
    last: sides.map((times) => Math.max(...times.filter((time) => time < middle)) - cut),
    first: sides.map((times) => Math.min(...times.filter((time) => time > middle)) - heal),
    before: rate(slow - 0.25 * SLOWNESS, slow - ACCURACY_SECONDS),
    after: rate(slow + ACCURACY_SECONDS, slow + 0.55 * SLOWNESS),
  };
}

function isExact(crossings: Crossings, instants: Instants): boolean {
  const { last, first, before, after } = describeCrossings(crossings, instants);
  return (
    [...last, ...first].every((error) => Math.abs(error) < ACCURACY_SECONDS) &&
    Math.abs(before / (4.168 * MBIT) - 1) < 0.1 &&
    Math.abs(after / MBIT - 1) < 0.1
  );
}

async function crossings(file: string, addresses: readonly string[], zero: number): Promise<Crossings> {
  const sides: number[][] = [[], []];
  const third: number[] = [];
  const ranks = new Map(addresses.map((address, rank) => [addressNumber(address), rank]));
  const decoded = new Decoded();
  await readCapture(file, (packet) => {
    if (decode(packet, decoded) !== 'ip' || decoded.protocol !== Protocol.udp) return;
    const [from, to] = [ranks.get(decoded.source0), ranks.get(decoded.destination0)];
    const time = packet.secondsSince(zero, 0);
    if (from === 2) third.push(time);
    else if (from !== undefined && to === 1 - from) sides[from]!.push(time);
  });
  return { sides, third };
}

/** Whether every change was applied when it was to be. */
function isOnTime(applied: readonly (Applied & { readonly planned: number })[]): boolean {
  return applied.every(({ time, planned }) => Math.abs(time - planned) < ACCURACY_SECONDS);
}

/** A mesh whose network changes as the lines have it; `zero` is their time zero, seconds since 1970. */
async function withTimeline<T>(
  create: CreateFabric,
  lines: readonly string[],
  work: (mesh: Mesh, zero: number) => Promise<T>,
): Promise<{ result: T; applied: (Applied & { planned: number })[] }> {
  const mesh = await Mesh.start(create, topology);
  try {
    const timeline = timelineOf(lines.map(parseEvent), topology, 1);
    const applied: (Applied & { planned: number })[] = [];
    const zero = epochSeconds() + 0.1 * SLOWNESS;
    await mesh.fabric.play(timeline, zero, (one) =>
      applied.push({ ...one, planned: zero + timeline[one.index]!.at }),
    );
    const result = await work(mesh, zero);
    return { result, applied };
  } finally {
    await mesh.close();
  }
}
