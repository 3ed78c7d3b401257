/** Who may send and who waits, with links as plain numbers. */
import { describe, expect, test } from 'vitest';
import { BackPressure, type Waiter } from '../../../src/wan/threads/back-pressure.js';
import { clean, uniformTopology, varying } from '../topologies.js';

/** 8 Mbit/s and 0.1 s of queue: 100 000 bytes; a downlink is promised 0.02 s of path more: 120 000. */
const topology = {
  ...uniformTopology(3, { uplink: 8e6, downlink: 8e6 }, { ...clean(0.015), jitter: varying(0.005) }),
  queue: { seconds: 0.1 },
};

function setUp() {
  const uplinks = [0, 0, 0];
  const committed = [0, 0, 0];
  const cut = new Set<string>();
  const backPressure = new BackPressure(topology, {
    uplinkBytes: (rank) => uplinks[rank]!,
    committedBytes: (rank) => committed[rank]!,
    isCut: (from, to) => cut.has(`${from} ${to}`),
  });
  const log: string[] = [];
  const waiter = (name: string, from: number, to: number, bytes: number): Waiter => ({
    from,
    to,
    proceed: () => {
      log.push(name);
      uplinks[from]! += bytes;
      committed[to]! += bytes;
    },
  });
  return { uplinks, committed, cut, backPressure, log, waiter };
}

describe('BackPressure', () => {
  test('has room below the limits of both links', () => {
    const { uplinks, committed, backPressure } = setUp();
    uplinks[0] = 99_999;
    committed[1] = 119_999;
    expect(backPressure.hasRoom(0, 1)).toBe(true);
    uplinks[0] = 100_000;
    expect(backPressure.hasRoom(0, 1)).toBe(false);
    expect(backPressure.hasRoom(2, 1)).toBe(true);
    committed[1] = 120_000;
    expect(backPressure.hasRoom(2, 1)).toBe(false);
  });

  test('serves those who wait in order, as far as there is room', () => {
    const { uplinks, backPressure, log, waiter } = setUp();
    uplinks[0] = 100_000;
    backPressure.wait(waiter('first', 0, 1, 30_000));
    backPressure.wait(waiter('second', 0, 2, 30_000));
    backPressure.wait(waiter('third', 0, 1, 30_000));
    backPressure.wake();
    expect(log).toEqual([]);
    uplinks[0] = 50_000;
    backPressure.wake();
    expect(log).toEqual(['first', 'second']);
    uplinks[0] = 0;
    backPressure.wake();
    expect(log).toEqual(['first', 'second', 'third']);
  });

  test('a full downlink holds up only what is meant for it', () => {
    const { uplinks, committed, backPressure, log, waiter } = setUp();
    uplinks[0] = 100_000;
    committed[1] = 120_000;
    backPressure.wait(waiter('to the full one', 0, 1, 1000));
    backPressure.wait(waiter('to the other', 0, 2, 1000));
    uplinks[0] = 0;
    backPressure.wake();
    expect(log).toEqual(['to the other']);
    committed[1] = 0;
    backPressure.wake();
    expect(log).toEqual(['to the other', 'to the full one']);
  });

  test('who sends over a pair that is cut waits until it is joined, and holds up nobody', () => {
    const { cut, backPressure, log, waiter } = setUp();
    cut.add('0 1');
    expect(backPressure.hasRoom(0, 1)).toBe(false);
    expect(backPressure.hasRoom(0, 2)).toBe(true);
    backPressure.wait(waiter('over the cut', 0, 1, 1000));
    backPressure.wake();
    expect(log).toEqual([]);
    cut.clear();
    backPressure.wake();
    expect(log).toEqual(['over the cut']);
  });

  test('other rates have other limits', () => {
    const { uplinks, backPressure } = setUp();
    uplinks[0] = 60_000;
    const change = { at: 0, kind: 'set', event: 0, cut: [], joined: [], paths: [], hosts: [] } as const;
    backPressure.apply({ ...change, links: [{ host: 0, property: 'uplink', rate: 4e6 }] });
    expect(backPressure.hasRoom(0, 1)).toBe(false);
    backPressure.apply({ ...change, links: [{ host: 0, property: 'uplink', rate: 8e6 }] });
    expect(backPressure.hasRoom(0, 1)).toBe(true);
  });

  test('a queue shorter than the clock can refill is taken as 5 ms', () => {
    const links = { uplinkBytes: () => 4999, committedBytes: () => 0, isCut: () => false };
    expect(new BackPressure({ ...topology, queue: { bytes: 1500 } }, links).hasRoom(0, 1)).toBe(true);
  });
});
