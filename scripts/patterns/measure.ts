/** One run as a user would run it, and its capture as each view shows it to the patterns. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { look } from '../../src/detection/patterns/index.js';
import type { Verdict } from '../../src/detection/patterns/index.js';
import { quantityText } from '../../src/cli/text.js';
import { RunError } from '../../src/errors.js';
import { gateVerdictSchema } from '../../src/run/files/gate.js';
import { packageRoot } from '../../src/package-root.js';
import { analyzeCapture } from '../../src/traffic/index.js';
import { VIEWS, type PlannedRun } from './runs.js';
import { resultSchema, type Result, type Row } from './results.js';

/** What both kinds of summaries have. */
const summarySchema = z.object({ gate: gateVerdictSchema });

/** Captures are kept, so that they can be judged again; git does not see them. */
const folderOf = ({ name }: PlannedRun): string => path.join(packageRoot, 'runs', 'patterns', name);

/** @throws RunError if the run breaks off; its own words are on standard error then */
export async function run(planned: PlannedRun): Promise<void> {
  const folder = folderOf(planned);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const set = planned.set.flatMap((value) => ['--set', value]);
  const scenario = path.join(packageRoot, 'scenarios', planned.scenario);
  const program = path.join(packageRoot, 'bin', 'meshbeat.js');
  const words = [program, 'run', scenario, '--out', folder, '--json', ...set];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [document] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (document === '')
    throw new RunError(`${planned.name}: the run broke off, exit status ${child.exitCode}`);
}

/** Looks at the newest run there is; undefined if it never ran. */
export async function judgeRun(planned: PlannedRun): Promise<Result | undefined> {
  const latest = path.join(folderOf(planned), 'latest');
  if (!existsSync(latest)) return undefined;
  const directory = realpathSync(latest);
  const summary = summarySchema.parse(JSON.parse(readFileSync(path.join(directory, 'summary.json'), 'utf8')));
  const capture = path.join(directory, 'capture.pcapng');
  const report = await analyzeCapture(capture);
  const views: Record<string, unknown> = {};
  for (const { name, options, onlyDay } of VIEWS) {
    const { packets, records, connections, samplesPerBurst, verdicts } = await look(capture, options);
    // What had nothing to look at is left out; a program that could not be asked is not.
    const rows = verdicts
      .filter(({ on, examined }) => (onlyDay !== true || on === 'day') && (examined > 0 || on === 'packets'))
      .map(rowOf);
    views[name] = { packets, records, connections, samplesPerBurst, rows };
  }
  const set = planned.set.map((value) => ` --set ${value}`).join('');
  return resultSchema.parse({
    command: `meshbeat run scenarios/${planned.scenario}${set}`,
    verdict: summary.gate.verdict,
    reasons: summary.gate.checks
      .filter(({ ok }) => !ok)
      .map(({ name, measured, unit }) => `${name} was ${quantityText(measured, unit)}`),
    durationSeconds: report.durationSeconds,
    packets: report.packets,
    bytes: report.bytes,
    heartbeat: report.heartbeat.heartbeat,
    views,
  });
}

function rowOf({ findings, note, origin: _, ...verdict }: Verdict): Row {
  const [strongest] = findings;
  return {
    ...verdict,
    score: strongest?.score ?? null,
    subject: strongest?.subject ?? null,
    why: [strongest?.why, note].filter((part) => part !== undefined && part !== null).join('; '),
  };
}
