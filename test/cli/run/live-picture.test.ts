/** One frame of the live view in windows of every size. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { picture } from '../../../src/cli/run/live-picture.js';
import { nodeOf, snapshotOf } from './snapshots.js';

const title = 'meshbeat diloco: 4 nodes, diloco, netns';
const plain = { title, columns: 80, rows: 24, colour: false };

describe('picture', () => {
  it('shows where the run stands and a row per node', () => {
    expect(picture(snapshotOf(2), plain)).toMatchInlineSnapshot(`
      "meshbeat diloco: 4 nodes, diloco, netns · round 3/10 · 0:43 left · loss 2.500
         node                      uplink     up  down Mbit/s    queue   step    loss
      ●  node-0   ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅   39.8         12.3   123 kB  20/80   2.500
      ●  node-1   ▁▂▃▄▅▆▇█ ▁▂▃▄▅▆▇█ ▁▂▃▄▅   39.8         12.3   123 kB  20/80   2.500"
    `);
  });

  it('says what is going on before training and after the last round', () => {
    const before = { elapsedSeconds: null, secondsLeft: null, meanLoss: null, stage: 'probing the paths' };
    expect(headline(snapshotOf(2, before))).toBe(`${title} · probing the paths`);
    const after = { roundsDone: 10, secondsLeft: 0, stage: 'collecting the weights' };
    expect(headline(snapshotOf(2, after), 200)).toBe(
      `${title} · round 10/10 · collecting the weights · loss 2.500`,
    );
  });

  it('tells of overruns, and long times in hours', () => {
    const slow = { overruns: 3, secondsLeft: 3 * 3600 + 61 };
    expect(headline(snapshotOf(2, slow), 200)).toBe(
      `${title} · round 3/10 · 3:01:01 left · loss 2.500 · 3 steps overran`,
    );
  });

  it('draws a full block for a full uplink and a blank for silence, newest to the right', () => {
    const history = [0, 40e6, 20e6, 1];
    const snapshot = snapshotOf(1, { nodes: [nodeOf(0, { rateUpHistory: history })] });
    expect(lines(picture(snapshot, { ...plain, columns: 140 }))[2]).toMatch(/ {56} █▄▁ /);
  });

  it('shows a rate in the unit of the fastest link', () => {
    const row = (rate: number) => {
      const node = nodeOf(0, { uplink: rate, downlink: rate, rateUp: rate, rateDown: rate / 4 });
      return lines(picture(snapshotOf(1, { nodes: [node] }), plain));
    };
    expect(row(2e9)[1]).toContain('Gbit/s');
    expect(row(2e9)[2]).toMatch(/ 2\.0 +0\.5 /);
    expect(row(400e3)[1]).toContain('kbit/s');
    expect(row(400e3)[2]).toMatch(/ 400 +100 /);
  });

  it('fits every window, and says how many nodes it leaves out', () => {
    for (const nodes of [2, 7, 32, 300]) {
      for (const columns of [1, 10, 40, 79, 80, 81, 133, 300]) {
        for (const rows of [2, 3, 4, 5, 10, 24, 50]) {
          for (const colour of [false, true]) {
            const size = `${nodes} nodes in ${columns} x ${rows}`;
            const drawn = lines(picture(snapshotOf(nodes), { ...plain, columns, rows, colour }));
            expect(drawn.length, size).toBeLessThan(rows);
            for (const line of drawn) expect([...line].length, size).toBeLessThan(Math.max(2, columns));
            const shown = drawn.filter((line) => line.includes('node-')).length;
            if (columns < 40 || rows < 5) continue;
            const more = drawn.find((line) => line.startsWith('and '));
            expect(more, size).toBe(
              shown === nodes ? undefined : `and ${nodes - shown} more node${nodes - shown === 1 ? '' : 's'}`,
            );
            expect(shown, size).toBe(nodes <= rows - 3 ? nodes : rows - 4);
          }
        }
      }
    }
  });

  it('keeps its columns in place while the history fills', () => {
    const at = (length: number) => {
      const rateUpHistory = Array.from({ length }, () => 40e6);
      return lines(picture(snapshotOf(1, { nodes: [nodeOf(0, { rateUpHistory })] }), plain))[2]?.indexOf(
        '39.8',
      );
    };
    expect(at(0)).toBe(at(60));
  });

  it('writes colours only when asked to', () => {
    const escape = '\x1b[';
    expect(picture(snapshotOf(4), plain)).not.toContain(escape);
    const coloured = picture(snapshotOf(4), { ...plain, colour: true });
    expect(coloured).toContain(escape);
    expect(stripVTControlCharacters(coloured)).toBe(picture(snapshotOf(4), plain));
  });
});

const lines = (text: string) => stripVTControlCharacters(text).split('\n');

function headline(snapshot: ReturnType<typeof snapshotOf>, columns = 80): string | undefined {
  return lines(picture(snapshot, { ...plain, columns }))[0];
}
