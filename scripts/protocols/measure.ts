/** One scenario, run as a user would run it, and what its capture shows. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { RunError } from '../../src/errors.js';
import { packageRoot } from '../../src/package-root.js';
import { runSummarySchema, type RunSummary } from '../../src/run/files.js';
import { analyzeCapture, type CaptureReport } from '../../src/traffic/index.js';
import { egressStrip } from './egress-strip.js';
import { resultSchema, type Result } from './results.js';

/** A machine that others use may be too busy once. */
const ATTEMPTS = 3;
/** Steps of the strip, from left to right. */
const SLICES = 400;

export interface Measured {
  readonly result: Result;
  /** Egress over time, SVG. */
  readonly strip: string;
}

/**
 * Runs the scenario on the best fabric that this machine has, until the gate finds a run valid or there were enough.
 *
 * @throws RunError if a run breaks off; its own words are on standard error then.
 */
export async function measure(scenario: string): Promise<Measured> {
  const out = mkdtempSync(path.join(tmpdir(), 'meshbeat-protocols-'));
  try {
    for (let attempt = 1; ; attempt++) {
      process.stderr.write(`\n── ${path.basename(scenario)}, run ${attempt}\n`);
      const summary = await run(scenario, out);
      if (summary.gate.verdict === 'valid' || attempt === ATTEMPTS)
        return await look(summary, realpathSync(path.join(out, 'latest')));
    }
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

async function run(scenario: string, out: string): Promise<RunSummary> {
  const words = [path.join(packageRoot, 'bin', 'meshbeat.js'), 'run', scenario, '--out', out, '--json'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  // Ctrl-C reaches the run by itself.
  const pass = (): void => void child.kill('SIGTERM');
  process.on('SIGTERM', pass);
  const [document] = await Promise.all([text(child.stdout), once(child, 'close')]);
  process.off('SIGTERM', pass);
  if (document === '') throw new RunError(`${scenario}: the run broke off, exit status ${child.exitCode}`);
  return runSummarySchema.parse(JSON.parse(document));
}

async function look(summary: RunSummary, directory: string): Promise<Measured> {
  const report = await analyzeCapture(path.join(directory, summary.capture?.file ?? 'capture.pcapng'), {
    slices: SLICES,
  });
  const { verdict, checks } = summary.gate;
  const result = resultSchema.parse({
    ...summary,
    gate: { verdict, failed: checks.filter(({ ok }) => !ok).map(({ name }) => name) },
    payload: checks.find(({ name }) => name === 'captured TCP payload') ?? null,
    durationSeconds: report.durationSeconds,
    connections: connectionsOf(report),
  });
  return { result, strip: egressStrip(`${summary.scenario}: egress as captured`, report) };
}

function connectionsOf({ flows }: CaptureReport): Result['connections'] {
  const tcp = flows.filter(({ protocol }) => protocol === 'tcp');
  const pairs = new Map<string, number>();
  for (const { source, destination } of tcp) {
    const pair = [source.address, destination.address].sort().join(' ');
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  return {
    tcp: tcp.length,
    mostPerPair: Math.max(0, ...pairs.values()),
    udp: flows.filter(({ protocol }) => protocol === 'udp').length,
  };
}
