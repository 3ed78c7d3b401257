import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Topology } from '../../../src/scenario/topology.js';
import { meterIndices, nodeLines, pairOfMeter, portLines } from '../../../src/wan/netem/plan.js';
import { clean, topologyOf } from '../topologies.js';

const sizes = fc.integer({ min: 2, max: 20 });
const topologyOfSize = (size: number): Topology =>
  topologyOf(
    Array.from({ length: size }, (_, rank) => ({ uplink: (rank + 1) * 1e6, downlink: (rank + 1) * 2e6 })),
    (from, to) => clean(0.001 * (1 + from * size + to)),
  );

/** What a line says after a word. */
const after = (line: string, word: string): string => new RegExp(`${word} (\\S+)`).exec(line)?.[1] ?? '';

/** By class: the delay of its netem, in milliseconds. */
const delays = (lines: readonly string[]) =>
  new Map(
    lines
      .filter((line) => line.includes(' netem '))
      .map((line) => [after(line, 'parent'), Number.parseFloat(after(line, 'delay')) / 1000]),
  );

describe('the plan of qdiscs', () => {
  test('a node has a class for each peer, with the delay of the path to it', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const topology = topologyOfSize(size);
        for (const { rank } of topology.nodes) {
          const lines = nodeLines(topology, rank);
          const found = delays(lines);
          expect(found.size).toBe(size - 1);
          for (const { rank: peer, address } of topology.nodes) {
            const held = lines.find((line) => line.includes(`match ip dst ${address}/32`));
            if (peer === rank) expect(held).toBeUndefined();
            else expect(found.get(after(held!, 'flowid'))).toBeCloseTo(1 + rank * size + peer, 6);
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test('a port has a class for each peer, with the delay of the path from it, for what goes to who was dialed', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const topology = topologyOfSize(size);
        for (const { rank } of topology.nodes) {
          const lines = portLines(topology, rank);
          const found = delays(lines);
          expect(found.size).toBe(size - 1);
          for (const { rank: peer, address } of topology.nodes) {
            const [held, passing, ...others] = lines.filter((line) =>
              line.includes(`match ip src ${address}/32`),
            );
            expect(others).toEqual([]);
            if (peer === rank) {
              expect(held).toBeUndefined();
              continue;
            }
            expect(after(held!, 'prio')).toBe('1');
            expect(held).toContain('match ip sport 0x8000 0x8000 match ip dport 0x0000 0x8000');
            expect(found.get(after(held!, 'flowid'))).toBeCloseTo(1 + peer * size + rank, 6);
            expect(after(passing!, 'prio')).toBe('2');
            expect(after(passing!, 'flowid')).toBe('1:0');
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test('what goes to who was dialed passes its sender: that filter is asked first', () => {
    const lines = nodeLines(topologyOfSize(3), 0).filter((line) =>
      line.startsWith('filter add dev eth0 parent 1:'),
    );
    expect(lines[0]).toMatch(/prio 1 u32 match ip protocol 6 .* flowid 1:0$/);
    for (const line of lines.slice(1)) expect(after(line, 'prio')).toBe('2');
  });

  test('each link has its own rate, in front of what is received from it', () => {
    const topology = topologyOfSize(3);
    expect(nodeLines(topology, 1).filter((line) => line.includes(' tbf '))).toEqual([
      expect.stringMatching(/^qdisc add dev down0 root handle 1: tbf rate 4000000bit /),
    ]);
    expect(portLines(topology, 1).filter((line) => line.includes(' tbf '))).toEqual([
      expect.stringMatching(/^qdisc add dev up1 root handle 1: tbf rate 2000000bit /),
    ]);
    expect(nodeLines(topology, 1).join('\n')).toMatch(/eth0 parent ffff: .* redirect dev down0$/m);
    expect(portLines(topology, 1).join('\n')).toMatch(/veth1 parent ffff: .* redirect dev up1$/m);
  });

  test('each pair is counted under two indices of its own, and can be told from them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), (size) => {
        const seen = new Set<number>();
        for (let from = 0; from < size; from++) {
          for (let to = 0; to < size; to++) {
            for (const index of meterIndices({ from, to }, size)) {
              expect(index).toBeGreaterThan(0);
              expect(pairOfMeter(index, size)).toEqual({ from, to });
              seen.add(index);
            }
          }
        }
        expect(seen.size).toBe(2 * size * size);
      }),
      { numRuns: 20 },
    );
  });
});
