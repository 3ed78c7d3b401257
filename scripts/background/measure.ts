/** One background scenario, run as a user would run it, and what tshark and we see in its capture. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { RunError } from '../../src/errors.js';
import { packageRoot } from '../../src/package-root.js';
import { programsSummarySchema } from '../../src/run/files.js';
import { analyzeCapture, type CaptureReport } from '../../src/traffic/index.js';
import { egressStrip } from '../protocols/egress-strip.js';
import { resultSchema, type Result } from './results.js';

/** Steps of the strip, from left to right. */
const SLICES = 400;
/** Protocols that are listed. */
const LISTED = 4;
/** Ports whose protocol tshark can't know, by scenario. */
const DECODE_AS: Readonly<Record<string, readonly string[]>> = {
  bittorrent: ['tcp.port==6969,http'],
  etcd: ['tcp.port==2380,http', 'tcp.port==2379,http2'],
  syncthing: ['tcp.port==22000,tls'],
  'video-call': ['udp.port==5004,rtp', 'udp.port==5005,rtcp', 'udp.port==5006,rtp', 'udp.port==5007,rtcp'],
};

export interface Measured {
  readonly result: Result;
  /** Egress over time, SVG. */
  readonly strip: string;
}

/** @throws RunError if the run breaks off; its own words are on standard error then */
export async function measure(scenario: string): Promise<Measured> {
  const out = mkdtempSync(path.join(tmpdir(), 'meshbeat-background-'));
  try {
    const words = [path.join(packageRoot, 'bin', 'meshbeat.js'), 'run', scenario, '--out', out, '--json'];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [document] = await Promise.all([text(child.stdout), once(child, 'close')]);
    if (document === '') throw new RunError(`${scenario}: the run broke off, exit status ${child.exitCode}`);
    const summary = programsSummarySchema.parse(JSON.parse(document));
    const capture = path.join(realpathSync(path.join(out, 'latest')), 'capture.pcapng');
    const report = await analyzeCapture(capture, { slices: SLICES });
    const lateness = summary.gate.checks.find(({ name }) => name.startsWith('lateness'));
    const result = resultSchema.parse({
      ...summary,
      verdict: summary.gate.verdict,
      latenessP99: lateness?.measured,
      durationSeconds: report.durationSeconds,
      connections: connectionsOf(report),
      protocols: protocolsOf(capture, DECODE_AS[summary.scenario] ?? []),
    });
    return { result, strip: egressStrip(`${summary.scenario}: egress as captured`, report) };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function connectionsOf({ flows }: CaptureReport): Result['connections'] {
  const pairs = flows.map(({ source, destination }) =>
    [source.address, destination.address].sort().join(' '),
  );
  return {
    tcp: flows.filter(({ protocol }) => protocol === 'tcp').length,
    udp: flows.filter(({ protocol }) => protocol === 'udp').length,
    pairs: new Set(pairs).size,
  };
}

/** By the name that tshark shows in its column of protocols. */
function protocolsOf(capture: string, decodeAs: readonly string[]): Result['protocols'] {
  const hints = decodeAs.flatMap((hint) => ['-d', hint]);
  const fields = ['-T', 'fields', '-e', '_ws.col.Protocol', '-e', 'frame.len'];
  const output = execFileSync('tshark', ['-n', '-r', capture, ...hints, ...fields], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
  });
  const tallies = new Map<string, { packets: number; bytes: number }>();
  for (const line of output.split('\n').filter((one) => one !== '')) {
    const [name = '', length] = line.split('\t');
    const { packets, bytes } = tallies.get(name) ?? { packets: 0, bytes: 0 };
    tallies.set(name, { packets: packets + 1, bytes: bytes + Number(length) });
  }
  return [...tallies]
    .map(([name, tally]) => ({ name, ...tally }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, LISTED);
}
