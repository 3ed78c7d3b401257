/**
 * Each persona in a capture that only tshark reads: does a run show the constants of the system whose persona it
 * has? Connections for each pair, sizes of what is sent at once, period and size of the control traffic.
 *
 * Slices are looked at without TLS, where tshark can tell one gRPC message from the next.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodedBytes, type Encoding } from '../../src/compression/index.js';
import { bytesOf, personas, type Habit, type PersonaName } from '../../src/persona/index.js';
import { loadScenario, type Scenario } from '../../src/scenario/index.js';
import { parameterCount } from '../../src/training/model.js';
import { Ahead } from '../support/ahead.js';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { completeRun, TINY_DDP, type CompletedRun } from '../support/meshbeat.js';
import { all, netns, tools } from '../support/needs.js';
import { describeIf } from '../support/requires.js';
import { tsharkFields } from '../support/tshark.js';
import { expectWithin } from '../wan/measuring.js';

const SCENARIO = fixture('scenarios/persona.yaml');
const NODES = 3;
const MESH = 8470;
const CONTROL = 8473;
const COORDINATOR = '10.77.0.1';
/** Bytes around a slice in its gRPC message. */
const SLICE_HEADER = 40;
/** A stream with less than this carries no slices: handshakes and echoes. */
const LEAST_BULK = 8_000;

const folder = scratchFolder();
/** Medians of many gaps are asked for, which two runs beside each other leave as they are. */
const ahead = new Ahead(2);
let suites = 0;

interface Packet {
  readonly time: number;
  readonly stream: string;
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
}

/** Packets with payload that a filter lets pass, in order of time; what TCP had to repeat is there once. */
function packets(file: string, filter: string, protocol: 'tcp' | 'udp'): Packet[] {
  const size = protocol === 'tcp' ? 'tcp.len' : 'udp.length';
  const fields = ['frame.time_epoch', `${protocol}.stream`, 'ip.src', 'ip.dst', size];
  const once = protocol === 'tcp' ? `(${filter}) && !tcp.analysis.retransmission` : filter;
  return tsharkFields(file, once, fields)
    .map(([time, stream, from, to, bytes]) => ({
      ...{ time: Number(time), stream: stream!, from: from!, to: to! },
      bytes: Number(bytes) - (protocol === 'udp' ? 8 : 0),
    }))
    .filter(({ bytes }) => bytes > 0);
}

/** Packets by a key, in their order. */
function groups(list: readonly Packet[], key: (packet: Packet) => string): Map<string, Packet[]> {
  const found = new Map<string, Packet[]>();
  for (const packet of list) found.set(key(packet), [...(found.get(key(packet)) ?? []), packet]);
  return found;
}

const sum = (list: readonly Packet[]): number => list.reduce((total, { bytes }) => total + bytes, 0);
const pairOf = ({ from, to }: Packet): string => `${from} ${to}`;

/** By pair, sender first: streams in which it sent more than a few bytes. */
function bulkStreams(list: readonly Packet[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const stream of groups(list, (packet) => `${packet.stream} ${pairOf(packet)}`).values()) {
    if (sum(stream) < LEAST_BULK) continue;
    const pair = pairOf(stream[0]!);
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return counts;
}

/** The median time between successive packets of the same group, over all groups. */
function medianGap(list: readonly Packet[], key: (packet: Packet) => string): number {
  const gaps = [...groups(list, key).values()].flatMap((group) =>
    group.slice(1).map(({ time }, index) => time - group[index]!.time),
  );
  expect(gaps.length).toBeGreaterThan(0);
  return gaps.sort((a, b) => a - b)[gaps.length >> 1]!;
}

function habitOf(persona: PersonaName, name: string): Exclude<Habit, { kind: 'probe' | 'download' }> {
  const habit = personas[persona].habits.find((one) => one.name === name);
  if (habit === undefined || habit.kind === 'probe' || habit.kind === 'download')
    throw new Error(`${persona} has no message ${name}`);
  return habit;
}

const requestBytes = (persona: PersonaName, name: string): number =>
  bytesOf(habitOf(persona, name).request, NODES);

function periodOf(persona: PersonaName, name: string): number {
  const habit = habitOf(persona, name);
  if (habit.kind !== 'heartbeat') throw new Error(`${name} has no period`);
  return habit.period.value;
}

function ranks(text: (rank: number) => string): string[] {
  return Array.from({ length: NODES }, (_, rank) => text(rank));
}

interface Seen {
  readonly run: CompletedRun;
  readonly scenario: Scenario;
  readonly file: string;
}

/** A suite about one run of a persona. */
function describePersona(
  persona: PersonaName,
  sets: readonly string[],
  define: (seen: () => Seen) => void,
  file = SCENARIO,
): void {
  const obstacle = all(netns(), tools('tshark', 'tcpdump'));
  describeIf(obstacle, `${persona}, seen by tshark`, () => {
    let seen: Seen;
    const out = join(folder, String(suites++));
    const seeing = ahead.task(async (): Promise<Seen> => {
      const given = [`persona=${persona}`, 'transport.tls=false', ...sets];
      const words = given.flatMap((set) => ['--set', set]);
      const run = await completeRun(file, out, '--fabric', 'netns', ...words);
      const scenario = loadScenario(join(run.directory, 'scenario.yaml'));
      return { run, scenario, file: join(run.directory, 'capture.pcapng') };
    });
    beforeAll(async () => {
      seen = await seeing();
    });
    define(() => seen);
  });
}

/** Every node sends its slices to `peers` others, over so many connections each. */
function expectConnections({ file }: Seen, peers: number, connections: number): void {
  const streams = bulkStreams(packets(file, `tcp.srcport == ${MESH}`, 'tcp'));
  expect([...streams.values()]).toEqual(Array<number>(NODES * peers).fill(connections));
}

/** The largest gRPC message is a slice of so many elements, and each node sends so many of about that size a round. */
function expectSlices(
  { file, scenario }: Seen,
  elements: number,
  perRound: number,
  encoding: Encoding,
): void {
  const words = ['tcp.srcport', 'grpc.message_length'];
  const lengths = tsharkFields(file, `tcp.srcport == ${MESH} && grpc`, words, [`tcp.port==${MESH},http2`])
    .flatMap(([, found = '']) => found.split(',').map(Number))
    .filter((length) => length > encodedBytes(encoding, elements) / 2);
  const largest = Math.max(...lengths);
  expect(largest).toBeGreaterThan(encodedBytes(encoding, elements));
  expect(largest).toBeLessThan(encodedBytes(encoding, elements) + SLICE_HEADER);
  expect(lengths).toHaveLength(NODES * scenario.rounds * perRound);
}

const chunkOf = ({ model }: Scenario): number => Math.ceil(parameterCount(model) / NODES);

describePersona('torchft', ['rounds=5'], (seen) => {
  test('each node tells the lighthouse ten times a second that it lives', () => {
    const { file } = seen();
    const bytes = requestBytes('torchft', 'lighthouse heartbeat');
    const beats = packets(file, `tcp.dstport == ${CONTROL} && tcp.len == ${bytes}`, 'tcp');
    expect(new Set(beats.map(pairOf))).toEqual(
      new Set([`10.77.0.2 ${COORDINATOR}`, `10.77.0.3 ${COORDINATOR}`]),
    );
    const period = medianGap(beats, ({ stream }) => stream);
    expectWithin(period, periodOf('torchft', 'lighthouse heartbeat'), 0.02, 'period');
  });

  test('asks for a quorum once a round on the same connection', () => {
    const { file, scenario } = seen();
    const bytes = requestBytes('torchft', 'quorum');
    const asked = packets(file, `tcp.dstport == ${CONTROL} && tcp.len == ${bytes}`, 'tcp');
    for (const ofNode of groups(asked, ({ stream }) => stream).values())
      expect(ofNode).toHaveLength(scenario.rounds);
  });

  test('a ring over one connection each, two of gloo’s segments for each chunk', () => {
    expectConnections(seen(), 1, 1);
    const half = Math.ceil(chunkOf(seen().scenario) / 2);
    expectSlices(seen(), half, 2 * 2 * (NODES - 1), { kind: 'float32' });
  });

  test('all but the primary heal from it at the start', () => {
    const { file, scenario } = seen();
    const healing = packets(file, `tcp.srcport == ${CONTROL} && ip.src == ${COORDINATOR}`, 'tcp');
    const streams = [...groups(healing, ({ stream }) => stream).values()].filter(
      (stream) => sum(stream) > LEAST_BULK,
    );
    expect(streams.map(sum)).toEqual(Array<number>(NODES - 1).fill(4 * parameterCount(scenario.model)));
  });
});

describePersona('prime', ['rounds=5', 'pace=1 s'], (seen) => {
  test('eight heartbeats of each node, every two seconds, that nobody answers', () => {
    const { file } = seen();
    const bytes = requestBytes('prime', 'heartbeat SET');
    const beats = packets(file, `tcp.dstport == ${CONTROL} && tcp.len == ${bytes}`, 'tcp');
    const streams = groups(beats, ({ stream }) => stream);
    expect(streams.size).toBe(8 * (NODES - 1));
    const period = medianGap(beats, ({ stream }) => stream);
    expectWithin(period, periodOf('prime', 'heartbeat SET'), 0.02, 'period');
  });

  test('a ring over eight connections, sixteen pieces of 8 bits for each chunk', () => {
    expectConnections(seen(), 1, 8);
    const piece = Math.ceil(chunkOf(seen().scenario) / 16);
    expectSlices(seen(), piece, 16 * 2 * (NODES - 1), { kind: 'int8', rounding: 'nearest' });
  });

  test('iperf from everyone to everyone before training, over one connection', () => {
    const { file } = seen();
    const floods = bulkStreams(packets(file, `tcp.dstport == ${CONTROL}`, 'tcp'));
    expect([...floods.values()]).toEqual(Array<number>(NODES * (NODES - 1)).fill(1));
  });
});

describePersona('pccl', ['rounds=3'], (seen) => {
  test('a benchmark of every pair over sixteen connections', () => {
    const { file } = seen();
    const floods = bulkStreams(packets(file, `tcp.dstport == ${CONTROL}`, 'tcp'));
    expect([...floods.values()]).toEqual(Array<number>(NODES * (NODES - 1)).fill(16));
  });

  test('a ring over sixteen connections, a sixteenth of a chunk at once', () => {
    expectConnections(seen(), 1, 16);
    const piece = Math.ceil(chunkOf(seen().scenario) / 16);
    expectSlices(seen(), piece, 16 * 2 * (NODES - 1), { kind: 'float32' });
  });

  test('votes to begin and votes that it is over, and nothing else in between', () => {
    const { file, scenario } = seen();
    const votes = packets(file, `tcp.dstport == ${CONTROL} && ip.dst == ${COORDINATOR}`, 'tcp');
    const perRound =
      16 * (requestBytes('pccl', 'vote to begin') + requestBytes('pccl', 'vote that it is over'));
    const small = [...groups(votes, ({ stream }) => stream).values()]
      .map(sum)
      .filter((bytes) => bytes < LEAST_BULK);
    expect(small.filter((bytes) => bytes === scenario.rounds * perRound)).toHaveLength(NODES - 1);
  });
});

// More than two of the ten seconds between GETs, whenever in them a node begins.
describePersona('opendiloco', ['rounds=6', 'protocol.innerSteps=8'], (seen) => {
  test('the hash table hears of every inner step', () => {
    const { file, scenario } = seen();
    const bytes = requestBytes('opendiloco', 'progress STORE');
    const stores = packets(file, `tcp.dstport == ${CONTROL} && tcp.len == ${bytes}`, 'tcp');
    const pairs = groups(stores, pairOf);
    expect(pairs.size).toBe(NODES * (NODES - 1));
    for (const [pair, ofPair] of pairs)
      expect(ofPair.length, pair).toBeGreaterThanOrEqual(scenario.rounds * 8);
    expectWithin(medianGap(stores, pairOf), scenario.pace, 0.02, 'inner step');
  });

  test('progress is asked for every ten seconds', () => {
    const bytes = requestBytes('opendiloco', 'progress GET');
    const gets = packets(seen().file, `tcp.dstport == ${CONTROL} && tcp.len == ${bytes}`, 'tcp');
    expectWithin(medianGap(gets, pairOf), periodOf('opendiloco', 'progress GET'), 0.02, 'period');
  });
});

/** A model of which a node's chunk has more than one part. */
const LARGE = ['model.width=256', 'model.context=8', ...ranks((rank) => `nodes.${rank}.uplink=100 Mbit/s`)];

describePersona('opendiloco', ['rounds=2', ...LARGE], (seen) => {
  test('everyone sends to everyone over one connection, in parts of at most 512 KiB', () => {
    const { scenario } = seen();
    expectConnections(seen(), NODES - 1, 1);
    const parts = Math.ceil((4 * chunkOf(scenario)) / 2 ** 19);
    expect(parts).toBeGreaterThan(1);
    const elements = Math.ceil(chunkOf(scenario) / parts);
    expectSlices(seen(), elements, parts * 2 * (NODES - 1), { kind: 'float32' });
  });
});

describePersona(
  'psyche',
  ['rounds=22', 'pace=400 ms'],
  (seen) => {
    const udp = (bytes: number, filter = 'udp') =>
      packets(seen().file, `${filter} && udp.port == ${CONTROL} && udp.length == ${bytes + 8}`, 'udp');

    test('each pair keeps its QUIC connection alive every five seconds, and is answered', () => {
      const pings = udp(requestBytes('psyche', 'QUIC keep-alive'));
      expect(groups(pings, pairOf).size).toBe((NODES * (NODES - 1)) / 2);
      expectWithin(medianGap(pings, pairOf), periodOf('psyche', 'QUIC keep-alive'), 0.02, 'period');
      const pongs = udp(bytesOf(habitOf('psyche', 'QUIC keep-alive').response, NODES));
      expect(pongs.length).toBe(pings.length);
    });

    test('every node announces every round to all its neighbours', () => {
      const { scenario, run } = seen();
      const announced = udp(requestBytes('psyche', 'gossip announcement'));
      const again = run.summary.control!.habits.find(({ name }) => name === 're-broadcast')!.exchanges;
      expect(announced.length).toBe(scenario.rounds * NODES * (NODES - 1) + again);
    });

    test('contributions of signs go whole from everyone to everyone', () => {
      expectConnections(seen(), NODES - 1, 1);
      const { model } = seen().scenario;
      expectSlices(seen(), parameterCount(model), NODES - 1, { kind: 'dct-sign', chunk: 64, keep: 8 });
    });
  },
  TINY_DDP,
);

describe('where no datagrams pass', () => {
  test('a run says aloud which habits it is without', async () => {
    const words = ['persona=psyche', 'rounds=2'].flatMap((set) => ['--set', set]);
    const { summary, ended } = await completeRun(
      TINY_DDP,
      join(folder, 'threads'),
      '--fabric',
      'threads',
      ...words,
    );
    expect(ended.stderr).toMatch(
      /as psyche, but without QUIC keep-alive, .*since this fabric passes no datagrams/,
    );
    expect(summary.control).toMatchObject({ persona: 'psyche', captured: { udpPayloadBytes: 0 } });
    expect(summary.control!.leftOut.map(({ name }) => name)).toContain('QUIC keep-alive');
    // What goes by TCP is relayed, shaped and captured there too.
    expect(summary.control!.captured!.tcpPayloadBytes).toBeGreaterThan(50_000);
  });
});
