/**
 * The lobby: where nodes that come by themselves wait until all are there.
 *
 * Whoever has the join token may come in, and may go again: before the start nothing depends on them. Then
 * the run begins, the lobby is closed, and who comes later is told so. A node is known by its address on the
 * mesh, so one that comes twice is turned away while its first self is here, and may come back when it left.
 * An observer, who captures, waits here too.
 */
import { Role } from '../src/transport/contracts.js';
import { sameSecret } from '../src/transport/join-token.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Guest } from './guest.js';

/** When there are enough. */
export interface Quorum {
  /** So many nodes; or `joined`: as many as have come when nobody new came for a while, but at least two. */
  readonly nodes: number | 'joined';
  /** Whether an observer is needed too. */
  readonly observer: boolean;
}

export interface Gathered {
  /** By rank: ordered by address. */
  readonly nodes: readonly Guest[];
  readonly observer?: Guest;
}

export interface LobbyOptions {
  /** The secret part of the join token. */
  readonly secret: string;
  readonly quorum: Quorum;
  /** Seconds without a newcomer after which `joined` nodes are all. */
  readonly quietSeconds: number;
  /** Says who came, went or was refused. */
  readonly log: (line: string) => void;
}

const FEWEST_NODES = 2;
const TICK_MS = 100;

export class Lobby {
  readonly #options: LobbyOptions;
  readonly #nodes = new Map<string, Guest>();
  #observer: Guest | undefined;
  #lastChange = performance.now();
  #isClosed = false;

  constructor(options: LobbyOptions) {
    this.#options = options;
  }

  /** Nodes that are here now. */
  get joined(): number {
    return this.#nodes.size;
  }

  /** What the start still waits for, for people. */
  get waitingFor(): string {
    const { nodes, observer } = this.#options.quorum;
    const wanted =
      nodes === 'joined' ? `nodes (${this.joined} joined)` : `nodes (${this.joined} of ${nodes})`;
    const missing = [
      ...(this.#enoughNodes ? [] : [wanted]),
      ...(observer && this.#observer === undefined ? ['the observer, who captures'] : []),
    ];
    return missing.join(' and ');
  }

  /** Takes a newcomer in, or says why not. */
  admit(guest: Guest): string | undefined {
    const refusal = this.#refusalOf(guest);
    if (refusal !== undefined) {
      this.#options.log(`refused ${guest.label}: ${refusal}`);
      return refusal;
    }
    this.#takeIn(guest);
    guest.tell({ admitted: {} });
    return undefined;
  }

  /** Waits until enough are here, and closes the lobby. Rejects with the signal's reason if it is aborted. */
  async gather(signal: AbortSignal): Promise<Gathered> {
    while (!this.#isComplete) await sleep(TICK_MS, undefined, { signal });
    this.#isClosed = true;
    const nodes = [...this.#nodes.values()].sort((a, b) =>
      compareAddresses(a.hello.address, b.hello.address),
    );
    return { nodes, ...(this.#observer === undefined ? {} : { observer: this.#observer }) };
  }

  get #enoughNodes(): boolean {
    const { quorum, quietSeconds } = this.#options;
    if (quorum.nodes !== 'joined') return this.joined >= quorum.nodes;
    return this.joined >= FEWEST_NODES && performance.now() - this.#lastChange >= 1000 * quietSeconds;
  }

  get #isComplete(): boolean {
    return this.#enoughNodes && (!this.#options.quorum.observer || this.#observer !== undefined);
  }

  #refusalOf({ hello }: Guest): string | undefined {
    if (!sameSecret(hello.token, this.#options.secret)) return 'wrong or missing join token';
    if (this.#isClosed) return 'the run has begun, and takes nobody in any more';
    if (hello.role === Role.OBSERVER)
      return this.#observer === undefined ? undefined : 'there is an observer already';
    const { nodes } = this.#options.quorum;
    if (!isAddress(hello.address)) return `found mesh address '${hello.address}'; allowed: an IPv4 address`;
    if (this.#nodes.has(hello.address)) return `a node at ${hello.address} has joined already`;
    if (nodes !== 'joined' && this.joined >= nodes) return `all ${nodes} nodes of the mesh are here`;
    return undefined;
  }

  #takeIn(guest: Guest): void {
    const { log } = this.#options;
    const { address, role } = guest.hello;
    this.#lastChange = performance.now();
    if (role === Role.OBSERVER) this.#observer = guest;
    else this.#nodes.set(address, guest);
    log(`${guest.label} has joined as ${role === Role.OBSERVER ? 'observer' : `node ${this.joined}`}`);
    void guest.gone.then(() => {
      if (this.#isClosed) return;
      this.#lastChange = performance.now();
      if (role === Role.OBSERVER) this.#observer = undefined;
      else this.#nodes.delete(address);
      log(`${guest.label} left before the start`);
    });
  }
}

function isAddress(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

function compareAddresses(a: string, b: string): number {
  const [left, right] = [a, b].map((address) => address.split('.').map(Number));
  for (let index = 0; index < 4; index++) {
    const difference = left![index]! - right![index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
