/** Who speaks with whom in each collective, and in which order values are added: what a wire and a sum show. */
import { describe, expect, it } from 'vitest';
import { collectives, type Collective } from '../../../orchestrator/collectives/index.js';
import { bytesPerPair } from '../../../src/schedule/bytes.js';
import { bits, noise, played, scheduleOf, settingFor, type Setting } from './playing.js';

/** Ordered pairs with the bytes that go between them. */
const flows = (collective: Collective, setting: Setting) =>
  bytesPerPair(scheduleOf(collective, setting)).map(({ from, to, bytes }) => [from, to, bytes]);

/** Sums as written: nested pairs are added first, the left one being the value that is added to. */
type Order = number | readonly [Order, Order];

function summed(values: readonly Float32Array[], order: Order): Float32Array {
  if (typeof order === 'number') return values[order]!;
  const [own, other] = order.map((one) => summed(values, one));
  return own!.map((value, i) => value + other![i]!);
}

/** What the first member ends with, if one chunk per member is summed in these orders. */
async function expectOrder(collective: Collective, setting: Setting, byChunk: readonly Order[]) {
  const before = setting.members.map((rank) => noise(setting.elements, 7 + rank));
  const after = await played(scheduleOf(collective, setting), before);
  const chunk = setting.elements / byChunk.length;
  for (const [index, order] of byChunk.entries()) {
    const [from, to] = [index * chunk, (index + 1) * chunk];
    expect(bits(after[0]!.slice(from, to)), `chunk ${index}`).toEqual(
      bits(summed(before, order).slice(from, to)),
    );
  }
}

describe('butterfly', () => {
  it('is a clique of equal flows', () => {
    const found = flows(collectives.butterfly, settingFor(4, 400));
    expect(found).toHaveLength(12);
    expect(new Set(found.map(([, , bytes]) => bytes))).toEqual(new Set([800]));
  });

  it('adds at the owner of a chunk, own values first, then the others in order', async () => {
    await expectOrder(collectives.butterfly, settingFor(4, 400), [
      [[[0, 1], 2], 3],
      [[[1, 0], 2], 3],
      [[[2, 0], 1], 3],
      [[[3, 0], 1], 2],
    ]);
  });

  it('pipelines: a slice is returned before the next one has come', () => {
    const { parts } = scheduleOf(collectives.butterfly, settingFor(3, 60, { sliceElements: 5 }));
    const { operations } = parts[0]!;
    const first = operations.find((one) => one.kind === 'send' && one.offset === 0);
    const added = operations.filter((one) => one.kind === 'recv' && one.offset === 0).map(({ id }) => id);
    expect(first?.after).toEqual([added.at(-1)]);
  });
});

describe('halving-doubling', () => {
  it('pairs each member with those that differ in one bit, the furthest having the most to say', () => {
    const found = flows(collectives['halving-doubling'], settingFor(8, 800));
    for (const [from, to, bytes] of found)
      expect([from! ^ to!, bytes]).toEqual([from! ^ to!, { 1: 800, 2: 1600, 4: 3200 }[from! ^ to!]]);
    expect(found).toHaveLength(24);
  });

  it('has members beyond the power of two hand in all they have, and be told', () => {
    const found = flows(collectives['halving-doubling'], settingFor(6, 600));
    expect(found.filter(([from]) => from! >= 4)).toEqual([
      [4, 0, 2400],
      [5, 1, 2400],
    ]);
    expect(found.filter(([, to]) => to! >= 4)).toEqual([
      [0, 4, 2400],
      [1, 5, 2400],
    ]);
  });

  it('adds in the order of the meetings', async () => {
    await expectOrder(collectives['halving-doubling'], settingFor(4, 400), [
      [
        [0, 2],
        [1, 3],
      ],
      [
        [1, 3],
        [0, 2],
      ],
      [
        [2, 0],
        [3, 1],
      ],
      [
        [3, 1],
        [2, 0],
      ],
    ]);
    const three = settingFor(3, 600, { sliceElements: 100 });
    await expectOrder(collectives['halving-doubling'], three, [
      [[0, 2], 1],
      [1, [0, 2]],
    ]);
  });
});

describe('parameter server', () => {
  it('is a star around the first member, who adds in order', async () => {
    const spokes = [1, 2, 3];
    expect(flows(collectives['parameter-server'], settingFor(4, 400))).toEqual([
      ...spokes.map((spoke) => [0, spoke, 1600]),
      ...spokes.map((spoke) => [spoke, 0, 1600]),
    ]);
    await expectOrder(collectives['parameter-server'], settingFor(4, 400), [[[[0, 1], 2], 3]]);
  });
});

describe('hierarchical', () => {
  const regions = ['east', 'east', 'west', 'east', 'west'];

  it('crosses between regions by their first members only', () => {
    expect(flows(collectives.hierarchical, settingFor(5, 500, { regions, sliceElements: 50 }))).toEqual([
      [0, 1, 2000],
      [0, 2, 2000],
      [0, 3, 2000],
      [1, 0, 2000],
      [2, 0, 2000],
      [2, 4, 2000],
      [3, 0, 2000],
      [4, 2, 2000],
    ]);
  });

  it('adds within regions first, then around the ring of their first members', async () => {
    const [east, west]: Order[] = [
      [[0, 1], 3],
      [2, 4],
    ];
    await expectOrder(collectives.hierarchical, settingFor(5, 500, { regions, sliceElements: 50 }), [
      [west!, east!],
      [east!, west!],
    ]);
  });

  it('is a ring if each has a region of its own, and a star if all share one', () => {
    const alone = settingFor(4, 400, { regions: ['a', 'b', 'c', 'd'] });
    expect(scheduleOf(collectives.hierarchical, alone)).toEqual(scheduleOf(collectives.ring, alone));
    const together = settingFor(4, 400, { encoding: { kind: 'bfloat16' } });
    expect(scheduleOf(collectives.hierarchical, together)).toEqual(
      scheduleOf(collectives['parameter-server'], together),
    );
  });
});
