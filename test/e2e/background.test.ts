/**
 * Real programs in the place of trainers: each background scenario, shortened, has the traffic that its name promises,
 * by tshark's view, between the hosts that its file names, and leaves nothing running. What a program says of itself
 * is not asked; what is on the wire is.
 *
 * They mostly wait, so some run at once; what the gate says of time is not asked therefore.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ProgramsSummary, TraceHeader, TraceOperation, TraceProgram } from '../../src/run/files.js';
import { scratchFolder } from '../support/files.js';
import {
  completed,
  manifestOf,
  meshbeat,
  MESHBEAT,
  newestRun,
  PROJECT,
  readJsonLines,
  start,
} from '../support/meshbeat.js';
import { all, netns, tools } from '../support/needs.js';
import { holdersOf, networkNamespaces, processTree, survivors } from '../support/processes.js';
import { describeIf } from '../support/requires.js';
import { tsharkFields } from '../support/tshark.js';
import { until } from '../support/until.js';

/** Bytes of the frames that a display filter lets pass, at least, each way that is listed as "from > to". */
interface Sight {
  readonly filter: string;
  readonly ways: Readonly<Record<string, number>>;
}

interface Background {
  readonly seconds: number;
  readonly decodeAs?: readonly string[];
  readonly sights: readonly Sight[];
}

const kB = 1000;
const each = (names: readonly string[], bytes: number, to: (name: string) => string[]) =>
  Object.fromEntries(names.flatMap((name) => to(name).map((peer) => [`${name} > ${peer}`, bytes])));
/** Between each two of these, both ways. */
const mesh = (names: readonly string[], bytes: number) =>
  each(names, bytes, (name) => names.filter((other) => other !== name));
const toEach = (from: string, names: readonly string[], bytes: number) =>
  each([from], bytes, () => [...names]);
const fromEach = (names: readonly string[], to: string, bytes: number) => each(names, bytes, () => [to]);

const backgrounds: Readonly<Record<string, Background>> = {
  rsync: {
    seconds: 9,
    sights: [
      {
        filter: 'rsync && tcp.dstport == 873',
        ways: fromEach(['berlin', 'austin', 'dublin', 'seattle'], 'server', 2000 * kB),
      },
    ],
  },
  borg: {
    seconds: 10,
    sights: [
      {
        filter: 'ssh && tcp.dstport == 22',
        ways: fromEach(['laptop-0', 'laptop-1', 'laptop-2'], 'server', 500 * kB),
      },
    ],
  },
  postgresql: {
    seconds: 12,
    sights: [
      {
        filter: 'tcp.srcport == 5432',
        ways: toEach('primary', ['standby-near', 'standby-far'], 15_000 * kB),
      },
      {
        filter: 'pgsql',
        ways: { 'client > primary': 10 * kB, ...toEach('primary', ['standby-near', 'standby-far'], 10 * kB) },
      },
      { filter: 'rsync', ways: { 'primary > archive': 1000 * kB } },
    ],
  },
  etcd: {
    seconds: 8,
    decodeAs: ['tcp.port==2380,http', 'tcp.port==2379,http2'],
    sights: [
      { filter: 'tcp.port == 2380', ways: mesh(['etcd-a', 'etcd-b', 'etcd-c'], 2 * kB) },
      { filter: 'http.request.uri contains "/raft/stream"', ways: mesh(['etcd-a', 'etcd-b', 'etcd-c'], 100) },
      { filter: 'tcp.dstport == 2379', ways: { 'client > etcd-a': 50 * kB } },
      { filter: 'http2', ways: { 'client > etcd-a': kB } },
    ],
  },
  hls: {
    seconds: 10,
    sights: [
      {
        filter: 'http.request.uri contains ".m3u8"',
        ways: fromEach(['viewer-a', 'viewer-b', 'viewer-c', 'viewer-d'], 'studio', 100),
      },
      {
        filter: 'tcp.srcport == 80',
        ways: toEach('studio', ['viewer-a', 'viewer-b', 'viewer-c', 'viewer-d'], 500 * kB),
      },
    ],
  },
  bittorrent: {
    seconds: 12,
    decodeAs: ['tcp.port==6969,http'],
    sights: [
      {
        filter: 'http.request.uri contains "/announce"',
        ways: fromEach(['seed', 'peer-a', 'peer-b', 'peer-c', 'peer-d'], 'tracker', 100),
      },
      { filter: 'tcp.port == 6881', ways: mesh(['peer-a', 'peer-b', 'peer-c', 'peer-d'], 20 * kB) },
      { filter: 'bittorrent', ways: toEach('seed', ['peer-a', 'peer-b', 'peer-c', 'peer-d'], 20 * kB) },
    ],
  },
  syncthing: {
    seconds: 13,
    decodeAs: ['tcp.port==22000,tls'],
    sights: [{ filter: 'tls && tcp.port == 22000', ways: mesh(['home', 'office', 'laptop', 'server'], kB) }],
  },
  'video-call': {
    seconds: 7,
    decodeAs: ['udp.port==5004,rtp', 'udp.port==5006,rtp'],
    sights: [
      { filter: 'rtp && udp.dstport == 5004', ways: mesh(['ann', 'bob', 'cem', 'dee'], 150 * kB) },
      { filter: 'rtp && udp.dstport == 5006', ways: mesh(['ann', 'bob', 'cem', 'dee'], 15 * kB) },
    ],
  },
  iperf3: {
    seconds: 6,
    sights: [0, 1, 2].map((index) => ({
      filter: `tcp.dstport == ${5201 + index}`,
      ways: { [`client-${index} > server`]: 4000 * kB },
    })),
  },
};

/** Runs that may still begin: so many go on at once. */
let places = 3;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (places > 0) places--;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) places++;
    else next();
  }
}

const folder = scratchFolder();
const fileOf = (name: string) => join(PROJECT, 'scenarios', 'background', `${name}.yaml`);

/** Bytes by way, and addresses that are nobody's. */
function seen(directory: string, { filter }: Sight, decodeAs: readonly string[] = []) {
  const [header] = readJsonLines<TraceHeader>(join(directory, 'trace.jsonl'));
  const names = new Map(
    [...header!.nodes, ...(header!.hosts ?? [])].map(({ name, address }) => [address, name]),
  );
  const bytes = new Map<string, number>();
  const fields = ['ip.src', 'ip.dst', 'frame.len'];
  for (const [from = '', to = '', length] of tsharkFields(
    join(directory, 'capture.pcapng'),
    filter,
    fields,
    decodeAs,
  )) {
    const way = `${names.get(from) ?? from} > ${names.get(to) ?? to}`;
    bytes.set(way, (bytes.get(way) ?? 0) + Number(length));
  }
  return bytes;
}

const PROGRAMS = [
  'rsync',
  'borg',
  'ssh',
  'etcd',
  'etcdctl',
  'ffmpeg',
  'nginx',
  'aria2c',
  'opentracker',
  'mktorrent',
];
/** Debian keeps the server's programs out of the PATH. */
const postgresql = (): string | undefined => {
  const folders = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const found = folders.some((version) => existsSync(`/usr/lib/postgresql/${version}/bin/postgres`));
  return found ? undefined : 'postgres';
};
const obstacle = all(
  netns(),
  postgresql(),
  tools('tshark', ...PROGRAMS, 'syncthing', 'socat', 'iperf3', 'unshare', 'setpriv'),
);

describeIf(obstacle, 'background traffic', () => {
  test('every scenario is looked at here', () => {
    const shipped = readdirSync(join(PROJECT, 'scenarios', 'background')).filter((file) =>
      file.endsWith('.yaml'),
    );
    expect(shipped.map((file) => file.replace(/\.yaml$/, '')).sort()).toEqual(
      Object.keys(backgrounds).sort(),
    );
  });

  const killed = async () => {
    const run = start([...MESHBEAT, 'run', fileOf('hls'), '--out', join(folder, 'killed')]);
    await run.said(/programs are running/);
    // ffmpeg and nginx are there, below what was started for them.
    const isUp = () => {
      const names = processTree(run.pid).map(({ program }) => program);
      return Promise.resolve(names.includes('ffmpeg') && names.includes('nginx'));
    };
    await until('the programs run', isUp);
    const processes = processTree(run.pid);
    const namespaces = networkNamespaces(run.pid);
    run.kill('SIGKILL');
    await run.ended;
    await until('all of them have ended', () => Promise.resolve(survivors(processes).length === 0), 5000);
    namespaces.delete([...networkNamespaces(process.pid)][0] ?? '');
    expect(holdersOf(namespaces)).toEqual([]);
  };

  const inCompany = async () => {
    const out = join(folder, 'mixed');
    const short = [
      'rounds=2',
      'protocol.innerSteps=2',
      'pace=200 ms',
      'outerPace=100 ms',
      'model.context=16',
    ];
    const sets = [...short, 'transport.tls=false'].flatMap((set) => ['--set', set]);
    const mixed = join(PROJECT, 'scenarios', 'mixed.yaml');
    const { summary, directory } = completed(
      await meshbeat('run', mixed, '--out', out, '--json', ...sets),
      out,
    );
    const check = (name: string) => summary.gate.checks.find((one) => one.name === name);
    for (const name of ['captured TCP payload', 'different final weights', 'programs that failed'])
      expect(check(name), name).toMatchObject({ ok: true });
    expect(summary.programs.map(({ name, kind }) => [name, kind])).toEqual([
      ['backup-server', 'rsync-backup'],
      ['office', 'rsync-backup'],
      ['ann', 'video-call'],
      ['bob', 'video-call'],
    ]);
    const call = seen(directory, { filter: 'udp.dstport == 5004 && !icmp', ways: {} });
    expect([...call.keys()].sort()).toEqual(['ann > bob', 'bob > ann']);
    const lines = readJsonLines<TraceOperation | TraceProgram>(join(directory, 'trace.jsonl'));
    const rounds = lines.filter((line) => line.type === 'operation');
    // They were there from the first round to the last.
    for (const line of lines) {
      if (line.type !== 'program') continue;
      expect(line.start).toBeLessThan(Math.min(...rounds.map(({ start: begin }) => begin)));
      expect(line.end).toBeGreaterThan(Math.max(...rounds.map(({ end }) => end)));
    }
  };

  test.concurrent(
    'nothing is left of a run that is killed, though its programs have groups and sessions of their own',
    () => inTurn(killed),
    120_000,
  );
  test.concurrent(
    'training in company has the bytes and the weights it would have alone',
    () => inTurn(inCompany),
    120_000,
  );

  test.concurrent.each(Object.entries(backgrounds))(
    '%s is what it says',
    (name, { seconds, decodeAs, sights }) =>
      inTurn(async () => {
        const out = join(folder, name);
        const sets = [`duration=${seconds} s`, 'capture.snaplen=600'].flatMap((set) => ['--set', set]);
        const words = ['--out', out, ...sets, '--json'];
        const { stdout, stderr } = await meshbeat('run', fileOf(name), ...words);
        const summary = JSON.parse(stdout) as ProgramsSummary;
        const directory = newestRun(out);
        for (const sight of sights) {
          const bytes = seen(directory, sight, decodeAs);
          for (const [way, least] of Object.entries(sight.ways))
            expect(bytes.get(way) ?? 0, `${sight.filter}, ${way}\n${stderr}`).toBeGreaterThanOrEqual(least);
        }
        const [header, ...lines] = readJsonLines<TraceHeader | TraceProgram>(join(directory, 'trace.jsonl'));
        const { hosts = [] } = header as TraceHeader;
        const programs = lines as TraceProgram[];
        expect(programs.map(({ node }) => node).sort()).toEqual(hosts.map(({ name }) => name).sort());
        for (const { node, kind, stopped, end, start: begin } of programs) {
          expect(hosts.find((host) => host.name === node)?.kind).toBe(kind);
          expect(stopped, `${node}\n${stderr}`).toBe(true);
          expect(end - begin).toBeGreaterThan(seconds - 0.5);
        }
        expect(summary.programs).toHaveLength(hosts.length);
        expect(summary).toMatchObject({ training: null, expected: null, protocol: null });
        expect(summary.gate.checks.find(({ name: check }) => check === 'programs that failed')?.ok).toBe(
          true,
        );
      }),
    120_000,
  );

  test('what a program prints is kept, and listed in the manifest', () => {
    const directory = newestRun(join(folder, 'iperf3'));
    expect(readFileSync(join(directory, 'programs', 'server.log'), 'utf8')).toContain(
      'Server listening on 5201',
    );
    expect(manifestOf(directory).files.map(({ name }) => name)).toContain('programs/server.log');
    expect(existsSync(join(directory, 'weights.safetensors'))).toBe(false);
  });
});
