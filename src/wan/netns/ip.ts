/**
 * The program `ip` (iproute2), run in the calling thread's network namespace.
 *
 * All that concerns links, addresses, routes and rules goes through it: it is on every Linux, and whoever wants to
 * know what was set up can type the same lines.
 */
import { spawnSync } from 'node:child_process';
import { RunError } from '../../errors.js';
import { findProgram } from './programs.js';

/** Runs lines of `ip -batch`, up to the first that fails. A RunError names `place` and quotes ip's own words. */
export function runIp(lines: readonly string[], place: string): void {
  ip(['-batch', '-'], place, lines.join('\n') + '\n');
}

/** What `ip -json WORDS` says; throws as {@link runIp} does. */
export function askIp(words: readonly string[], place: string): unknown {
  return JSON.parse(ip(['-json', ...words], place));
}

function ip(words: readonly string[], place: string, input = ''): string {
  const result = spawnSync(findProgram('ip') ?? 'ip', words, { input, encoding: 'utf8' });
  if (result.error !== undefined) {
    throw new RunError(`can't run 'ip' (package iproute2): ${result.error.message}`);
  }
  if (result.status !== 0) {
    throw new RunError(`setting up the network of ${place} failed: ${result.stderr.trim()}`);
  }
  return result.stdout;
}
