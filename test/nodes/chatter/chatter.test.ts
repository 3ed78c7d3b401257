/** Nodes that talk as a persona has it, on loopback: how often, how much, to whom, and what when one is gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { Chatter } from '../../../nodes/chatter/chatter.js';
import type { ControlTally } from '../../../proto/types/meshbeat/control/v1/ControlTally.js';
import { figure, personas, type Habit, type Persona, type Size } from '../../../src/persona/index.js';
import { modelSchema } from '../../../src/scenario/training-schema.js';
import { parameterCount } from '../../../src/training/model.js';
import { until } from '../../support/until.js';
import { attempt, expectWithin, isWithin } from '../../wan/measuring.js';
import { uniformTopology } from '../../wan/topologies.js';
import { CALM } from '../../../src/scenario/index.js';

const PORT = 18_473;
const NODES = 3;
const MODEL = modelSchema.parse({ layers: 1, width: 8, heads: 1, context: 8 });
const MODEL_BYTES = 4 * parameterCount(MODEL);
const source = 'this test';
const size = (value: number): Size => ({ value, source });
const open: Chatter[] = [];

const topology = uniformTopology(NODES, { uplink: 100e6, downlink: 100e6 }, { delay: 0.001, ...CALM });
const addresses = topology.nodes.map((_, rank) => ({ host: `127.77.3.${rank + 1}`, port: PORT }));

function chatter(rank: number, habits: readonly Habit[], packetLevel = true): Promise<Chatter> {
  const persona: Persona = { ...personas.torchft, habits };
  const control = { listen: addresses[rank]!, peers: addresses };
  const scenario = { seed: 1, model: MODEL, control: { probe: 0.3, join: true } };
  return Chatter.start({ persona, rank, scenario, topology, placement: { control, packetLevel } });
}

async function mesh(habits: readonly Habit[], packetLevel = true): Promise<Chatter[]> {
  const started = await Promise.all(addresses.map((_, rank) => chatter(rank, habits, packetLevel)));
  open.push(...started);
  return started;
}

const noBreak = (error: Error): void => expect.fail(error.message);

const heartbeat = (transport: 'tcp' | 'udp', milliseconds: number): Habit => ({
  kind: 'heartbeat',
  name: `${transport} heartbeat`,
  source,
  transport,
  to: transport === 'tcp' ? 'coordinator' : 'each-pair',
  period: figure(milliseconds / 1000, source),
  request: size(81),
  response: size(30),
});

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** What each node has counted once all answers are there. */
async function talliesOf(chatters: readonly Chatter[]): Promise<ControlTally[][]> {
  for (const one of chatters) one.finish();
  await sleep(100);
  return chatters.map((one) => one.finish());
}

describe('heartbeats', () => {
  const PERIOD_MS = 50;

  test.each(['tcp', 'udp'] as const)(
    'by %s have their size and, over many, their period',
    async (transport) => {
      const beat = async (): Promise<ControlTally[][]> => {
        for (const one of open.splice(0)) one.close();
        const chatters = await mesh([heartbeat(transport, PERIOD_MS)]);
        await Promise.all(chatters.map((one) => one.connect(noBreak)));
        for (const one of chatters) one.begin();
        await sleep(25 * PERIOD_MS);
        return talliesOf(chatters);
      };
      const period = ({ start = 0, end = 0, exchanges = 0 }: ControlTally): number =>
        (Number(end) - Number(start)) / (Number(exchanges) - 1);
      const found = await attempt(beat, (tallies) =>
        tallies.flat().every((tally) => isWithin(period(tally), PERIOD_MS / 1000, 0.02)),
      );
      const pairs = found.flatMap((tallies, rank) => tallies.map(({ peer }) => [rank, peer]));
      expect(pairs).toEqual(
        transport === 'tcp'
        ? [[1, 0], [2, 0]] // prettier-ignore
        : [[0, 1], [0, 2], [1, 2]], // prettier-ignore
      );
      for (const tally of found.flat()) {
        expect(tally.exchanges).toBeGreaterThanOrEqual(20);
        expectWithin(period(tally), PERIOD_MS / 1000, 0.02, `period of ${transport}`);
        expect(tally.sentBytes).toBe(81 * Number(tally.exchanges));
        expect(tally.receivedBytes).toBe(30 * Number(tally.exchanges));
      }
    },
  );

  test('have a beat on each of their connections', async () => {
    const eightfold = { ...heartbeat('tcp', 400), connections: figure(8, source) } as Habit;
    const chatters = await mesh([eightfold]);
    await Promise.all(chatters.map((one) => one.connect(noBreak)));
    for (const one of chatters) one.begin();
    await sleep(700);
    const [first, ...others] = await talliesOf(chatters);
    expect(first).toEqual([]);
    for (const [tally] of others) expect(tally!.exchanges).toBeGreaterThanOrEqual(8);
  });

  test('are left out where no datagrams pass', async () => {
    const chatters = await mesh([heartbeat('udp', 20)], false);
    for (const one of chatters) one.begin();
    await sleep(100);
    expect(await talliesOf(chatters)).toEqual([[], [], []]);
  });
});

test('remarks are made when training comes to their point, so often and to each', async () => {
  const remark = (at: 'step' | 'exchange' | 'round', times: number): Habit => ({
    kind: 'remark',
    name: `at ${at}`,
    source,
    at,
    transport: 'tcp',
    to: 'every-peer',
    times: figure(times, source),
    request: size(100),
    response: { value: 20, perNode: 5, source },
  });
  const chatters = await mesh([remark('step', 1), remark('exchange', 3)]);
  await Promise.all(chatters.map((one) => one.connect(noBreak)));
  for (let step = 0; step < 4; step++) chatters[1]!.remark('step');
  chatters[1]!.remark('exchange');
  chatters[1]!.remark('round');
  const tallies = await talliesOf(chatters);
  expect(tallies[0]).toEqual([]);
  const counts = tallies[1]!.map(({ habit, peer, exchanges, sentBytes, receivedBytes }) => {
    return { habit, peer, exchanges, sentBytes, receivedBytes };
  });
  const of = (habit: number, peer: number, exchanges: number) => ({
    ...{ habit, peer, exchanges },
    sentBytes: 100 * exchanges,
    receivedBytes: (20 + 5 * NODES) * exchanges,
  });
  expect(counts).toEqual([of(0, 0, 4), of(0, 2, 4), of(1, 0, 3), of(1, 2, 3)]);
  chatters[1]!.remark('step');
  expect(chatters[1]!.finish()).toEqual(tallies[1]);
});

describe('before training', () => {
  test('a probe goes to one peer after the other, for its time, and all of it arrives', async () => {
    const probe: Habit = {
      kind: 'probe',
      name: 'flood',
      source,
      to: 'every-peer',
      seconds: figure(10, source),
      connections: figure(4, source),
    };
    const chatters = await mesh([probe]);
    await chatters[0]!.open(0);
    const [first, second] = chatters[0]!.finish().map((tally) => tally as Required<ControlTally>);
    expect([first!.peer, second!.peer]).toEqual([1, 2]);
    expect(Number(second!.start)).toBeGreaterThanOrEqual(Number(first!.end));
    for (const { start, end, sentBytes, receivedBytes } of [first!, second!]) {
      expect(Number(end) - Number(start)).toBeGreaterThanOrEqual(0.3);
      expect(Number(sentBytes)).toBeGreaterThan(1e6);
      // Eight bytes for each 16 KiB that came.
      expect(receivedBytes).toBe(Number(sentBytes) / 2048);
    }
  });

  const join = (joiners: 'last' | 'all-but-first', to: Habit['to']): Habit => ({
    kind: 'download',
    name: 'state',
    source,
    joiners,
    to,
    request: size(64),
  });

  test.each([
    ['all but the first', join('all-but-first', 'coordinator'), [[], [[0, MODEL_BYTES]], [[0, MODEL_BYTES]]]],
    ['the last, in equal shares', join('last', 'every-peer'), [[], [], [[0, MODEL_BYTES / 2], [1, MODEL_BYTES / 2]]]], // prettier-ignore
  ])('the model is downloaded by %s', async (_, habit, expected) => {
    const chatters = await mesh([habit]);
    await Promise.all(chatters.map((one) => one.open(0)));
    const found = chatters.map((one) => one.finish().map(({ peer, receivedBytes }) => [peer, receivedBytes]));
    expect(found).toEqual(expected);
  });

  test('one who is cut off from its source is told so', async () => {
    const chatters = await mesh([join('last', 'coordinator')]);
    chatters[0]!.close();
    await expect(chatters[2]!.open(0)).rejects.toThrow(/no control connection to node-0/);
  });
});

describe('a peer that is gone', () => {
  test('breaks the run of who needs it, with its name', async () => {
    const chatters = await mesh([heartbeat('tcp', 20)]);
    const reasons: string[] = [];
    await Promise.all(chatters.map((one) => one.connect(({ message }) => reasons.push(message))));
    chatters[0]!.close();
    await until('both have noticed', () => Promise.resolve(reasons.length === 2));
    for (const reason of reasons) expect(reason).toMatch(/^control connection to node-0 broke/);
  });

  test('is no matter to who has finished', async () => {
    const chatters = await mesh([heartbeat('tcp', 20)]);
    await Promise.all(chatters.map((one) => one.connect(noBreak)));
    for (const one of chatters) one.finish();
    for (const one of chatters) one.close();
    await sleep(50);
  });
});

test('a port that is taken is named', async () => {
  await mesh([]);
  await expect(chatter(0, [])).rejects.toThrow(/127\.77\.3\.1:18473/);
});
