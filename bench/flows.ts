/**
 * From packets to flows, beside the tools that do the same: nfpcapd, softflowd, tshark and capinfos, all on the same two
 * captures (flows-captures.ts), which this run makes and removes.
 *
 * Each program is a process of its own on one core, in turn with the others and several times, so that all meet the
 * same weather of this machine; the captures are in the page cache. What counts is processor time (user and system,
 * of all its threads): on a shared machine wall time tells mostly what others did. Ours includes starting Node.js and
 * compiling, which together cost as much as a few million packets; so the mesh's capture has many of them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { findProgram } from '../src/wan/netns/programs.js';
import { crowdCapture, meshCapture } from './flows-captures.js';

const MESH_PACKETS = 16_000_000;
const CROWD_PACKETS = 3_200_000;
/** tshark takes half a gigabyte for a million, and 40 times as long as the others. */
const TSHARK_PACKETS = 3_200_000;
/** Per second of processor time. */
const TARGET_PACKETS = 4e6;
const TARGET_RECORDS = 1e6;
const RECORDS = 2_000_000;
const REPEATS = 3;
const TIME = '/usr/bin/time';
const ours = fileURLToPath(new URL('./flows-ours.js', import.meta.url));

interface Contender {
  readonly name: string;
  readonly words: readonly string[];
  /** How often it runs; tshark takes too long for more than once. */
  readonly repeats: number;
  /** It is given the first so many packets only. */
  readonly first?: number;
}

interface Measured {
  readonly wall: number;
  readonly cpu: number;
  readonly peakMib: number;
}

/** The table, or why there is none. */
export function benchFlows(log: (line: string) => void): string {
  if (!existsSync(TIME)) {
    process.exitCode = 1;
    return `FLOWS WERE NOT BENCHMARKED: found no ${TIME}; it is in the Debian package "time".`;
  }
  const folder = mkdtempSync(join(tmpdir(), 'meshbeat-flows-'));
  try {
    const table = new Table({
      head: ['capture', 'program', 'packets per CPU second', 'CPU s', 'wall s', 'ours is', 'peak MiB'],
      style: { head: [], border: [], compact: true },
    });
    const verdicts: string[] = [];
    for (const [name, make, count] of [
      ['mesh', meshCapture, MESH_PACKETS],
      ['200,000 flows', crowdCapture, CROWD_PACKETS],
    ] as const) {
      const file = join(folder, 'capture.pcap');
      log(`flows: making the capture "${name}" …`);
      const packets = make(file, count);
      const contenders = contendersOn(file, folder);
      const results = race(contenders, (what) => log(`flows: ${name}: ${what} …`));
      const best = median(results.get(contenders[0]!)!.map(({ cpu }) => cpu));
      for (const [{ name: program, first }, runs] of results)
        table.push(row(name, program, Math.min(packets, first ?? packets), runs, best / packets));
      if (make === meshCapture) verdicts.push(verdict('packets', packets / best, TARGET_PACKETS));
      verdicts.push(...comparisons(name, results, best));
    }
    log('flows: flow records …');
    verdicts.push(verdict('flow records into a report', recordsPerSecond('records'), TARGET_RECORDS));
    verdicts.push(
      verdict('flow records read from IPFIX into a report', recordsPerSecond('ipfix'), TARGET_RECORDS),
    );
    return [machine(), table.toString(), ...verdicts].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function contendersOn(file: string, folder: string): Contender[] {
  const flows = join(folder, 'nfcapd');
  mkdirSync(flows, { recursive: true });
  const node = (mode: string): string[] => [process.execPath, ours, mode, file];
  const all: Contender[] = [
    { name: 'meshbeat: biflows, bursts, heartbeat', words: node('capture'), repeats: REPEATS },
    { name: 'meshbeat: flow records', words: node('export'), repeats: REPEATS },
    { name: 'meshbeat: both in one pass', words: node('both'), repeats: REPEATS },
    {
      name: 'nfpcapd',
      words: ['nfpcapd', '-r', file, '-w', flows, '-e', '300,60', '-t', '86400'],
      repeats: REPEATS,
    },
    // To a collector that isn't there: what is measured is how it makes flows.
    {
      name: 'softflowd',
      words: ['softflowd', '-r', file, '-d', '-m', '1000000', '-n', '127.0.0.1:9', '-v', '9'],
      repeats: REPEATS,
    },
    {
      name: 'tshark -z conv,ip, first 3.2 M',
      words: ['tshark', '-n', '-q', '-r', file, '-c', String(TSHARK_PACKETS), '-z', 'conv,ip'],
      repeats: 1,
      first: TSHARK_PACKETS,
    },
    { name: 'capinfos (counts only)', words: ['capinfos', '-c', file], repeats: REPEATS },
  ];
  return all.filter(({ words }) => words[0] === process.execPath || findProgram(words[0]!) !== undefined);
}

/** All contenders in turn, several times. */
function race(contenders: readonly Contender[], onStart: (what: string) => void): Map<Contender, Measured[]> {
  const results = new Map<Contender, Measured[]>(contenders.map((contender) => [contender, []]));
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const contender of contenders) {
      if (repeat >= contender.repeats) continue;
      onStart(contender.name);
      results.get(contender)!.push(measure(contender.words));
    }
  }
  return results;
}

/** Runs a program on one core; what GNU time says of it. */
function measure(words: readonly string[]): Measured {
  const core = String(availableParallelism() - 1);
  const pinned = findProgram('taskset') === undefined ? [] : ['taskset', '-c', core];
  const command = [...pinned, TIME, '-q', '-f', '%e %U %S %M', ...words];
  const { stderr, error } = spawnSync(command[0]!, command.slice(1), {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (error !== undefined) throw error;
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  const [wall = NaN, user = NaN, system = NaN, peak = NaN] = last.split(' ').map(Number);
  return { wall, cpu: user + system, peakMib: peak / 1024 };
}

function row(
  capture: string,
  program: string,
  packets: number,
  runs: readonly Measured[],
  oursPerPacket: number,
): string[] {
  const cpu = runs.map((run) => run.cpu);
  const rate = (seconds: number): string => (packets / seconds / 1e6).toFixed(2);
  const rates = `${rate(median(cpu))} M (${rate(Math.max(...cpu))} … ${rate(Math.min(...cpu))})`;
  return [
    capture,
    program,
    rates,
    median(cpu).toFixed(2),
    median(runs.map((run) => run.wall)).toFixed(2),
    `${(median(cpu) / packets / oursPerPacket).toFixed(2)} × as fast`,
    Math.max(...runs.map((run) => run.peakMib)).toFixed(0),
  ];
}

/** How many flow records a second of processor time are taken in. */
function recordsPerSecond(mode: 'records' | 'ipfix'): number {
  const rates: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const { stdout } = spawnSync(process.execPath, [ours, mode, String(RECORDS)], { encoding: 'utf8' });
    rates.push((JSON.parse(stdout) as { perSecond: number }).perSecond);
  }
  return median(rates);
}

function verdict(what: string, rate: number, target: number): string {
  const millions = (value: number): string => `${(value / 1e6).toFixed(2)} M`;
  const judged = rate >= target ? 'met' : 'MISSED';
  return `${what}: ${millions(rate)} per CPU second; target ${millions(target)}: ${judged}`;
}

/** Whether ours was ahead of the exporters; says so where one is not installed. */
function comparisons(capture: string, results: Map<Contender, Measured[]>, best: number): string[] {
  return ['nfpcapd', 'softflowd'].map((program) => {
    const found = [...results].find(([{ name }]) => name === program);
    if (found === undefined) return `${capture}: NOT COMPARED with ${program}, which is not installed`;
    const theirs = median(found[1].map(({ cpu }) => cpu));
    return `${capture}: ${best < theirs ? 'ahead of' : 'BEHIND'} ${program} (${(theirs / best).toFixed(2)} × as fast)`;
  });
}

function machine(): string {
  const load = loadavg()[0]!.toFixed(1);
  return `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, load ${load} at the end, Node.js ${process.version}`;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
