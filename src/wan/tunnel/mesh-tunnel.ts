/**
 * The tunnels of a whole mesh that lives in this process: an end at every host, relays between them, up before
 * anybody listens, and all of it ended together.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RunError } from '../../errors.js';
import { makeRuntimeFolder, removeRuntimeFolder } from '../../run/runtime-folder.js';
import { hostsOf, type Topology, type TunnelLayout } from '../../scenario/topology.js';
import type { TcpOptions } from '../netns/detour.js';
import { openTunnelEnd, type TunnelEnd } from './end.js';
import { newTunnelKeys } from './keys.js';
import type { Place } from './place.js';
import { endPlan, membersOf, relaySessions } from './plan.js';
import { Relay } from './relay.js';

/** A host's namespace. */
export interface TunnelPlace extends Place {
  readonly fd: number;
}

export interface MeshTunnelOptions {
  readonly topology: Topology;
  readonly layout: TunnelLayout;
  /** By position among all hosts. */
  readonly places: readonly TunnelPlace[];
  readonly tcp: TcpOptions;
  /** Told when a program or a relay ends by itself. */
  readonly onFailure: (error: Error) => void;
}

export class MeshTunnel {
  readonly #folder: string;
  readonly #ends: TunnelEnd[] = [];
  readonly #relays: Relay[] = [];
  #closed: Promise<void> | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Sets everything up; resolves when all tunnels carry packets. Leaves nothing if one can't. */
  static async open(options: MeshTunnelOptions): Promise<MeshTunnel> {
    const tunnel = new MeshTunnel(makeRuntimeFolder());
    try {
      await tunnel.#build(options);
      await established(tunnel.#ends);
      return tunnel;
    } catch (error) {
      await tunnel.close();
      throw error;
    }
  }

  /** What carries the tunnels. */
  get implementation(): string {
    return this.#ends[0]?.implementation ?? '';
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #build({ topology, layout, places, tcp, onFailure }: MeshTunnelOptions): Promise<void> {
    const hosts = hostsOf(topology);
    for (const relay of layout.relays) {
      const data = {
        namespaceFd: places[relay]!.fd,
        sessions: relaySessions(topology, layout, relay),
      };
      this.#relays.push(await Relay.start(data, hosts[relay]!.name, onFailure));
    }
    const members = membersOf(topology, layout);
    const keys = await Promise.all(
      hosts.map(async ({ address }, position) =>
        members.includes(position) ? newTunnelKeys(layout.kind, address) : undefined,
      ),
    );
    const publicKeys = keys.map((own) => own?.publicKey ?? '');
    // A hub is the last of the hosts and the one that is called: a call that meets nobody is tried again late.
    const { hub } = layout;
    const calledFirst = [...(hub === undefined ? [] : [hub]), ...members.filter((member) => member !== hub)];
    for (const position of calledFirst) {
      const end = await openTunnelEnd({
        plan: endPlan(topology, layout, position),
        place: places[position]!,
        keys: keys[position]!,
        publicKeys,
        tcp: { ...tcp, congestion: hosts[position]!.congestion ?? tcp.congestion },
        folder: this.#folder,
        onFailure,
      });
      this.#ends.push(end);
    }
  }

  async #end(): Promise<void> {
    await Promise.all([...this.#ends, ...this.#relays].map((part) => part.close()));
    removeRuntimeFolder(this.#folder);
  }
}

/** Seconds for all tunnels to come up: a handshake that met nobody is tried again after some. */
const PATIENCE_SECONDS = 40;
const LOOK_MS = 100;

/** Waits until nothing is missing of these ends. */
export async function established(ends: readonly TunnelEnd[]): Promise<void> {
  const start = performance.now();
  for (const end of ends) {
    for (let missing = await end.missing(); missing > 0; missing = await end.missing()) {
      if (performance.now() - start > 1000 * PATIENCE_SECONDS)
        throw new RunError(`${missing} tunnels did not come up within ${PATIENCE_SECONDS} s`);
      await sleep(LOOK_MS);
    }
  }
}
