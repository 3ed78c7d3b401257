/** A program that sets up networks, run to its end in the calling thread's network namespace. */
import { spawnSync } from 'node:child_process';
import { RunError } from '../../errors.js';
import { findProgram } from './programs.js';

export interface Tool {
  readonly program: string;
  /** The Debian package that has it. */
  readonly source: string;
}

const MOST_OUTPUT_BYTES = 64 * 1024 * 1024;

/** What it printed. A RunError names `place` and quotes the program's own words. */
export function callTool({ program, source }: Tool, words: readonly string[], place: string, input = '') {
  const result = spawnSync(findProgram(program) ?? program, words, {
    input,
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT_BYTES,
  });
  if (result.error !== undefined) {
    throw new RunError(`can't run '${program}' (package ${source}): ${result.error.message}`);
  }
  if (result.status !== 0) {
    throw new RunError(`setting up the network of ${place} failed: ${result.stderr.trim()}`);
  }
  return result.stdout;
}
