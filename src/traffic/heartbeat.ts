/**
 * The heartbeat of a mesh: bursts that come at regular intervals, taken over all nodes together.
 *
 * The beat belongs to the mesh and not to a node, so bursts are found in the summed egress of all nodes,
 * and each node's bytes are then read off inside them. What the figures of `Heartbeat` mean:
 *
 * - `periodSeconds`: the median of the intervals between successive burst starts. The median, for a burst
 *   that was missed or split makes one or two intervals wrong by a factor and would drag the mean along,
 *   while the median stays at the period as long as most intervals are right.
 * - `periodCv`: standard deviation of these intervals divided by their mean (population form).
 * - `burstBytesPerNode`: frame bytes (headers, acknowledgements and all, as on the wire) that a node sent
 *   in a burst; the mean over the bursts, then over the nodes.
 * - `burstSeconds`: mean length of a burst.
 * - `dutyCycle`: length of all bursts but the last, divided by the time from the first start to the last:
 *   whole cycles only, so that the quiet before and after a run does not count.
 * - `count`: number of bursts.
 *
 * It measures and does not judge: a video stream may have a heartbeat too. Whether one is training is the
 * question of src/detection.
 */
import type { Heartbeat } from '../run/files.js';
import { burstDefaults, detectBursts } from './bursts.js';
import type { BinBurst, BurstOptions } from './bursts.js';
import { forEachOnGrid, gridOver, onGrid } from './grid.js';
import type { Grid } from './grid.js';
import type { Host } from './hosts.js';
import { lastStartedBy } from './last-started.js';
import type { SeriesPool } from './series.js';
import { mean, median, variation } from './statistics.js';

export interface HeartbeatOptions {
  /** Hosts that sent less than this share of what the largest sender sent are no nodes. Default 0.05. */
  readonly nodeShare: number;
  /** Fewest bursts that make a beat. Default 3. */
  readonly minBursts: number;
  /** Intervals that vary more than this are no beat. Default 0.4; independent arrivals have about 1. */
  readonly maxCv: number;
  readonly bursts: BurstOptions;
}

export const heartbeatDefaults: HeartbeatOptions = {
  nodeShare: 0.05,
  minBursts: 3,
  maxCv: 0.4,
  bursts: burstDefaults,
};

/** A burst, in seconds since the first packet. */
export interface Burst {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Frame bytes sent by all nodes together. */
  readonly bytes: number;
}

export interface NodeBursts {
  readonly address: string;
  /** Mean frame bytes sent in one burst of the mesh. */
  readonly burstBytes: number;
  /** Mean rate within the bursts of the mesh, bit/s. */
  readonly burstRate: number;
  /** Bursts of the mesh that it took part in: sent at least a fifth of its own mean. */
  readonly bursts: number;
}

export interface HeartbeatReport {
  /** Null when there is none; `reason` then says why. */
  readonly heartbeat: Heartbeat | null;
  readonly reason: string | null;
  /** Bursts of the mesh; also given when they form no beat. */
  readonly bursts: readonly Burst[];
  readonly nodes: readonly NodeBursts[];
  /** Silence that ended a burst, and the width of the bins that bursts were sought in. */
  readonly holdSeconds: number;
  readonly binSeconds: number;
}

/** Bins of the longest series analysed; a longer capture is looked at in wider bins. */
const MAX_GRID_BINS = 2 ** 21;

/**
 * Finds the heartbeat in the egress of the given hosts.
 *
 * @param hosts all hosts; those that send too little to be nodes are left out here.
 * @param pool the pool of the hosts' series.
 */
export function findHeartbeat(
  hosts: readonly Host[],
  pool: SeriesPool,
  options: HeartbeatOptions = heartbeatDefaults,
): HeartbeatReport {
  const most = hosts.reduce((max, host) => Math.max(max, host.sentBytes), 0);
  const nodes = hosts.filter((host) => host.sentBytes > 0 && host.sentBytes >= options.nodeShare * most);
  const series = nodes.map((node) => node.egress);
  const grid = gridOver(series, pool, MAX_GRID_BINS);
  if (grid === undefined) {
    const reason = 'there is no IP traffic';
    return { heartbeat: null, reason, bursts: [], nodes: [], holdSeconds: 0, binSeconds: pool.binSeconds };
  }
  const { bursts, holdSeconds, reason } = detectBursts(
    onGrid(series, pool, grid),
    grid.binSeconds,
    options.bursts,
  );
  const perNode = nodes.map((node) => nodeBursts(node, bursts, pool, grid));
  const inSeconds = bursts.map((burst) => ({
    startSeconds: grid.startSeconds + burst.start * grid.binSeconds,
    endSeconds: grid.startSeconds + burst.end * grid.binSeconds,
    bytes: burst.bytes,
  }));
  const beat = reason ?? measure(inSeconds, mean(perNode.map((node) => node.burstBytes)), options);
  return {
    heartbeat: typeof beat === 'string' ? null : beat,
    reason: typeof beat === 'string' ? beat : null,
    bursts: inSeconds,
    nodes: perNode,
    holdSeconds,
    binSeconds: grid.binSeconds,
  };
}

/** The figures of a beat, or why there is none. */
function measure(
  bursts: readonly Burst[],
  burstBytesPerNode: number,
  options: HeartbeatOptions,
): Heartbeat | string {
  const first = bursts[0];
  const last = bursts.at(-1);
  if (first === undefined || last === undefined || bursts.length < options.minBursts) {
    return `found ${bursts.length} of the ${options.minBursts} bursts that make a beat`;
  }
  const intervals = bursts.slice(1).map((burst, index) => burst.startSeconds - bursts[index]!.startSeconds);
  const periodCv = variation(intervals);
  if (periodCv > options.maxCv) {
    const cv = periodCv.toFixed(2);
    return `${bursts.length} bursts come without a beat: their intervals have a CV of ${cv}, above ${options.maxCv}`;
  }
  const lengths = bursts.map((burst) => burst.endSeconds - burst.startSeconds);
  const whole = lengths.slice(0, -1).reduce((sum, length) => sum + length, 0);
  return {
    periodSeconds: median(intervals),
    periodCv,
    burstBytesPerNode,
    burstSeconds: mean(lengths),
    dutyCycle: whole / (last.startSeconds - first.startSeconds),
    count: bursts.length,
  };
}

/** What one node sent in each of the bursts, from the bins that exist: there may be thousands of nodes. */
function nodeBursts(node: Host, bursts: readonly BinBurst[], pool: SeriesPool, grid: Grid): NodeBursts {
  const sent = new Float64Array(bursts.length);
  forEachOnGrid(node.egress, pool, grid, (bin, bytes) => {
    const index = lastStartedBy(bursts, ({ start }) => start, bin);
    if (index >= 0 && bin < bursts[index]!.end) sent[index]! += bytes;
  });
  const burstBytes = mean([...sent]);
  const seconds = bursts.reduce((sum, { start, end }) => sum + end - start, 0) * grid.binSeconds;
  return {
    address: node.address,
    burstBytes,
    burstRate: seconds === 0 ? 0 : (8 * burstBytes * bursts.length) / seconds,
    bursts: sent.filter((bytes) => bytes > 0 && bytes >= 0.2 * burstBytes).length,
  };
}
