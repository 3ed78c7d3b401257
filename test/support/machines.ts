/**
 * Machines that join a mesh, without Docker: namespaces with networks as Docker makes them, each with a host
 * name of its own, in which meshbeat's commands run as processes. What they say is kept.
 *
 * One place, the host of the networks, has the bridges; there the orchestrator and the observer are, as in the
 * compose file, except that a node can reach the orchestrator over the mesh too. Nothing of this machine is
 * changed, and all of it ends with the test file: the kernel takes a namespace away with its last process.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { Namespace } from '../../src/wan/netns/namespace.js';
import { readJoinTokenFile, type JoinToken } from '../../src/transport/join-token.js';
import { addressIn, CONTROL, DockerLike, MESH, type Network } from '../wan/own/docker-like.js';
import { MESHBEAT, start, type Running } from './meshbeat.js';
import { secretsIn } from './secrets.js';

const DOOR_PORT = 8471;

/** A machine that a node can run on; several can, one after the other or at once. */
export interface Machine {
  /** Its host name. */
  readonly name: string;
  readonly namespace: Namespace;
  /** The first is its mesh's. */
  readonly networks: readonly Network[];
  /** Its number in each of them. */
  readonly number: number;
}

/** A machine's address on the mesh. */
export const addressOf = ({ networks, number }: Machine): string => addressIn(networks[0]!, number);

export interface NodeSettings {
  /** Default: the orchestrator's. */
  readonly tokenFile?: string;
  /** More words for the command. */
  readonly words?: readonly string[];
}

const open = new Set<Machines>();

export class Machines {
  /** For run directories. */
  readonly out: string;
  /** The orchestrator writes it; its folder is there from the start. */
  readonly tokenFile: string;
  readonly #place = new DockerLike();
  readonly #started: Running[] = [];

  /** @param folder of the test; it is made if it is not there. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.out = join(folder, 'runs');
    this.tokenFile = join(folder, 'join-token');
    open.add(this);
  }

  /** The token of the orchestrator that waits for nodes now. */
  get token(): JoinToken {
    return readJoinTokenFile(this.tokenFile);
  }

  /** A machine on networks, the first of which is its mesh's; the n-th is called `box-n`. */
  machine(nth: number, networks: readonly Network[] = [MESH, CONTROL]): Machine {
    const [name, number] = [`box-${nth}`, 10 + nth];
    return { name, namespace: this.#place.container(name, networks, number), networks, number };
  }

  orchestrate(scenario: string, ...words: readonly string[]): Running {
    const files = ['--token-file', this.tokenFile, '--out', this.out];
    return this.#start(this.#host, ['orchestrate', scenario, ...files, '--json', ...words]);
  }

  observe(...words: readonly string[]): Running {
    const where = ['--interface', MESH.bridge, '--out', this.out];
    return this.#start(this.#host, ['capture', ...this.#way(this.#host), ...where, ...words]);
  }

  node(machine: Machine, { tokenFile, words = [] }: NodeSettings = {}): Running {
    return this.#start(machine, ['node', ...this.#way(machine, tokenFile), ...words]);
  }

  /** The body of what a machine serves on one of its own ports. */
  async fetch(machine: Machine, port: number, path: string): Promise<string> {
    const script = 'fetch(process.argv[1]).then(async (answer) => process.stdout.write(await answer.text()))';
    const command = [process.execPath, '-e', script, `http://127.0.0.1:${port}${path}`];
    const { status, stdout, stderr } = await machine.namespace.inside(() => start(command)).ended;
    if (status !== 0) throw new Error(`no answer from ${machine.name}: ${stderr}`);
    return stdout;
  }

  /** Waits until all of meshbeat's processes have ended; then looks through all they said and wrote. */
  async expectNothingTold(secrets: readonly string[]): Promise<void> {
    const ends = await Promise.all(this.#started.map(({ ended }) => ended));
    const files = readdirSync(this.out, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const written = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'));
    const told = [...ends.map(({ stdout, stderr }) => stdout + stderr), ...written];
    expect(written.length).toBeGreaterThan(0);
    expect(told.flatMap(secretsIn)).toEqual([]);
    for (const secret of ['PRIVATE KEY', ...secrets])
      expect(told.filter((text) => text.includes(secret)).length, 'secrets told').toBe(0);
  }

  /** Takes the machines away; what still runs on them goes on there until it ends. */
  close(): void {
    open.delete(this);
    this.#place.close();
  }

  get #host(): Machine {
    return { name: 'host', namespace: this.#place.host, networks: [CONTROL], number: 1 };
  }

  /** To the orchestrator: over the last of a machine's networks, which is the mesh's if it has no other. */
  #way({ networks }: Machine, tokenFile = this.tokenFile): string[] {
    const door = `${addressIn(networks.at(-1)!, 1)}:${DOOR_PORT}`;
    return ['--join', door, '--token-file', tokenFile];
  }

  #start({ name, namespace }: Machine, words: readonly string[]): Running {
    const script = 'echo "$0" > /proc/sys/kernel/hostname && exec "$@"';
    const named = ['unshare', '--uts', '--', 'sh', '-c', script, name];
    const running = namespace.inside(() => start([...named, ...MESHBEAT, ...words]));
    this.#started.push(running);
    return running;
  }
}

afterAll(() => open.forEach((machines) => machines.close()));
