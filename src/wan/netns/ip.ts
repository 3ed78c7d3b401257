/**
 * The programs `ip` and `tc` (iproute2), run in the calling thread's network namespace.
 *
 * All that concerns links, addresses, routes and rules goes through `ip`: it is on every Linux, and whoever wants to
 * know what was set up can type the same lines. Likewise all that concerns the kernel's own shaping through `tc`.
 */
import { callTool } from './tool.js';

const IP = { program: 'ip', source: 'iproute2' };
const TC = { program: 'tc', source: 'iproute2' };

/** Runs lines of `ip -batch`, up to the first that fails. A RunError names `place` and quotes ip's own words. */
export function runIp(lines: readonly string[], place: string): void {
  callTool(IP, ['-batch', '-'], place, asInput(lines));
}

/** What `ip -json WORDS` says; throws as {@link runIp} does. */
export function askIp(words: readonly string[], place: string): unknown {
  return JSON.parse(callTool(IP, ['-json', ...words], place));
}

/** Runs lines of `tc -batch`, as {@link runIp} does. */
export function runTc(lines: readonly string[], place: string): void {
  callTool(TC, ['-batch', '-'], place, asInput(lines));
}

/** What `tc -s -json -batch` says: a JSON document for each line. */
export function askTc(lines: readonly string[], place: string): string {
  return callTool(TC, ['-statistics', '-json', '-batch', '-'], place, asInput(lines));
}

const asInput = (lines: readonly string[]): string => lines.join('\n') + '\n';
