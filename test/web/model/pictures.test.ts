/** The geometry of the pictures: rows, the axis of time, the graph, and the loss curve. */
import { describe, expect, it } from 'vitest';
import { arcsOf, glow, HEIGHT, placesOf, WIDTH } from '../../../web/model/graph.js';
import { lossPoints } from '../../../web/model/loss.js';
import { columnsOf, ridgesOf } from '../../../web/model/ridges.js';
import { expectedEnds, viewOf, windowSeconds } from '../../../web/model/timeline.js';
import { boardOf, nodeOf, readings } from './runs.js';

describe('the rows of the heartbeat', () => {
  const nodes = [nodeOf(0), nodeOf(1), nodeOf(2)];

  it('are the mesh, then the nodes, from top to bottom, and never overlap', () => {
    const { rows, units } = ridgesOf(nodes, []);
    expect(rows.map(({ name }) => name)).toEqual(['all nodes', 'node-0', 'node-1', 'node-2']);
    rows.forEach(({ base, height }, index) => {
      const above = rows[index - 1];
      const floor = above === undefined ? units : above.base - above.depth;
      expect(base + height).toBeLessThan(floor);
    });
    const lowest = rows.at(-1)!;
    expect(lowest.base - lowest.depth).toBeGreaterThan(0);
  });

  it('have one scale for all nodes, that of the fastest uplink, which small overshoots leave alone', () => {
    const mixed = [nodeOf(0), nodeOf(1, { uplink: 10e6 })];
    expect(ridgesOf(mixed, []).rows.map(({ full }) => full)).toEqual([50e6, 40e6, 40e6]);
    expect(ridgesOf(mixed, readings(0, 42e6)).rows[1]!.full).toBe(40e6);
    expect(ridgesOf(mixed, readings(0, 90e6)).rows.map(({ full }) => full)).toEqual([180e6, 90e6, 90e6]);
  });

  it('show egress above the base and ingress below it, and the mesh as the sum', () => {
    const ridges = ridgesOf(nodes, []);
    const sample = { time: 1, up: [40e6, 20e6, 0], down: [0, 40e6, 20e6] };
    const [meshDown, meshUp, down0, up0, down1, up1] = columnsOf(ridges, [sample]).map(([value]) => value!);
    const [mesh, first, second] = ridges.rows;
    expect(meshUp).toBeCloseTo(mesh!.base + mesh!.height / 2);
    expect(meshDown).toBeCloseTo(mesh!.base - mesh!.depth / 2);
    expect([down0, up0]).toEqual([first!.base, first!.base + first!.height]);
    expect([down1, up1]).toEqual([second!.base - second!.depth, second!.base + second!.height / 2]);
  });
});

describe('the axis of time', () => {
  it('shows a dozen periods, but one to two minutes', () => {
    expect([null, 1, 8, 60].map(windowSeconds)).toEqual([60, 60, 96, 120]);
  });

  it('grows with the run, then scrolls', () => {
    expect(viewOf(0, 3, 60)).toEqual({ from: 0, to: 25 });
    expect(viewOf(0, 40, 60)).toEqual({ from: 0, to: 40 });
    expect(viewOf(0, 90, 60)).toEqual({ from: 30, to: 90 });
  });

  it('expects rounds to end one period apart, reckoned from the newest that has', () => {
    const span = { from: 0, to: 20 };
    expect(expectedEnds(span, 5, null)).toEqual([5, 10, 15, 20]);
    expect(expectedEnds(span, 5, 11)).toEqual([6, 11, 16]);
    expect(expectedEnds({ from: 30, to: 40 }, 5, 11)).toEqual([31, 36]);
    expect(expectedEnds(span, null, 11)).toEqual([]);
    // Lines closer than can be seen are none.
    expect(expectedEnds(span, 0.01, null)).toEqual([]);
  });
});

describe('the graph', () => {
  it.each([1, 2, 3, 8, 16, 32])('has room for %i nodes: none overlap, all within the picture', (count) => {
    const places = placesOf(count);
    expect(places).toHaveLength(count);
    for (const [index, { x, y, radius }] of places.entries()) {
      expect(Math.min(x, y, WIDTH - x, HEIGHT - y)).toBeGreaterThan(radius);
      for (const other of places.slice(index + 1))
        expect(Math.hypot(x - other.x, y - other.y)).toBeGreaterThan(radius + other.radius);
    }
  });

  it('has an arc for each direction, and there is not where back is', () => {
    const arcs = arcsOf(placesOf(4));
    expect(arcs).toHaveLength(12);
    expect(new Set(arcs.map(({ path }) => path)).size).toBe(12);
    const middle = (from: number, to: number): number[] => {
      const { path } = arcs.find((arc) => arc.from === from && arc.to === to)!;
      return /Q(\S+) (\S+) /.exec(path)!.slice(1).map(Number);
    };
    expect(middle(0, 2)[0]).toBeGreaterThan(WIDTH / 2);
    expect(middle(2, 0)[0]).toBeLessThan(WIDTH / 2);
    for (const { path } of arcs) expect(path).toMatch(/^M[\d.]+ [\d.]+ Q[\d.]+ [\d.]+ [\d.]+ [\d.]+$/);
  });

  it('lights arcs by the share of the uplink, and not for keep-alives', () => {
    expect([0, 0.5e6, 40e6, 80e6].map((rate) => glow(rate, 40e6))).toEqual([0, 0, 1, 1]);
    expect(glow(10e6, 40e6)).toBeCloseTo(0.5);
    expect(glow(1e6, 0)).toBe(0);
  });
});

describe('the loss curve', () => {
  const finishedRounds = [0, 1].map((round) => ({
    round,
    endSeconds: 5,
    periodSeconds: null,
    meanLoss: 5 - round,
  }));

  it('has a point per finished round, and one for where the nodes are', () => {
    const nodes = [nodeOf(0, { steps: 19 }), nodeOf(1, { steps: 21 })];
    expect(lossPoints(boardOf({ finishedRounds, nodes, meanLoss: 3.5 }))).toEqual([
      { round: 1, loss: 5 },
      { round: 2, loss: 4 },
      { round: 2.5, loss: 3.5 },
    ]);
  });

  it('does not say the last round twice', () => {
    const nodes = [nodeOf(0, { steps: 16 }), nodeOf(1, { steps: 16 })];
    expect(lossPoints(boardOf({ finishedRounds, nodes, meanLoss: 4 }))).toHaveLength(2);
    expect(lossPoints(boardOf())).toEqual([]);
  });

  it('leaves out rounds without a loss', () => {
    const [first] = finishedRounds;
    expect(lossPoints(boardOf({ finishedRounds: [{ ...first!, meanLoss: null }] }))).toEqual([]);
  });
});
