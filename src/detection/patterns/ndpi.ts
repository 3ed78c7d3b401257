/**
 * nDPI's verdict, by its own program: which protocol is it, and which risks does it see?
 *
 * It is the only pattern that reads payload, and the only one that is not ours: ndpiReader (Debian: libndpi-bin) is run
 * on the packets, and its list of flows is read. It "fires" if a flow has a risk, for that is what tools built on nDPI
 * raise alerts of; the protocols it names are told beside, since an operator may well look for WireGuard or BitTorrent
 * by name. Where it cannot be run, the reason is said in its row.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { messageOf } from '../../errors.js';
import type { Examination, Pattern } from './pattern.js';

const PROGRAM = 'ndpiReader';
const LIMIT_MS = 120_000;
const THRESHOLD = '≥ 1 flow with a risk';
/** A line of a flow is some hundred characters; this is no line. */
const MAX_LINE = 65_536;
/** Names told; there are a few hundred in all. */
const TOLD = 6;

/** What ndpiReader's list of flows says. */
export interface NdpiTally {
  flows: number;
  risky: number;
  readonly protocols: Map<string, number>;
  readonly risks: Map<string, number>;
}

export function emptyTally(): NdpiTally {
  return { flows: 0, risky: 0, protocols: new Map(), risks: new Map() };
}

/** Counts one line of `ndpiReader -v 2`; what is no flow is passed over. */
export function readLine(line: string, into: NdpiTally): void {
  if (line.length > MAX_LINE) return;
  const protocol = /^\s*\d+\s+\S+ \S+ (?:<->|->) \S+ .*?\[proto: [\d.]+\/([^\]]+)\]/.exec(line)?.[1];
  if (protocol === undefined) return;
  into.flows += 1;
  count(into.protocols, protocol);
  const risks = /\[Risk: ([^\]]+)\]/.exec(line)?.[1];
  if (risks === undefined) return;
  into.risky += 1;
  // "** One **** Another **"
  for (const risk of risks.split('**').map((part) => part.trim())) if (risk !== '') count(into.risks, risk);
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** Runs ndpiReader, or whatever `program` names, on a capture. */
export async function runNdpi(file: string, program = PROGRAM, limitMs = LIMIT_MS): Promise<Examination> {
  const notRun = (why: string): Examination => ({
    findings: [],
    threshold: THRESHOLD,
    note: `not run: ${why}`,
  });
  const child = spawn(program, ['-i', file, '-v', '2'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let lastWords = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-400);
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const tally = emptyTally();
  try {
    const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    // Also while lines are read: a program that does not exist fails before its first.
    closed.catch(() => undefined);
    for await (const line of createInterface({ input: child.stdout })) readLine(line, tally);
    const [status, signal] = await closed;
    if (signal === 'SIGKILL') return notRun(`${program} was not done after ${limitMs / 1000} s`);
    if (status !== 0) {
      const words = lastWords.trim().split('\n').at(-1) ?? '';
      return notRun(
        `${program} ended with ${signal ?? `status ${status}`}${words === '' ? '' : `: ${words}`}`,
      );
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return notRun(`${program} is not installed (Debian: libndpi-bin)`);
    }
    return notRun(`${program} failed: ${messageOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
  return examinationOf(tally);
}

export function examinationOf({ flows, risky, protocols, risks }: NdpiTally): Examination {
  if (flows === 0) return { findings: [], threshold: THRESHOLD, note: `${PROGRAM} found no flow` };
  const why = `${flows} flows: ${listOf(protocols)}; ${risky === 0 ? 'no risks' : `risks: ${listOf(risks)}`}`;
  return {
    findings: [{ subject: 'all flows', score: risky, fires: risky > 0, why }],
    threshold: THRESHOLD,
  };
}

function listOf(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  const told = sorted.slice(0, TOLD).map(([name, flows]) => `${name} ${flows}`);
  return told.join(', ') + (sorted.length > TOLD ? ` and ${sorted.length - TOLD} more` : '');
}

export const ndpi: Pattern = {
  id: 'ndpi',
  title: 'nDPI: protocols and risks',
  on: 'packets',
  origin: 'ndpiReader, which reads payload',
  examine({ packets }) {
    if ('file' in packets) return runNdpi(packets.file);
    return { findings: [], threshold: THRESHOLD, note: `not run: ${packets.missing}` };
  },
};
