/**
 * The shaper by itself: how many packets it moves, of one pair of nodes and of all at once, and what of its core that
 * takes; how evenly it lets them out, beside the kernel's own token bucket filter at the same rate; and what an unshaped
 * cable does on the same machine in the same minute.
 *
 * Its thread is the only one with real-time priority here, and the kernel says how long it ran. Packets over that time
 * are what it could move with a core for itself, whatever else this machine computes.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readCapture } from '../src/capture/index.js';
import { Instrument } from '../src/fidelity/instrument.js';
import { ratesTogether, segmentOf } from '../src/fidelity/stream.js';
import type { Lateness, Placement, RunningCapture } from '../src/wan/fabric.js';
import type { NetnsFabric } from '../src/wan/netns/fabric.js';
import { findProgram } from '../src/wan/netns/programs.js';
import { startTcpdump } from '../src/wan/tcpdump.js';
import { pacingOf, type Emission, type Pacing } from './pacing.js';
import { Wire } from './wire.js';

const MTU = 1500;
const { payload: PAYLOAD, frame: FRAME } = segmentOf(MTU);
const REPEATS = 3;
const FLOW_SECONDS = 1.5;
const WARM_UP_SECONDS = 0.5;
const TRAIN_SECONDS = 2;
const OVERDRIVE = 1.5;
/** SCHED_RR, in the 41st field of /proc/PID/task/TID/stat (proc(5)). */
const REAL_TIME_POLICY = '2';
const POLICY_FIELD = 38; // counted after the name in brackets

export interface Throughput {
  /** Packets a second that left the shaper, in either direction. */
  readonly packets: number[];
  /** The same over the processor time of the shaper's thread; empty where that has no real-time priority. */
  readonly packetsPerCore: number[];
  /** Bits a second of Ethernet frames through it. */
  readonly bits: number[];
  readonly lateness: Lateness;
}

/** TCP from every node to the next one, all at once. */
export async function throughputOf(fabric: NetnsFabric): Promise<Throughput> {
  return withInstruments(fabric.placements, async (instruments) => {
    const around = (seconds: number, flow: number): Promise<void[]> =>
      Promise.all(
        instruments.map((one, rank) => one.stream((rank + 1) % instruments.length, flow + rank, seconds)),
      );
    await around(FLOW_SECONDS, 0);
    const figures = { packets: [] as number[], packetsPerCore: [] as number[], bits: [] as number[] };
    for (let repeat = 1; repeat <= REPEATS; repeat++) {
      const sending = around(FLOW_SECONDS + WARM_UP_SECONDS, repeat * instruments.length);
      await sleep(1000 * WARM_UP_SECONDS);
      const before = { ...passed(fabric), cpu: shaperSeconds(), time: performance.now() };
      await sending;
      const after = { ...passed(fabric), cpu: shaperSeconds(), time: performance.now() };
      const seconds = (after.time - before.time) / 1000;
      const packets = after.packets - before.packets;
      figures.packets.push(packets / seconds);
      figures.bits.push((8 * (after.bytes - before.bytes)) / seconds);
      if (after.cpu !== undefined && before.cpu !== undefined)
        figures.packetsPerCore.push(packets / (after.cpu - before.cpu));
    }
    return { ...figures, lateness: fabric.lateness() };
  });
}

/** What has left the shaper since it was started, in either direction. */
function passed(fabric: NetnsFabric): { packets: number; bytes: number } {
  const counters = fabric.counters();
  return {
    packets: counters.reduce((sum, node) => sum + node.egressPackets + node.ingressPackets, 0),
    bytes: counters.reduce((sum, node) => sum + node.egressBytes + node.ingressBytes, 0),
  };
}

/** Processor time of the thread with real-time priority, if there is one. */
function shaperSeconds(): number | undefined {
  for (const thread of readdirSync('/proc/self/task')) {
    const folder = `/proc/self/task/${thread}`;
    const fields = readFileSync(`${folder}/stat`, 'utf8').split(') ')[1]?.split(' ');
    if (fields?.[POLICY_FIELD] === REAL_TIME_POLICY)
      return Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
  }
  return undefined;
}

/**
 * TCP over a bare cable, headers counted as for frames of MTU size, although the kernel hands over segments far larger
 * than those; bit/s, one figure for each repeat.
 */
export async function wireThroughput(): Promise<number[]> {
  const wire = Wire.create();
  try {
    return await withInstruments(wire.placements, async ([one, other]) => {
      const figures: number[] = [];
      for (let flow = 0; flow < REPEATS; flow++) {
        await one!.stream(1, flow, FLOW_SECONDS);
        const { together } = ratesTogether([await other!.streamArrivals(flow)], WARM_UP_SECONDS);
        figures.push((together * FRAME) / PAYLOAD);
      }
      return figures;
    });
  } finally {
    wire.close();
  }
}

/** How the first node's uplink lets datagrams out that come faster than its rate, as tcpdump sees it on the bridge. */
export function shaperPacing(fabric: NetnsFabric, rate: number): Promise<Pacing> {
  return pacingBy(fabric.placements, rate, (file) =>
    fabric.capture({ ...captureOptions(file), kind: 'tcpdump' }),
  );
}

/**
 * The same for TBF, as tcpdump sees it at the other end of the cable.
 *
 * @param burstBytes what TBF may let out at once; it needs so much to reach a rate between two ticks of its clock
 */
export async function filterPacing(rate: number, burstBytes: number, limitBytes: number): Promise<Pacing> {
  const wire = Wire.create({ rate, burstBytes, limitBytes });
  try {
    return await pacingBy(wire.placements, rate, (file) =>
      startTcpdump({
        ...captureOptions(file),
        ...wire.receiver,
        tcpdump: findProgram('tcpdump') ?? 'tcpdump',
        filter: 'udp',
        names: new Map(),
      }),
    );
  } finally {
    wire.close();
  }
}

const captureOptions = (file: string) => ({
  file,
  snaplen: 64,
  comment: 'bench',
  onFailure: (error: Error) => void process.stderr.write(`${error.message}\n`),
});

async function pacingBy(
  placements: readonly Placement[],
  rate: number,
  capture: (file: string) => Promise<RunningCapture>,
): Promise<Pacing> {
  const folder = mkdtempSync(join(tmpdir(), 'meshbeat-pacing-'));
  try {
    const file = join(folder, 'capture.pcapng');
    return await withInstruments(placements, async ([one]) => {
      const capturing = await capture(file);
      const pace = (OVERDRIVE * rate) / (8 * FRAME);
      await one!.train({ peer: 1, train: 0, packets: Math.round(pace * TRAIN_SECONDS), bytes: MTU, pace });
      await sleep(500);
      await capturing.stop();
      return pacingOf(await emissionsIn(file), rate);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Full frames in a capture, from the tenth part to the ninth: beginning and end are another matter. */
async function emissionsIn(file: string): Promise<Emission[]> {
  const emissions: Emission[] = [];
  let origin: number | undefined;
  await readCapture(file, ({ seconds, nanoseconds, originalLength }) => {
    origin ??= seconds;
    if (originalLength >= FRAME)
      emissions.push({ time: seconds - origin + nanoseconds / 1e9, bytes: originalLength });
  });
  return emissions.slice(Math.floor(emissions.length / 10), Math.floor((9 * emissions.length) / 10));
}

async function withInstruments<T>(
  placements: readonly Placement[],
  action: (instruments: readonly Instrument[]) => Promise<T>,
): Promise<T> {
  const instruments = await Promise.all(placements.map((placement) => Instrument.start(placement)));
  try {
    return await action(instruments);
  } finally {
    await Promise.all(instruments.map((instrument) => instrument.close()));
  }
}
