/**
 * `npm run bench`: how fast and how even the network between the nodes is (shaper.ts), how much of it the data plane
 * uses (ring.ts), how long pipelines stand idle (bubble.ts), and how fast packets become flows (flows.ts).
 * `-- --only shaper`, `ring`, `bubble` or `flows` makes a part.
 *
 * Figures of one run compare with each other (a ratio, or against what was set), not with another day's: the
 * machine is shared. Every figure is the median of several repeats, with the extremes beside it.
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { netnsFeasibility } from '../src/wan/netns/feasible.js';
import { NetnsFabric } from '../src/wan/netns/fabric.js';
import { CALM, type Topology } from '../src/scenario/index.js';
import { benchBubble } from './bubble.js';
import { benchFlows } from './flows.js';
import type { Pacing } from './pacing.js';
import { Ring, type RingOptions } from './ring.js';
import { filterPacing, shaperPacing, throughputOf, wireThroughput } from './shaper.js';

const REPEATS = 5;
const MIB = 1024 * 1024;
const SLICE = 64 * 1024;
/** What a target says, and the figure it is about. */
const TARGETS = { shapedShare: 0.9, rawShare: 0.4, packetsPerCore: 120_000 };
/** Rates at which the shaper is compared with the kernel's own filter, bit/s, and what that may let out at once, bytes: */
const PACED = [20e6, 100e6];
/** … as Mininet has it. */
const FILTER_BURST = 15_000;
const PACED_QUEUE_SECONDS = 0.2;
const PARTS = ['shaper', 'ring', 'bubble', 'flows'] as const;

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } });
const unknown = (values.only ?? []).filter((name) => !PARTS.some((part) => part === name));
if (unknown.length > 0) {
  process.stderr.write(`bench: --only: found ${unknown.join(', ')}; allowed: ${PARTS.join(', ')}\n`);
  process.exit(2);
}
const wanted = (part: (typeof PARTS)[number]): boolean => values.only?.includes(part) ?? true;

const log = (line: string): void => void process.stderr.write(`${line}\n`);

/** Nodes of equal rates with equal paths; `rate` in bit/s, `delay` one way in seconds. */
function topologyOf(size: number, rate: number, delay: number): Topology {
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  return {
    nodes: ranks.map((rank) => ({
      rank,
      name: `node-${rank}`,
      region: 'bench',
      uplink: rate,
      downlink: rate,
      address: `10.77.0.${rank + 1}`,
    })),
    paths: ranks.map(() => ranks.map(() => ({ delay, ...CALM }))),
    // So deep that TCP never loses a packet to it: the shaper is measured here, not TCP.
    queue: { bytes: 64 * MIB },
    mtu: 1500,
  };
}

const openFabric = (topology: Topology): Promise<NetnsFabric> =>
  NetnsFabric.create({
    topology,
    seed: 1,
    congestion: 'cubic',
    slowStartAfterIdle: false,
    initialWindow: 1000,
  });

/** All-reduce and raw copy in turn, so that both meet the same weather of this machine; seconds each. */
async function benchRing(options: RingOptions): Promise<{ bytes: number; reduce: number[]; raw: number[] }> {
  const ring = await Ring.start(options);
  try {
    await ring.allReduce();
    await ring.rawCopy();
    const reduce: number[] = [];
    const raw: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      reduce.push(await ring.allReduce());
      raw.push(await ring.rawCopy());
    }
    return { bytes: ring.bytesPerNode, reduce, raw };
  } finally {
    await ring.close();
  }
}

async function inFabric<T>(topology: Topology, action: (fabric: NetnsFabric) => Promise<T>): Promise<T> {
  const fabric = await openFabric(topology);
  try {
    return await action(fabric);
  } finally {
    await fabric.close();
  }
}

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const median = (values: readonly number[]): number => sorted(values)[Math.floor(values.length / 2)]!;
const spread = (values: readonly number[], text: (value: number) => string): string =>
  `${text(median(values))} (${text(Math.min(...values))} … ${text(Math.max(...values))})`;
const mbit = (bits: number): string => `${(bits / 1e6).toFixed(1)} Mbit/s`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const milliseconds = (seconds: number): string => `${(1000 * seconds).toFixed(3)} ms`;

async function main(): Promise<void> {
  const feasibility = netnsFeasibility();
  if (feasibility.way !== 'direct') {
    const missing = feasibility.way === 'none' ? feasibility.missing : 'root';
    log(`The shaper is not benchmarked here: it needs ${missing}.`);
  }
  const table = new Table({
    head: ['what', 'figure', 'median (lowest … highest)', 'target'],
    style: { head: [], border: [], compact: true },
  });
  const row = (what: string, figure: string, value: string, target = ''): void =>
    void table.push([what, figure, value, target]);

  if (feasibility.way === 'direct' && wanted('shaper')) {
    for (const [what, size, rate, delay] of [
      ['shaper, 2 nodes, unshaped', 2, Infinity, 0],
      ['shaper, 2 nodes, 10 Gbit/s and 20 ms', 2, 10e9, 0.02],
      ['shaper, 2 nodes, 200 Mbit/s and 20 ms', 2, 200e6, 0.02],
      ['shaper, 8 nodes, 10 Gbit/s and 20 ms', 8, 10e9, 0.02],
      ['shaper, 8 nodes, 40 Mbit/s and 20 ms', 8, 40e6, 0.02],
    ] as const) {
      log(`${what} …`);
      const { packets, packetsPerCore, bits, lateness } = await inFabric(
        topologyOf(size, rate, delay),
        throughputOf,
      );
      const each = (value: number): string => `${Math.round(value)}/s`;
      row(what, 'packets through it', spread(packets, each));
      if (packetsPerCore.length > 0)
        row(
          what,
          'packets per second of its thread',
          spread(packetsPerCore, each),
          `≥ ${TARGETS.packetsPerCore}/s`,
        );
      row(what, 'frames through it', spread(bits, mbit));
      row(
        what,
        'lateness p50, p99, max',
        [lateness.p50, lateness.p99, lateness.max].map(milliseconds).join(', '),
      );
      if (size === 2 && rate === Infinity) {
        log('an unshaped cable …');
        const cable = await wireThroughput();
        row('unshaped cable (veth)', 'TCP, in frames', spread(cable, mbit));
        // Each frame passes the shaper twice.
        row(what, 'headroom: the cable over it', (median(cable) / (median(bits) / 2)).toFixed(1));
      }
    }
    for (const rate of PACED) {
      log(`evenness at ${mbit(rate)}, beside the kernel's TBF …`);
      const queue = (PACED_QUEUE_SECONDS * rate) / 8;
      const ours = await inFabric({ ...topologyOf(2, rate, 0.005), queue: { bytes: queue } }, (fabric) =>
        shaperPacing(fabric, rate),
      );
      pacing(`shaper at ${mbit(rate)}`, ours);
      pacing(`TBF at ${mbit(rate)}, burst ${FILTER_BURST} B`, await filterPacing(rate, FILTER_BURST, queue));
    }
  }
  if (feasibility.way === 'direct' && wanted('ring')) {
    const rate = 40e6;
    log('all-reduce, 4 nodes, 40 Mbit/s and 10 ms …');
    const shaped = await inFabric(topologyOf(4, rate, 0.01), (fabric) =>
      benchRing({ fabric, size: 4, elements: 2 * MIB, slice: SLICE }),
    );
    const share = shaped.reduce.map((seconds) => (8 * shaped.bytes) / seconds / rate);
    row(
      'all-reduce, 40 Mbit/s, 10 ms',
      'goodput of 2V(N−1)/N over the link rate',
      spread(share, percent),
      `≥ ${percent(TARGETS.shapedShare)}`,
    );
    log('all-reduce, 4 nodes, unshaped, through the shaper …');
    const unshaped = await inFabric(topologyOf(4, Infinity, 0), (fabric) =>
      benchRing({ fabric, size: 4, elements: 4 * MIB, slice: 1 * MIB }),
    );
    ratios('all-reduce, unshaped, through the shaper', unshaped);
  }
  for (const tls of wanted('ring') ? [true, false] : []) {
    const what = `all-reduce, plain loopback, ${tls ? 'TLS' : 'no TLS'}`;
    log(`${what} …`);
    ratios(what, await benchRing({ size: 4, elements: 8 * MIB, slice: 1 * MIB, tls }));
  }
  if (wanted('shaper') || wanted('ring')) process.stdout.write(`${table.toString()}\n`);
  if (wanted('bubble')) process.stdout.write(`${await benchBubble(log)}\n`);
  if (wanted('flows')) process.stdout.write(`${benchFlows(log)}\n`);

  function pacing(what: string, { accuracy, largest, variation }: Pacing): void {
    row(what, 'mean rate over set rate', percent(accuracy));
    row(
      what,
      'largest 10 ms, 100 ms over set rate',
      `${percent(largest['10 ms'])}, ${percent(largest['100 ms'])}`,
    );
    row(what, 'variation between windows of 10 ms', percent(variation));
  }

  function ratios(
    what: string,
    { bytes, reduce, raw }: { bytes: number; reduce: number[]; raw: number[] },
  ): void {
    row(
      what,
      'all-reduce, each node',
      spread(
        reduce.map((seconds) => (8 * bytes) / seconds),
        mbit,
      ),
    );
    row(
      what,
      'raw TCP copy of the same bytes',
      spread(
        raw.map((seconds) => (8 * bytes) / seconds),
        mbit,
      ),
    );
    const share = reduce.map((seconds, index) => raw[index]! / seconds);
    row(what, 'all-reduce over raw TCP', spread(share, percent), `≥ ${percent(TARGETS.rawShare)}`);
  }
}

// A benchmark that hangs says so instead of hanging.
const watchdog = setTimeout(() => {
  log('the benchmark did not end within half an hour; giving up');
  process.exit(1);
}, 1_800_000);
await main();
clearTimeout(watchdog);
