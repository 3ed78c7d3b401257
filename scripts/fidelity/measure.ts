/** The measurements of docs/fidelity.md, each made by the command that a user would type. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { RunError } from '../../src/errors.js';
import { packageRoot } from '../../src/package-root.js';
import { runSummarySchema, verificationSchema } from '../../src/run/files.js';
import { EIGHT_NODES, type Results } from './results.js';

const at = (...parts: string[]): string => path.join(packageRoot, ...parts);
const MESHBEAT = at('bin', 'meshbeat.js');

export async function verification(): Promise<Results['verify']> {
  const document = await printed([MESHBEAT, 'verify', at('scenarios', 'wan', 'fidelity.yaml'), '--json']);
  return verificationSchema.parse(JSON.parse(document));
}

/** The gate's lateness of a run with eight nodes. */
export async function eightNodes(): Promise<Results['run']> {
  const out = mkdtempSync(path.join(tmpdir(), 'meshbeat-fidelity-'));
  try {
    const scenario = at('scenarios', 'diloco.yaml');
    const words = ['run', scenario, ...EIGHT_NODES, '--out', out, '--json'];
    const { gate, nodes } = runSummarySchema.parse(JSON.parse(await printed([MESHBEAT, ...words])));
    const lateness = gate.checks.find(({ name }) => name.startsWith('lateness'));
    if (lateness === undefined) throw new RunError('the run did not say how late its packets were');
    return {
      nodes,
      latenessP99: lateness.measured,
      verdict: gate.verdict,
      failed: gate.checks.filter(({ ok }) => !ok).map(({ name }) => name),
    };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

export function benchOfShaper(): Promise<string> {
  return printed([at('dist', 'bench', 'main.js'), '--only', 'shaper']);
}

/** Standard output of a Node.js program, which may end with 1: what it measured is not what was set. */
async function printed(words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (output === '') throw new RunError(`${words.join(' ')}: printed nothing, exit status ${child.exitCode}`);
  return output;
}
