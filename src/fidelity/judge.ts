/**
 * From measurements to checks: each figure beside what was set and the bounds that it must lie in. Pure.
 *
 * Three kinds of bounds. What the emulator has to hit (a round trip, a rate, a queue) has a tolerance that this file
 * states. What is drawn at random (loss, copies, overtaking, damage) has the interval in which chance alone keeps it 99
 * times of 100, however many packets there were. And what should not be at all may be once in ten thousand.
 */
import { hostsOf, type Topology } from '../scenario/topology.js';
import { lossVariance, meanLoss, meanLossRun } from '../scenario/weather.js';
import type { Lateness } from '../wan/fabric.js';
import {
  ETHERNET_BYTES,
  expectedRate,
  expectedRoundTrip,
  queueBytes,
  queueSeconds,
  roundTripTolerance,
  spreadOf,
} from './expected.js';
import type { EchoTimes } from './instrument-protocol.js';
import { ascending, NORMAL_99, quantile, shareVariance } from './statistics.js';
import { segmentOf, type FlowRates } from './stream.js';
import type { OverfillFigures, TrainFigures } from './train.js';

/** One property of one path, measured. */
export interface FidelityCheck {
  readonly property: string;
  /** Between whom, e.g. "us-east → eu-west". */
  readonly path: string;
  /** What was set, or follows from it; null where there is only a limit. */
  readonly set: number | null;
  readonly measured: number;
  /** The bounds that `measured` must lie in. */
  readonly least: number;
  readonly most: number;
  /** Of all four numbers: s, bit/s, bytes, share, packets. */
  readonly unit: string;
  readonly ok: boolean;
  /** What else the measurement showed, for people. */
  readonly note: string;
}

const ROUND_TRIP = { roundTripSeconds: 0.001, roundTripShare: 0.02 };
/** Of the spread of round trips: seconds and share, the larger; this machine's own moods are in it. */
const SPREAD = { seconds: 0.001, share: 0.1 };
/** Goodput, headers added, over the set rate: below for what TCP's own control leaves unused, above for clocks. */
const TCP = { least: 0.93, most: 1.01 };
const UDP = { least: 0.98, most: 1.01 };
/** Of what a queue holds: share, and full frames. */
const QUEUE = { share: 0.05, frames: 4 };
const FLOW_SHARE = { least: 0.45, most: 0.55 };
/** Of packets, for what was not set to happen. */
const NEVER = 1e-4;
/** 99 of 100 packets must leave within this time of when the model wanted them out, seconds. */
const LATENESS_P99 = 0.002;

interface Draft {
  readonly property: string;
  readonly path: string;
  readonly set: number | null;
  readonly measured: number;
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  readonly note?: string;
}

/** A measurement that is not even a number has failed. */
const judged = ({ note = '', ...draft }: Draft): FidelityCheck => ({
  ...draft,
  note,
  ok: draft.measured >= draft.least && draft.measured <= draft.most,
});

const around = (set: number, tolerance: number): Pick<FidelityCheck, 'set' | 'least' | 'most'> => ({
  set,
  least: Math.max(0, set - tolerance),
  most: set + tolerance,
});

const within = (set: number, { least, most }: { least: number; most: number }) => ({
  set,
  least: least * set,
  most: most * set,
});

export const pathName = (topology: Topology, from: number, to: number): string => {
  const hosts = hostsOf(topology);
  return `${hosts[from]!.name} → ${hosts[to]!.name}`;
};

const pairName = (topology: Topology, a: number, b: number): string =>
  pathName(topology, a, b).replace('→', '↔');

const milliseconds = (seconds: number): string => `${(1000 * seconds).toFixed(2)} ms`;

/**
 * @param bytes of each echo's IP packet; 0 if it is not to be counted
 * @param ticks of the fabric's own clock, by which each way may be longer, seconds
 */
export function roundTripChecks(
  topology: Topology,
  [a, b]: readonly [number, number],
  { sent, seconds }: EchoTimes,
  { bytes, ticks }: { readonly bytes: number; readonly ticks: number },
): FidelityCheck[] {
  const expected = expectedRoundTrip(topology, a, b, bytes);
  const sorted = ascending(seconds);
  const { mean, spread } = spreadOf(sorted);
  const setSpread = expected.quantile(0.9) - expected.quantile(0.1);
  const path = pairName(topology, a, b);
  const least = milliseconds(sorted[0] ?? NaN);
  const middle = `p50 ${milliseconds(quantile(sorted, 0.5))} (set ${milliseconds(expected.quantile(0.5))})`;
  const high = `p99 ${milliseconds(quantile(sorted, 0.99))} (set ${milliseconds(expected.quantile(0.99))})`;
  return [
    judged({
      property: 'round trip, mean',
      path,
      ...around(expected.mean, roundTripTolerance(expected.mean, ROUND_TRIP) + 2 * ticks),
      measured: mean,
      unit: 's',
      note: `${sorted.length} of ${sent} echoes: least ${least}, ${middle}, ${high}`,
    }),
    judged({
      property: 'round trip, p10 to p90',
      path,
      ...around(setSpread, Math.max(SPREAD.seconds, SPREAD.share * setSpread) + 2 * ticks),
      measured: spread,
      unit: 's',
    }),
  ];
}

/** A link that flows fill together: how much of its rate they get, headers counted. */
export function tcpRateCheck(
  topology: Topology,
  property: string,
  path: string,
  set: number,
  { each, together: goodput }: FlowRates,
): FidelityCheck {
  const { payload, frame } = segmentOf(topology.mtu);
  const flows = each.length === 1 ? '' : ` of ${each.length} flows`;
  return judged({
    property,
    path,
    ...within(set, TCP),
    measured: (goodput * frame) / payload,
    unit: 'bit/s',
    note: `goodput${flows} ${(goodput / 1e6).toFixed(2)} Mbit/s, ${((100 * goodput) / set).toFixed(1)} % of the rate`,
  });
}

export function overfillChecks(
  topology: Topology,
  [from, to]: readonly [number, number],
  figures: OverfillFigures | null,
): FidelityCheck[] {
  const rate = expectedRate(topology, from, to);
  const path = pathName(topology, from, to);
  const frame = topology.mtu + ETHERNET_BYTES;
  const slack = QUEUE.frames * frame;
  // The datagram that is measured is itself a part of the full queue.
  const wait = queueSeconds(topology.queue, rate) - (8 * frame) / rate;
  const held = queueBytes(topology.queue, rate);
  return [
    judged({
      property: 'UDP rate',
      path,
      ...within(rate, UDP),
      measured: figures?.rate ?? NaN,
      unit: 'bit/s',
    }),
    judged({
      property: 'queue, longest wait',
      path,
      ...around(wait, QUEUE.share * wait + (8 * slack) / rate),
      measured: figures?.wait ?? NaN,
      unit: 's',
    }),
    judged({
      property: 'queue, held at the first drop',
      path,
      ...around(held, QUEUE.share * held + slack),
      measured: figures?.held ?? NaN,
      unit: 'bytes',
    }),
  ];
}

/** @param meter What the meter itself did to the train: datagrams that found its buffer full, and damaged ones. */
export function trainChecks(
  topology: Topology,
  [from, to]: readonly [number, number],
  train: TrainFigures,
  meter: { readonly overflowed: number; readonly damaged: number },
): FidelityCheck[] {
  const { loss, duplicate, reorder, corrupt } = topology.paths[from]![to]!;
  const path = pathName(topology, from, to);
  const { sent, received } = train;
  const reached = received + meter.damaged + meter.overflowed;
  const lost = sent - reached;
  const note = `${sent} datagrams${meter.overflowed > 0 ? `, ${meter.overflowed} of them came and were missed by the meter` : ''}`;
  const chance = (property: string, set: number, measured: number, variance: number): FidelityCheck =>
    judged({
      property,
      path,
      set,
      measured,
      ...(set === 0
        ? { least: 0, most: NEVER }
        : {
            least: Math.max(0, set - NORMAL_99 * Math.sqrt(variance)),
            most: set + NORMAL_99 * Math.sqrt(variance),
          }),
      unit: 'share',
      note,
    });
  const mean = meanLoss(loss);
  const checks = [chance('loss', mean, Math.max(0, lost / sent), lossVariance(loss, sent))];
  if (loss.kind === 'gilbert-elliott') checks.push(lossRunCheck(path, meanLossRun(loss), lost, train));
  const independent = (property: string, set: number, hits: number, of: number): FidelityCheck =>
    chance(property, set, hits / of, shareVariance(set, of));
  return [
    ...checks,
    independent('duplicate', duplicate, train.duplicates, received),
    independent('reorder', reorder, train.overtakers, received),
    independent('corrupt', corrupt, meter.damaged, sent - lost),
  ];
}

/**
 * Bursts are what tells Gilbert and Elliott from chance of the same mean. Their lengths vary about as a geometric
 * distribution of the same mean does: deviation √(l(l−1)).
 */
function lossRunCheck(path: string, set: number, lost: number, { lossRuns }: TrainFigures): FidelityCheck {
  const tolerance = (NORMAL_99 * Math.sqrt(set * Math.max(set - 1, 0))) / Math.sqrt(Math.max(1, lossRuns));
  return judged({
    property: 'loss, mean run',
    path,
    ...around(set, tolerance),
    measured: lost / lossRuns,
    unit: 'packets',
    note: `${lossRuns} runs`,
  });
}

/** Two flows through a shared queue: what each got of what both got. */
export function sharingChecks(paths: readonly string[], { each }: FlowRates): FidelityCheck[] {
  const sum = each.reduce((total, rate) => total + rate, 0);
  return each.map((rate, index) =>
    judged({
      property: 'share of the bottleneck',
      path: paths[index]!,
      set: 1 / each.length,
      ...FLOW_SHARE,
      measured: rate / sum,
      unit: 'share',
    }),
  );
}

export function latenessCheck({ count, p50, p99, max }: Lateness): FidelityCheck {
  return judged({
    property: 'lateness of shaped packets, p99',
    path: 'all',
    set: null,
    least: 0,
    most: LATENESS_P99,
    measured: p99,
    unit: 's',
    note: `${count} packets: p50 ${milliseconds(p50)}, most ${milliseconds(max)}`,
  });
}
