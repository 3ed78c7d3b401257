/**
 * The compose file as a user starts it, as a project of its own: with its own name, ports, bridge, subnet and
 * folder for runs, so that it disturbs neither a user's project nor another test's.
 *
 * Works with `docker compose` and `docker-compose`. What a project made is ended with the test file at the
 * latest; {@link ComposeProject.leftovers} then asks the engine, the kernel and /proc whether anything stayed.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { memoryOf, processesIn, type Memory } from './cgroups.js';
import { call, COMPOSE, docker, IMAGE, tunDevice, type Said } from './docker.js';
import { DOCKER } from './engine.js';
import { freePort, PROJECT } from './meshbeat.js';

/** Owner of the folder for runs when root runs the tests: somebody the image knows nothing of. */
export const RUNS_OWNER = 4321;
/** All services that can be had where no image can be pulled: Grafana's is left out. */
export const SERVICES = ['orchestrator', 'node', 'capture', 'prometheus'] as const;
/** How long it may take until all containers of a project have ended and are removed, ms. */
export const DOWN_LIMIT_MS = 120_000;

export interface ProjectOptions {
  readonly nodes?: number;
  /** A scenario file; default: the one that the compose file names. */
  readonly scenario?: string;
  /** More words for `meshbeat orchestrate`, divided by spaces. */
  readonly options?: string;
  /** More for the compose file's variables. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  /** `running`, `exited` … */
  readonly state: string;
  /** 0 while it runs. */
  readonly exitCode: number;
  /** Of its first process, seen from outside; 0 when it has none. */
  readonly pid: number;
}

export interface Ports {
  readonly web: number;
  readonly join: number;
  readonly prometheus: number;
  readonly grafana: number;
}

const open = new Set<ComposeProject>();

/** Then the number of the process whose project it is. */
const PREFIX = 'meshbeat-test-';
const LABEL = 'com.docker.compose.project';

export class ComposeProject {
  readonly name: string;
  /** Where run directories appear. */
  readonly runs: string;
  readonly bridge: string;
  readonly subnet: string;
  readonly ports: Ports;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  /** Of all containers that were seen, since the kernel forgets what they were once they are gone. */
  readonly #ids = new Set<string>();

  private constructor(folder: string, ports: Ports, tun: string, options: ProjectOptions) {
    const id = randomBytes(3).toString('hex');
    this.name = `${PREFIX}${process.pid}-${id}`;
    this.bridge = `mbt-${id}`;
    this.subnet = `10.${randomInt(128, 255)}.${randomInt(0, 255)}.0/24`;
    this.ports = ports;
    this.#folder = folder;
    this.runs = join(folder, 'runs');
    mkdirSync(this.runs);
    if (process.geteuid?.() === 0) chownSync(this.runs, RUNS_OWNER, RUNS_OWNER);
    const { scenario } = options;
    this.#env = {
      ...withoutOurs(process.env),
      MESHBEAT_IMAGE: IMAGE,
      MESHBEAT_NODES: String(options.nodes ?? 4),
      MESHBEAT_OPTIONS: options.options ?? '',
      MESHBEAT_RUNS: this.runs,
      MESHBEAT_BRIDGE: this.bridge,
      MESHBEAT_SUBNET: this.subnet,
      MESHBEAT_TUN: tun,
      MESHBEAT_WEB_PORT: String(ports.web),
      MESHBEAT_JOIN_PORT: String(ports.join),
      MESHBEAT_PROMETHEUS_PORT: String(ports.prometheus),
      MESHBEAT_GRAFANA_PORT: String(ports.grafana),
      ...(scenario === undefined
        ? {}
        : { MESHBEAT_SCENARIOS: dirname(scenario), MESHBEAT_SCENARIO: `scenarios/${basename(scenario)}` }),
      ...options.env,
    };
  }

  /** A project of which nothing has been started. */
  static async create(options: ProjectOptions = {}): Promise<ComposeProject> {
    swept ??= sweep();
    await swept;
    const folder = mkdtempSync(join(tmpdir(), 'meshbeat-compose-'));
    chmodSync(folder, 0o755);
    const [web, joining, prometheus, grafana] = [freePort(), freePort(), freePort(), freePort()];
    const ports = {
      web: await web,
      join: await joining,
      prometheus: await prometheus,
      grafana: await grafana,
    };
    const project = new ComposeProject(folder, ports, await tunDevice(folder), options);
    open.add(project);
    return project;
  }

  /** A command of Compose on this project. */
  compose(...words: readonly string[]): Promise<Said> {
    if (COMPOSE === undefined) throw new Error('no compose');
    const project = ['--project-name', this.name, '--file', join(PROJECT, 'docker-compose.yml')];
    const folder = ['--project-directory', PROJECT];
    return call([...COMPOSE, ...project, ...folder, ...words], { env: this.#env, limitMs: DOWN_LIMIT_MS });
  }

  /** Starts services in the background; by default all but Grafana. */
  async up(services: readonly string[] = SERVICES, ...options: readonly string[]): Promise<void> {
    await this.compose('up', '--detach', '--no-build', ...options, ...services);
    await this.containers();
  }

  /** All containers there are, running or not, sorted by name. */
  async containers(service?: string): Promise<Container[]> {
    const filters = [`label=${LABEL}=${this.name}`];
    if (service !== undefined) filters.push(`label=com.docker.compose.service=${service}`);
    const ids = await docker(
      'ps',
      '--all',
      '--quiet',
      '--no-trunc',
      ...filters.flatMap((one) => ['--filter', one]),
    );
    if (ids === '') return [];
    const inspected = JSON.parse(await docker('inspect', ...ids.split('\n'))) as Inspected[];
    for (const { Id } of inspected) this.#ids.add(Id);
    const containers = inspected.map(({ Id, Name, Config, State }) => ({
      id: Id,
      name: Name.slice(1),
      service: Config.Labels['com.docker.compose.service'] ?? '',
      state: State.Status,
      exitCode: State.ExitCode,
      pid: State.Pid,
    }));
    return containers.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  }

  /** Waits until all containers of a service have ended; their exit statuses. Rejects after the limit. */
  async ended(service: string, limitMs = 240_000): Promise<number[]> {
    const ids = (await this.containers(service)).map(({ id }) => id);
    const { stdout } = await call([DOCKER, 'wait', ...ids], { limitMs });
    return stdout.trim().split('\n').map(Number);
  }

  /** What a service's containers, or all, have said up to now. */
  async logs(...services: readonly string[]): Promise<string> {
    const { stdout, stderr } = await this.compose('logs', '--no-color', ...services);
    return stdout + stderr;
  }

  /** All that `docker inspect` tells of the containers, networks and volumes: for a search of it. */
  async inspected(): Promise<string> {
    const containers = (await this.containers()).map(({ id }) => id);
    const others = [...(await this.#listed('network')), ...(await this.#listed('volume'))];
    return docker('inspect', ...containers, ...others);
  }

  /** Memory of each running container, bytes, from the kernel's accounts. */
  async memory(): Promise<(Memory & { readonly name: string; readonly service: string })[]> {
    const running = (await this.containers()).filter(({ pid }) => pid > 0);
    return running.map(({ name, service, pid }) => ({ name, service, ...memoryOf(pid) }));
  }

  /** The same and more as Docker tells it, as a table for people. */
  async stats(): Promise<string> {
    const running = (await this.containers()).filter(({ pid }) => pid > 0);
    return docker('stats', '--no-stream', ...running.map(({ name }) => name));
  }

  /** Ends and removes all, volumes too. Safe to call twice. */
  async down(): Promise<void> {
    await this.containers();
    await this.compose('down', '--volumes', '--remove-orphans', '--timeout', '10');
  }

  /** What is left of the project, in words; nothing after {@link down}. */
  async leftovers(): Promise<string[]> {
    const interfaces = (await call(['ip', '-brief', 'link'])).stdout.split('\n');
    return [
      ...(await this.containers()).map(({ name }) => `container ${name}`),
      ...(await this.#listed('network')).map((name) => `network ${name}`),
      ...(await this.#listed('volume')).map((name) => `volume ${name}`),
      ...interfaces.filter((line) => line.startsWith(`${this.bridge} `)).map(() => `bridge ${this.bridge}`),
      ...processesIn(this.#ids).map(({ pid, command }) => `process ${pid}: ${command}`),
    ];
  }

  async #listed(kind: 'network' | 'volume'): Promise<string[]> {
    const label = `label=${LABEL}=${this.name}`;
    const names = await docker(kind, 'ls', '--quiet', '--filter', label);
    return names.split('\n').filter((name) => name !== '');
  }

  /** Brings it down and removes its folder. */
  async close(): Promise<void> {
    open.delete(this);
    await this.down();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What an orchestrator's log says of the gate in the end. */
export function gateLineOf(logs: string): string {
  const lines = logs.split('\n').filter((line) => line.includes('gate'));
  return lines.at(-1) ?? 'it broke off before the gate';
}

/** The part of `docker inspect` that is read here. */
interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly State: { readonly Status: string; readonly ExitCode: number; readonly Pid: number };
}

let swept: Promise<void> | undefined;

/** Removes what is left of projects whose tests were killed, so that their nodes do not keep the machine busy. */
async function sweep(): Promise<void> {
  const containers = ['container', 'ls', '--all', '--format', '{{.Names}}'];
  await remove(['container', 'rm', '--force', '--volumes'], await docker(...containers));
  await remove(['network', 'rm'], await docker('network', 'ls', '--format', '{{.Name}}'));
  await remove(['volume', 'rm'], await docker('volume', 'ls', '--format', '{{.Name}}'));
}

async function remove(command: readonly string[], listed: string): Promise<void> {
  const abandoned = listed.split('\n').filter((name) => {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });
  if (abandoned.length > 0) await docker(...command, ...abandoned);
}

/** A user's settings of the compose file are not the tests'. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MESHBEAT_')));
}

afterAll(async () => {
  for (const project of open) await project.close();
}, DOWN_LIMIT_MS);
