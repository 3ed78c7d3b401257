/**
 * How much of their time the devices of a pipeline are idle: measured from the traces of real runs, held against the
 * formulas on a network that takes (almost) no time, and followed as the round-trip time grows.
 *
 * A run is meshbeat's own, started by its command line; what it costs beyond the formula is what a message costs
 * on this machine, a millisecond or two. Growth with the round-trip time is simulated, and measured at its two
 * ends to show that the simulation may be believed.
 */
import Table from 'cli-table3';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileRound, requestOf } from '../orchestrator/schedules/index.js';
import { RunError } from '../src/errors.js';
import type { RunSummary } from '../src/run/files.js';
import { traceLineSchema } from '../src/run/files/trace.js';
import { parseScenario, scenarioToYaml, topologyOf, type Scenario } from '../src/scenario/index.js';
import type { PipelineProtocol } from '../src/scenario/schema.js';
import { bubbleFraction, measuredBubble, type PlayedStage } from '../src/schedule/bubble.js';
import { simulate } from '../src/simulation/index.js';

/** A measured bubble may be off by this share of what the formula says. */
const TOLERANCE = 0.05;
const ROUND_TRIPS_MS = [0, 10, 20, 50, 100];
const MEASURED_MS = [0, 50];
/** A run takes half a minute; it is ended after this long. */
const LIMIT_MS = 180_000;
const SCHEDULES = ['gpipe', '1f1b', 'interleaved', 'zb-h1'] as const;

/** Four nodes near each other, messages of 2 KiB, passes of 200 ms and 400 ms: the network hardly shows. */
function scenarioOf(schedule: PipelineProtocol['schedule'], roundTripMs: number): Scenario {
  const chunks = schedule === 'interleaved' ? 2 : 1;
  return parseScenario(
    `name: bubble-${schedule}-${roundTripMs}
rounds: 3
pace: 2400 ms
outerPace: 100 ms
protocol: { kind: pipeline, schedule: ${schedule}, stages: 4, chunks: ${chunks}, microbatches: 4 }
model: { layers: 8, width: 32, heads: 2, context: 16 }
training: { batch: 4 }
nodes: [{ region: us-east, count: 4, uplink: 200 Mbit/s }]
regions: { local: ${roundTripMs / 2} ms }
capture: { kind: none }
`,
    'bench/bubble.ts',
  );
}

function protocolOf({ protocol }: Scenario): PipelineProtocol {
  if (protocol.kind !== 'pipeline') throw new RangeError(`a scenario of ${protocol.kind}`);
  return protocol;
}

interface Measured {
  /** Of each step. */
  readonly bubbles: readonly number[];
  /** Checks of the gate that failed. */
  readonly failed: readonly string[];
}

/** @throws RunError if the run broke off. */
async function measure(scenario: Scenario): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'meshbeat-bubble-'));
  try {
    const file = join(folder, 'scenario.yaml');
    writeFileSync(file, scenarioToYaml(scenario));
    const out = join(folder, 'runs');
    const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
    const words = [main, 'run', file, '--out', out, '--json'];
    const child = spawn(process.execPath, words, { stdio: 'ignore', timeout: LIMIT_MS });
    await once(child, 'exit');
    const [run] = readdirSync(out).filter((name) => name !== 'latest');
    if (run === undefined) throw new RunError(`the run of ${scenario.name} left nothing behind`);
    const read = (name: string): string => readFileSync(join(out, run, name), 'utf8');
    const { gate } = JSON.parse(read('summary.json')) as RunSummary;
    return {
      bubbles: bubblesOf(read('trace.jsonl')),
      failed: gate.checks.filter(({ ok }) => !ok).map(({ name }) => name),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** By step, which here is a round: the bubble of the only pipeline in a trace. */
function bubblesOf(trace: string): number[] {
  const steps = new Map<number, PlayedStage[]>();
  for (const text of trace.trim().split('\n')) {
    const line = traceLineSchema.parse(JSON.parse(text));
    if (line.type !== 'operation' || line.kind !== 'stage') continue;
    const step = steps.get(line.round) ?? [];
    steps.set(line.round, step);
    step.push(line);
  }
  return [...steps.values()].map(measuredBubble);
}

function simulated(scenario: Scenario): number {
  const { pace, outerPace, transport } = scenario;
  const schedule = compileRound({ ...requestOf(scenario), round: 0 });
  const options = { topology: topologyOf(scenario), pace, outerSeconds: outerPace, tls: transport.tls };
  return measuredBubble(simulate([schedule], options).filter(({ operation }) => operation.kind === 'stage'));
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Runs, simulates, and returns what is to be printed. */
export async function benchBubble(log: (line: string) => void): Promise<string> {
  const formulas = new Table({
    head: ['pipeline of 4, 4 microbatches', 'formula', 'measured', 'off by', 'target', 'gate'],
    style: { head: [] },
  });
  const growth = new Table({
    head: ['round trip', ...SCHEDULES.map((schedule) => `${schedule}, simulated (measured)`)],
    style: { head: [] },
  });
  const measured = new Map<string, number>();
  for (const schedule of SCHEDULES) {
    for (const ms of MEASURED_MS) {
      log(`bubble of ${schedule}, ${ms} ms …`);
      const scenario = scenarioOf(schedule, ms);
      const { bubbles, failed } = await measure(scenario);
      const bubble = median(bubbles);
      measured.set(`${schedule} ${ms}`, bubble);
      if (ms > 0) continue;
      const formula = bubbleFraction(protocolOf(scenario));
      const off = Math.abs(bubble / formula - 1);
      const gate = failed.length === 0 ? 'valid' : `invalid: ${failed.join(', ')}`;
      formulas.push([
        schedule,
        percent(formula),
        percent(bubble),
        percent(off),
        `≤ ${percent(TOLERANCE)}`,
        gate,
      ]);
    }
  }
  const bars: string[] = [];
  for (const ms of ROUND_TRIPS_MS) {
    const figures = SCHEDULES.map((schedule) => {
      const own = measured.get(`${schedule} ${ms}`);
      const model = simulated(scenarioOf(schedule, ms));
      bars.push(`${schedule.padStart(11)} ${`${ms}`.padStart(3)} ms ${'█'.repeat(Math.round(80 * model))}`);
      return own === undefined ? percent(model) : `${percent(model)} (${percent(own)})`;
    });
    growth.push([`${ms} ms`, ...figures]);
  }
  const chart = SCHEDULES.flatMap((_, index) => [
    ...bars.filter((__, bar) => bar % SCHEDULES.length === index),
    '',
  ]);
  return [formulas.toString(), growth.toString(), ...chart].join('\n');
}
