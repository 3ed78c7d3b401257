/**
 * What a path should do, as set: the one definition that the gate's quick probes and `meshbeat verify` hold their
 * measurements against. Both measure less than everything; neither may have an opinion of its own of what is right.
 *
 * Pure: a topology in, numbers out. Seconds, bit/s, bytes, shares.
 */
import { hostsOf, pathRate, type QueueLimit, type Topology } from '../scenario/topology.js';
import { jitterMean, jitterQuantile, lossVariance, type Loss } from '../scenario/weather.js';
import { mean, quantile } from './statistics.js';

/** Ethernet header, which rates count; without preamble and checksum, as `tc` counts. */
export const ETHERNET_BYTES = 14;

export interface ExpectedRoundTrip {
  /** Without jitter, and of packets that do not overtake; serialization included; seconds. */
  readonly plain: number;
  /** Mean of all, seconds. */
  readonly mean: number;
  /** The round trip below which a share of all lies, seconds. */
  quantile(share: number): number;
}

/** Points by which the distribution of one direction stands for itself where two are added. */
const POINTS = 250;

/**
 * The round trip between two hosts of a packet of so many bytes (IP) that is sent back as it is, with the links idle.
 *
 * @param bytes 0 for what no rate delays
 */
export function expectedRoundTrip(topology: Topology, a: number, b: number, bytes = 0): ExpectedRoundTrip {
  const there = topology.paths[a]![b]!;
  const back = topology.paths[b]![a]!;
  const fixed =
    there.delay +
    back.delay +
    (bytes === 0 ? 0 : serialization(topology, a, b, bytes) + serialization(topology, b, a, bytes));
  const points = (jitter: typeof there.jitter): number[] =>
    Array.from({ length: POINTS }, (_, index) => jitterQuantile(jitter, (index + 0.5) / POINTS));
  let sums: number[] | undefined;
  return {
    plain: fixed,
    // Who overtakes spends no time on the path.
    mean: [there, back].reduce(
      (sum, { delay, jitter, reorder }) => sum + jitterMean(jitter) - reorder * (delay + jitterMean(jitter)),
      fixed,
    ),
    quantile: (share) => {
      sums ??= points(there.jitter)
        .flatMap((one) => points(back.jitter).map((other) => one + other))
        .sort((x, y) => x - y);
      return fixed + quantile(sums, share);
    },
  };
}

/** Time that a packet of so many bytes (IP) takes to pass all links of a path, seconds. */
function serialization(topology: Topology, from: number, to: number, bytes: number): number {
  return linksOf(topology, from, to).reduce((sum, rate) => sum + (8 * (bytes + ETHERNET_BYTES)) / rate, 0);
}

/** Rates of the links that a packet passes, bit/s. */
function linksOf(topology: Topology, from: number, to: number): number[] {
  const hosts = hostsOf(topology);
  const shared = (topology.paths[from]![to]!.bottlenecks ?? []).map(
    (index) => topology.bottlenecks![index]!.rate,
  );
  return [hosts[from]!.uplink, ...shared, hosts[to]!.downlink];
}

/** The rate of a path, bit/s of Ethernet frames. */
export const expectedRate = pathRate;

/** What a queue holds, bytes, in front of a link of so many bit/s. */
export const queueBytes = (limit: QueueLimit, rate: number): number =>
  'bytes' in limit ? limit.bytes : (limit.seconds * rate) / 8;

/** How long a full queue takes to empty, seconds. */
export const queueSeconds = (limit: QueueLimit, rate: number): number =>
  'seconds' in limit ? limit.seconds : (8 * limit.bytes) / rate;

/** What each property may be off by. */
export interface Tolerances {
  /** Of a round trip: seconds, and share; the larger holds. */
  readonly roundTripSeconds: number;
  readonly roundTripShare: number;
  readonly rateShare: number;
  /** Of a share of packets: deviations of what chance alone does. */
  readonly lossDeviations: number;
}

/**
 * The gate's, before each run: a few echoes and a fifth of a second of datagrams on each path, of which the least or
 * the median counts. 1 in 15,000 healthy probes of loss fails.
 */
export const GATE_TOLERANCES: Tolerances = {
  roundTripSeconds: 0.002,
  roundTripShare: 0.03,
  rateShare: 0.05,
  lossDeviations: 4,
};

export const roundTripTolerance = (
  expected: number,
  { roundTripSeconds, roundTripShare }: Pick<Tolerances, 'roundTripSeconds' | 'roundTripShare'>,
): number => Math.max(roundTripSeconds, roundTripShare * expected);

/** Of the share of `count` packets that is lost. Where so little is lost that none is expected, a single packet may be. */
export const lossTolerance = (
  loss: Loss,
  count: number,
  { lossDeviations }: Pick<Tolerances, 'lossDeviations'>,
): number => lossDeviations * Math.sqrt(Math.max(lossVariance(loss, count), 1 / count ** 2));

/** Mean of measured round trips, and what is between their tenth and ninetieth percentile; seconds. */
export function spreadOf(sorted: ArrayLike<number>): { readonly mean: number; readonly spread: number } {
  return { mean: mean(sorted), spread: quantile(sorted, 0.9) - quantile(sorted, 0.1) };
}
