/** Volume thresholds and the dispersion graph. */
import { describe, expect, test } from 'vitest';
import { dispersionGraph, measureGraph } from '../../../src/detection/patterns/dispersion-graph.js';
import type { HostLoad } from '../../../src/detection/patterns/pattern.js';
import { fastnetmon, highestAverage, lowVolume } from '../../../src/detection/patterns/volume.js';
import { emptySight } from '../../support/sights.js';

describe('the average speed', () => {
  test('of a steady host it becomes its speed', () => {
    expect(highestAverage(new Array<number>(100).fill(700), 1)).toBeCloseTo(700, 3);
    expect(highestAverage(new Array<number>(100).fill(1400), 2)).toBeCloseTo(700, 3);
  });

  test('one busy second is a fifth of itself', () => {
    expect(highestAverage([0, 1000, 0, 0], 1)).toBeCloseTo(1000 * (1 - Math.exp(-1 / 5)), 9);
  });

  test('nothing is nothing', () => expect(highestAverage([], 1)).toBe(0));
});

describe('volume thresholds', () => {
  const load = (packets: number, bytes: number, flows = 1): HostLoad => ({
    address: '10.0.0.1',
    binSeconds: 1,
    packetsIn: new Float64Array(60),
    packetsOut: new Float64Array(60).fill(packets),
    bytesIn: new Float64Array(60).fill(bytes),
    bytesOut: new Float64Array(60),
    flows: new Float64Array(60).fill(flows),
  });
  const fires = async (pattern: typeof fastnetmon, host: HostLoad) =>
    (await pattern.examine({ ...emptySight(60), hosts: [host] })).findings[0]?.fires;

  test.each([
    ['999 packets/s', load(999, 0), false, false],
    ['1001 packets/s', load(1001, 0), true, false],
    ['20001 packets/s', load(20_001, 0), true, true],
    ['49 Mbit/s', load(1, 49e6 / 8), false, false],
    ['51 Mbit/s', load(1, 51e6 / 8), true, false],
    ['1.01 Gbit/s', load(1, 1.01e9 / 8), true, true],
    ['3501 flows', load(1, 1, 3501), true, false],
  ])('%s', async (_, host, low, shipped) => {
    expect(await fires(lowVolume, host)).toBe(low);
    expect(await fires(fastnetmon, host)).toBe(shipped);
  });
});

describe('the dispersion graph', () => {
  const full = ['a', 'b', 'c', 'd'].flatMap((one, index, all) =>
    all.slice(index + 1).map((other): [string, string] => (index % 2 === 0 ? [one, other] : [other, one])),
  );
  const ring: [string, string][] = [
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'd'],
    ['d', 'a'],
  ];
  const star = Array.from({ length: 9 }, (_, index): [string, string] => [`client ${index}`, 'server']);

  test.each([
    ['four, each to each', full, { nodes: 4, pairs: 6, degree: 3 }, true],
    ['a ring', ring, { nodes: 4, pairs: 4, degree: 2, inAndOut: 1 }, false],
    ['clients and a server', star, { nodes: 10, pairs: 9, degree: 1.8, inAndOut: 0 }, false],
  ])('%s', async (_, edges, measures, fires) => {
    expect(measureGraph(edges)).toMatchObject(measures);
    const { findings } = await dispersionGraph.examine({ ...emptySight(1), edges });
    expect(findings[0]?.fires).toBe(fires);
  });

  test('a pair counts once, whoever opens', () => {
    expect(
      measureGraph([
        ['a', 'b'],
        ['b', 'a'],
      ]),
    ).toEqual({ nodes: 2, pairs: 1, degree: 1, inAndOut: 1 });
  });
});
