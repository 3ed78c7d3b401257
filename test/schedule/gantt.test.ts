import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { compileRound } from '../../orchestrator/schedules/index.js';
import { gantt } from '../../src/schedule/gantt.js';
import { simulate } from '../../src/simulation/index.js';
import { wireBytes } from '../../src/transport/framing.js';
import { evenTopology } from '../simulation/topologies.js';

/** A slice takes a second on these links, a path a quarter, the work of a round `pace` times 2. */
function played(worldSize: number, kind: 'diloco' | 'ddp', pace = 5) {
  const slice = 4000;
  const protocol =
    kind === 'ddp'
      ? { kind, slice }
      : { kind, slice, innerSteps: 2, outer: { learningRate: 0.7, momentum: 0.9 } };
  const round = compileRound({ protocol, worldSize, parameterCount: 2000 * worldSize, round: 0 });
  const rate = 8 * wireBytes(slice, { tls: false, mtu: 1500 });
  const topology = evenTopology(worldSize, { uplink: rate, downlink: rate }, 0.25);
  return simulate([round], { topology, pace, tls: false, segmentsPerAck: Infinity });
}

const names = Array.from({ length: 40 }, (_, rank) => `n${rank}`);

describe('gantt', () => {
  it('draws a small round', () => {
    expect(`\n${gantt(played(3, 'diloco'), { names, width: 76 })}\n`).toMatchInlineSnapshot(`
      "
      n0  compute ┌██████████ 2 inner steps ██████████                           ◆
          send    │                                  0▒▒▒▒▒▒2▒▒▒▒▒▒1██████0██████·
          recv    └                                   2▒▒▒▒▒▒1▒▒▒▒▒▒0██████2██████
      n1  compute ┌██████████ 2 inner steps ██████████                           ◆
          send    │                                  1▒▒▒▒▒▒0▒▒▒▒▒▒2██████1██████·
          recv    └                                   0▒▒▒▒▒▒2▒▒▒▒▒▒1██████0██████
      n2  compute ┌██████████ 2 inner steps ██████████                           ◆
          send    │                                  2▒▒▒▒▒▒1▒▒▒▒▒▒0██████2██████·
          recv    └                                   1▒▒▒▒▒▒0▒▒▒▒▒▒2██████1██████
                   ┴────────────────┴────────────────┴────────────────┴───────────
                   0 s              5 s              10 s             15 s

                   █ compute   ▒ reduce-scatter (summed)   █ all-gather (copied)
                   ◆ optimizer step   0 1 2 chunk   · less than half busy
      "
    `);
  });

  it('tells the chunks of two ranks apart, where one never jumps in the buffer', () => {
    expect(`\n${gantt(played(2, 'ddp'), { names, width: 60 })}\n`).toMatchInlineSnapshot(`
      "
      n0  compute ┌████████ gradient ████████                    ◆
          send    │                         0▒▒▒▒▒▒▒▒▒▒1█████████
          recv    └                          1▒▒▒▒▒▒▒▒▒▒0█████████
      n1  compute ┌████████ gradient ████████                    ◆
          send    │                         1▒▒▒▒▒▒▒▒▒▒0█████████
          recv    └                          0▒▒▒▒▒▒▒▒▒▒1█████████
                   ┴─────────┴─────────┴─────────┴─────────┴──────
                   0 s       2 s       4 s       6 s       8 s

                   █ compute   ▒ reduce-scatter (summed)
                   █ all-gather (copied)   ◆ optimizer step
                   0 1 2 chunk   · less than half busy
      "
    `);
  });

  it('keeps to its width, in colour too', () => {
    const timed = played(12, 'diloco', 0.5);
    for (const width of [60, 80, 133]) {
      const plain = gantt(timed, { names, width });
      for (const line of plain.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
      const coloured = gantt(timed, { names, width, colour: true });
      expect(coloured).toContain('\u001b[');
      const stripped = stripVTControlCharacters(coloured).split('\n');
      expect(stripped.map((line) => line.trimEnd())).toEqual(plain.split('\n'));
    }
  });

  it('draws the first nodes of many and says how many it does not show', () => {
    const picture = gantt(played(20, 'ddp'), { names, width: 80 });
    expect(picture).toMatch(/^n15 /m);
    expect(picture).not.toMatch(/^n16 /m);
    expect(picture).toContain('… and 4 more of 20 nodes, not shown');
    expect(gantt(played(20, 'ddp'), { names, width: 80, maxNodes: 20 })).toMatch(/^n19 /m);
  });

  it('draws nothing of nothing, and an instant as an instant', () => {
    expect(gantt([], { names, width: 80 })).toBe('');
    const instant = played(2, 'ddp').filter(({ operation }) => operation.kind === 'outer');
    expect(gantt(instant, { names, width: 80 })).toMatch(/^n1 .*◆/m);
  });
});
