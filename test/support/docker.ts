/**
 * Docker as tests use it: its client, what it takes to have it, and the image of this checkout.
 *
 * `describeIf(dockerNeeds(), …)`, then `beforeAll(imagesReady, BUILD_LIMIT_MS)`. The image has a name of its own,
 * so that no user's is replaced, and is built by what is in the Docker cache: quickly, when nothing has changed.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DOCKER, engineAnswers, engineObstacle, engineReady } from './engine.js';
import { PROJECT } from './meshbeat.js';
import { all } from './needs.js';
import { isInstalled } from './requires.js';

/** The image of this checkout, after {@link imagesReady}. */
export const IMAGE = 'meshbeat:test';
/** How long making it may take where nothing is cached: a Debian root, all npm packages, a compilation, ms. */
export const BUILD_LIMIT_MS = 900_000;
/** The public image that the Dockerfile stands on. */
export const BASE = /^FROM\s+(\S+)/m.exec(readFileSync(join(PROJECT, 'Dockerfile'), 'utf8'))?.[1] ?? '';

/** How one calls Compose here: as a plugin of Docker (v2), or as a program of its own (1.29). */
export const COMPOSE: readonly string[] | undefined = succeeds(DOCKER, 'compose', 'version')
  ? [DOCKER, 'compose']
  : isInstalled('docker-compose')
    ? ['docker-compose']
    : undefined;

/** What is missing for tests with Docker. */
export function dockerNeeds(): string | undefined {
  return all(
    succeeds(DOCKER, '--version') ? undefined : 'docker',
    COMPOSE === undefined ? 'docker compose or docker-compose' : undefined,
    engineObstacle(),
    tunIsOpen() || process.geteuid?.() === 0 ? undefined : `${TUN} that anyone may open`,
    // Without an engine that answers nobody knows yet; then it must be possible to make one.
    isInstalled('mmdebstrap') || (engineAnswers() && succeeds(DOCKER, 'image', 'inspect', BASE))
      ? undefined
      : `the image ${BASE} or mmdebstrap`,
  );
}

const TUN = '/dev/net/tun';
const tunIsOpen = (): boolean => existsSync(TUN) && (statSync(TUN).mode & 0o006) === 0o006;

/**
 * A TUN device that anyone may open, as on most hosts. Docker gives a container the device with the host's mode;
 * where that is only for root, root makes another of the kind.
 */
export async function tunDevice(folder: string): Promise<string> {
  if (tunIsOpen()) return TUN;
  const device = join(folder, 'tun');
  await call(['mknod', '--mode=666', device, 'c', '10', '200']);
  return device;
}

export interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly limitMs?: number;
}

/** Runs a program to its end; rejects, with what it said, if it fails or takes longer than the limit (4 minutes). */
export async function call(command: readonly string[], options: CallOptions = {}): Promise<Said> {
  const [program = '', ...words] = command;
  const { env = process.env, limitMs = 240_000 } = options;
  try {
    return await promisify(execFile)(program, words, {
      cwd: PROJECT,
      env,
      timeout: limitMs,
      killSignal: 'SIGKILL',
      maxBuffer: 256 * 2 ** 20,
    });
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown } & Partial<Said>;
    throw new Error(`${command.join(' ')} failed (${String(code)}):\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** A command of Docker's client; what it printed. */
export async function docker(...words: readonly string[]): Promise<string> {
  return (await call([DOCKER, ...words])).stdout.trim();
}

let ready: Promise<void> | undefined;

/** An engine, the public images or their stand-ins, and the image of this checkout. */
export function imagesReady(): Promise<void> {
  ready ??= makeReady();
  return ready;
}

async function makeReady(): Promise<void> {
  await engineReady();
  const env = { ...process.env, MESHBEAT_DOCKER: DOCKER };
  const limitMs = BUILD_LIMIT_MS;
  await call([process.execPath, join(PROJECT, 'test', 'images', 'make.mjs')], { env, limitMs });
  // The host's network, because a nested engine's own may lead nowhere.
  await call([DOCKER, 'build', '--network=host', '--tag', IMAGE, PROJECT], { limitMs });
}

function succeeds(program: string, ...words: readonly string[]): boolean {
  return spawnSync(program, words, { stdio: 'ignore' }).status === 0;
}
