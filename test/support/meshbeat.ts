/**
 * meshbeat as a user has it: a process of its own, started by its command line and judged by its exit status,
 * by what it prints and by what it leaves on the disk.
 *
 * Whatever a test starts here ends with the test file, and none of it may run for longer than four minutes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import type { RunManifest, RunSummary } from '../../src/run/files.js';
import { fixture } from './fixtures.js';

/** The project's folder. */
export const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
/** Words that start meshbeat. */
export const MESHBEAT: readonly string[] = [process.execPath, join(PROJECT, 'bin', 'meshbeat.js')];
/** Scenarios of a few seconds. */
export const TINY = fixture('scenarios/tiny.yaml');
export const TINY_DDP = fixture('scenarios/tiny-ddp.yaml');

/** Ends what hangs, before the test is. */
const LIMIT_MS = 240_000;
const running = new Set<ChildProcess>();

export interface Ended {
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** Waits until standard error has matched; throws, with what it did say, if it ends without. */
  said(pattern: RegExp): Promise<void>;
}

export interface StartOptions {
  /** Added to the environment. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Starts a command without standard input; ends it at the end of the test file if it still runs. */
export function start(command: readonly string[], { env, cwd }: StartOptions = {}): Running {
  const [program = '', ...words] = command;
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
    ...(cwd === undefined ? {} : { cwd }),
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  const wake = (): void => listeners.forEach((listener) => listener());
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    wake();
  });
  let isOver = false;
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      running.delete(child);
      isOver = true;
      resolve({ status, stdout, stderr });
      wake();
    });
  });
  const said = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(stderr)) resolve();
        else if (isOver) reject(new Error(`ended without saying ${String(pattern)}:\n${stderr}`));
        else return;
        listeners.delete(look);
      };
      listeners.add(look);
      look();
    });
  return { pid: child.pid ?? 0, ended, kill: (signal) => void child.kill(signal), said };
}

/** Runs a meshbeat command to its end. */
export function meshbeat(...words: readonly string[]): Promise<Ended> {
  return start([...MESHBEAT, ...words]).ended;
}

export interface CompletedRun {
  readonly directory: string;
  readonly summary: RunSummary;
  readonly ended: Ended;
}

/**
 * A whole run with its own folder for run directories, which `out` names. Whether the gate found it valid may
 * depend on how busy the machine is, and is the caller's to ask; that the exit status says the same is not.
 */
export async function completeRun(
  scenario: string,
  out: string,
  ...words: readonly string[]
): Promise<CompletedRun> {
  return completed(await meshbeat('run', scenario, '--out', out, '--json', ...words), out);
}

/** What a run that was started with `--json` left. */
export function completed(ended: Ended, out: string): CompletedRun {
  if (ended.stdout === '')
    throw new Error(`the run (exit status ${ended.status}) broke off:\n${ended.stderr}`);
  const summary = JSON.parse(ended.stdout) as RunSummary;
  expect(ended.status, ended.stderr).toBe(summary.gate.verdict === 'valid' ? 0 : 1);
  return { directory: newestRun(out), summary, ended };
}

/** Where `latest` points. */
export function newestRun(out: string): string {
  return realpathSync(join(out, 'latest'));
}

export function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

export function manifestOf(directory: string): RunManifest {
  return readJson<RunManifest>(join(directory, 'manifest.json'));
}

/** The lines of a file, each of which must be whole JSON. */
export function readJsonLines<T>(file: string): T[] {
  const text = readFileSync(file, 'utf8');
  if (text !== '') expect(text.endsWith('\n')).toBe(true);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T);
}

/** A port of the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

afterAll(() => running.forEach((child) => child.kill('SIGKILL')));
