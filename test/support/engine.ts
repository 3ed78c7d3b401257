/**
 * A Docker engine for the tests: the one that runs here, or one that the tests start and end.
 *
 * A machine may have Docker installed and nobody to start it. Then root can: with its socket and everything
 * short-lived in a folder of its own, so that nothing on the machine's usual socket is touched, and without the
 * bridge `docker0`, which nobody here needs. Only what Docker keeps between starts, its images, is kept where it
 * always is; so the next test file finds them built.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { findProgram } from '../../src/wan/netns/programs.js';

/**
 * The client: the one of the distribution that has the engine, if there is one, before others on the PATH, which
 * may be of another age.
 */
export const DOCKER = existsSync('/usr/bin/docker') ? '/usr/bin/docker' : 'docker';

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 30_000;

/** Whether an engine answers. */
export function engineAnswers(): boolean {
  return spawnSync(DOCKER, ['version', '--format', '{{.Server.Version}}'], { stdio: 'ignore' }).status === 0;
}

/** Why there is no engine and can be none; undefined if there is one or can be. */
export function engineObstacle(): string | undefined {
  if (engineAnswers()) return undefined;
  if (findProgram('dockerd') === undefined) return 'a Docker engine';
  return process.geteuid?.() === 0 ? undefined : 'a running Docker engine, or root to start one';
}

let started: StartedEngine | undefined;

/** Sees to it that an engine answers; what it starts ends with the test file. */
export async function engineReady(): Promise<void> {
  if (started !== undefined || engineAnswers()) return;
  started = await StartedEngine.start();
}

interface EngineOptions {
  /** Where images are kept; default: where Docker keeps them. */
  readonly dataRoot?: string;
}

/** An engine of our own. While it lives, DOCKER_HOST in this process's environment leads to it. */
export class StartedEngine {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #hostBefore = process.env['DOCKER_HOST'];

  private constructor(folder: string, child: ChildProcess) {
    this.#folder = folder;
    this.#process = child;
  }

  /** Resolves when it answers; rejects, with the end of its log, if it does not. */
  static async start({ dataRoot }: EngineOptions = {}): Promise<StartedEngine> {
    const folder = mkdtempSync(join(tmpdir(), 'meshbeat-engine-'));
    const socket = `unix://${join(folder, 'docker.sock')}`;
    const options = [
      `--host=${socket}`,
      `--pidfile=${join(folder, 'pid')}`,
      `--exec-root=${join(folder, 'exec')}`,
    ];
    options.push('--bridge=none', ...(dataRoot === undefined ? [] : [`--data-root=${dataRoot}`]));
    const log = openSync(join(folder, 'log'), 'a');
    const child = spawn(findProgram('dockerd') ?? 'dockerd', options, { stdio: ['ignore', log, log] });
    closeSync(log);
    const engine = new StartedEngine(folder, child);
    process.env['DOCKER_HOST'] = socket;
    try {
      const deadline = Date.now() + START_LIMIT_MS;
      while (!engineAnswers()) {
        if (child.exitCode !== null || Date.now() > deadline)
          throw new Error(
            `dockerd does not start:\n${readFileSync(join(folder, 'log'), 'utf8').slice(-2000)}`,
          );
        await sleep(200);
      }
      return engine;
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_LIMIT_MS);
      await exited;
      clearTimeout(timer);
    }
    if (this.#hostBefore === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = this.#hostBefore;
    unmountBelow(this.#folder);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** An engine leaves the mount of its own network namespace behind. */
function unmountBelow(folder: string): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const points = mounts
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${folder}/`));
  for (const point of points.reverse()) execFileSync('umount', ['--lazy', point]);
}

afterAll(async () => {
  await started?.stop();
  started = undefined;
}, STOP_LIMIT_MS * 2);
