/**
 * The geometry of the Heartbeat picture: one row for the whole mesh, then one per node, over a shared axis of
 * time. In each row what is sent rises from a base line and what is received hangs below it, so bursts that
 * come together stand above one another.
 *
 * Rows are laid out in units of a node's row, from the bottom up, as a chart's axis counts.
 */
import type { WireNode, WireSample } from '../../orchestrator/web/wire.js';

export interface Ridge {
  readonly name: string;
  readonly base: number;
  /** Height of a full rate above the base, and its depth below. */
  readonly height: number;
  readonly depth: number;
  /** bit/s that reach the full height. */
  readonly full: number;
}

export interface Ridges {
  /** The mesh first, then the nodes by rank. */
  readonly rows: readonly Ridge[];
  /** Units from the lowest to the highest point. */
  readonly units: number;
}

/** The row of the mesh is as high as this many rows of a node. */
const MESH_UNITS = 1.8;
const HEIGHT = 0.6;
/** Half of the height: what is received is the same bytes once more, and may be quieter. */
const DEPTH = 0.3;
/** Space that rows leave to the next one above. */
const DEPTH_SPACE = 0.34;
/** Readings of a full link may be this much over it, as they are not perfectly regular. */
const OVERSHOOT = 1.1;

/**
 * Full is the fastest uplink, so that heights can be compared and stay. Only where a rate in view is much higher,
 * by a fast downlink, is it that rate; what a reading is over by chance fits in the space between rows.
 */
export function ridgesOf(nodes: readonly WireNode[], samples: readonly WireSample[]): Ridges {
  const uplinks = nodes.map(({ uplink }) => uplink);
  let [highest, highestSum] = [0, 0];
  for (const { up, down } of samples) {
    highest = Math.max(highest, ...up, ...down);
    highestSum = Math.max(highestSum, sum(up), sum(down));
  }
  const full = fullFor(Math.max(1, ...uplinks), highest);
  const all = fullFor(Math.max(1, sum(uplinks)), highestSum);
  const rows = nodes.map(({ name }, rank): Ridge => {
    return { name, base: nodes.length - 1 - rank + DEPTH_SPACE, height: HEIGHT, depth: DEPTH, full };
  });
  const mesh: Ridge = {
    name: 'all nodes',
    base: nodes.length + MESH_UNITS * DEPTH_SPACE,
    height: MESH_UNITS * HEIGHT,
    depth: MESH_UNITS * DEPTH,
    full: all,
  };
  return { rows: [mesh, ...rows], units: nodes.length + MESH_UNITS };
}

function fullFor(capacity: number, highest: number): number {
  return highest > OVERSHOOT * capacity ? highest : capacity;
}

/** Where the rates of a row lie on the axis: egress above the base, ingress below; one value per sample. */
export function curvesOf(
  { base, height, depth, full }: Ridge,
  up: readonly number[],
  down: readonly number[],
): { readonly up: number[]; readonly down: number[] } {
  return {
    up: up.map((rate) => base + (height * rate) / full),
    down: down.map((rate) => base - (depth * rate) / full),
  };
}

/** All rows' curves, in the rows' order: ingress and egress of the mesh, then of each node. */
export function columnsOf({ rows }: Ridges, samples: readonly WireSample[]): number[][] {
  return rows.flatMap((row, index) => {
    const up = samples.map((sample) => (index === 0 ? sum(sample.up) : (sample.up[index - 1] ?? 0)));
    const down = samples.map((sample) => (index === 0 ? sum(sample.down) : (sample.down[index - 1] ?? 0)));
    const curves = curvesOf(row, up, down);
    return [curves.down, curves.up];
  });
}

function sum(rates: readonly number[]): number {
  return rates.reduce((total, rate) => total + rate, 0);
}
