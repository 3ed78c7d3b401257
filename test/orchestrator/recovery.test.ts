/** Who is told what, and when, while nodes crash and come back; members are what answers as nodes would. */
import { expect, it, vi } from 'vitest';
import type { Members } from '../../orchestrator/members.js';
import { Recovery } from '../../orchestrator/recovery.js';

/** Three nodes, each of which answers at once; `mute` keeps an answer back until it is let go. */
function setUp(mute?: string) {
  const told: string[] = [];
  let answer = (): void => undefined;
  const silence = new Promise<void>((resolve) => (answer = resolve));
  const hear = (rank: number, kind: string) => {
    told.push(`${rank} says ${kind}`);
    return kind === mute ? silence : Promise.resolve();
  };
  const members = {
    excuse: (rank: number) => told.push(`${rank} is excused`),
    tell: (rank: number, message: object) => told.push(`${rank} hears ${JSON.stringify(message)}`),
    next: (rank: number, kind: string) => hear(rank, kind),
    all: (kind: string) => Promise.all([0, 1, 2].map((rank) => hear(rank, kind))),
  } as unknown as Members;
  const recovery = new Recovery({
    members,
    reviver: {
      crash: (rank) => Promise.resolve(void told.push(`${rank} is ended`)),
      revive: (rank) => void told.push(`${rank} is started`),
    },
    worldSize: 3,
    senders: [[2], [0], [1]],
    oldestRound: () => 4,
    playFrom: (round) => told.push(`play from ${round}`),
  });
  return { told, recovery, answer };
}

it('the others let go; when the lost one is back, all restore, connect and play', async () => {
  const { told, recovery } = setUp();
  recovery.crash([1]);
  expect(recovery.whole).toBe(false);
  recovery.comeBack([1]);
  await recovery.settled();
  expect(recovery.whole).toBe(true);
  expect(told).toEqual([
    '1 is excused',
    '1 is ended',
    '0 hears {"abandon":{}}',
    '2 hears {"abandon":{}}',
    '0 says abandoned',
    '2 says abandoned',
    '1 is started',
    '1 says ready',
    ...[0, 1, 2].map((rank) => `${rank} hears {"restore":{"round":4}}`),
    ...[0, 1, 2].map((rank) => `${rank} says restored`),
    ...[2, 0, 1].map((from, rank) => `${rank} hears {"connect":{"receiveFrom":[${from}]}}`),
    ...[0, 1, 2].map((rank) => `${rank} says connected`),
    'play from 4',
  ]);
});

it('nobody plays before the last of them is back', async () => {
  const { told, recovery } = setUp();
  recovery.crash([1]);
  recovery.crash([2]);
  recovery.comeBack([1]);
  await vi.waitFor(() => expect(told).toContain('1 says ready'));
  expect([told.includes('play from 4'), recovery.whole]).toEqual([false, false]);
  recovery.comeBack([2]);
  await recovery.settled();
  expect(told.filter((line) => line.startsWith('play'))).toHaveLength(1);
});

it('who crashes while all are dialing has everybody start over, even if a call is never answered', async () => {
  const { told, recovery, answer } = setUp('connected');
  recovery.crash([1]);
  recovery.comeBack([1]);
  await vi.waitFor(() => expect(told).toContain('2 says connected'));
  recovery.crash([0]);
  recovery.comeBack([0]);
  await vi.waitFor(() => expect(told.filter((line) => line === '2 says connected')).toHaveLength(2));
  answer();
  await recovery.settled();
  expect(told.filter((line) => line.startsWith('play'))).toHaveLength(1);
  expect(told.at(-1)).toBe('play from 4');
});

it('who crashes again before the mesh was whole is ended and started again', async () => {
  const { told, recovery } = setUp();
  for (let again = 0; again < 3; again++) {
    recovery.crash([1]);
    recovery.comeBack([1]);
  }
  await recovery.settled();
  expect(told.filter((line) => line === '1 is ended')).toHaveLength(3);
  expect(told.filter((line) => line === '1 says abandoned')).toEqual([]);
  expect(told.filter((line) => line.startsWith('play'))).toHaveLength(1);
  expect(told.at(-1)).toBe('play from 4');
});

it('a recovery that fails says so to whoever waits', async () => {
  const recovery = new Recovery({
    members: { excuse: () => undefined } as unknown as Members,
    reviver: undefined,
    worldSize: 2,
    senders: [[1], [0]],
    oldestRound: () => 0,
    playFrom: () => undefined,
  });
  recovery.crash([0]);
  await expect(recovery.settled()).rejects.toThrow('nobody can start anew');
  await expect(recovery.failure).rejects.toThrow('nobody can start anew');
});
