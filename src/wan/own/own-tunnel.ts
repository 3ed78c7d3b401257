/**
 * A node's own end of the mesh's tunnels, in a network namespace that others made: beside the shaper of own-access.ts,
 * which its packets then pass as any others to its peers.
 *
 * There is a full mesh only: nobody joins as a VPN server or as a relay.
 */
import { makeRuntimeFolder, removeRuntimeFolder } from '../../run/runtime-folder.js';
import type { Topology, TunnelLayout } from '../../scenario/topology.js';
import type { TcpOptions } from '../netns/detour.js';
import { openTunnelEnd, type TunnelEnd } from '../tunnel/end.js';
import type { TunnelKeys } from '../tunnel/keys.js';
import { established } from '../tunnel/mesh-tunnel.js';
import { ownPlace } from '../tunnel/place.js';
import { endPlan } from '../tunnel/plan.js';

export interface OwnTunnelOptions {
  readonly topology: Topology;
  readonly layout: TunnelLayout;
  readonly rank: number;
  readonly keys: TunnelKeys;
  /** By rank. */
  readonly publicKeys: readonly string[];
  readonly tcp: TcpOptions;
}

export class OwnTunnel {
  readonly #end: TunnelEnd;
  readonly #folder: string;
  readonly #broken: () => Error | undefined;

  private constructor(end: TunnelEnd, folder: string, broken: () => Error | undefined) {
    this.#end = end;
    this.#folder = folder;
    this.#broken = broken;
  }

  /** Resolves when the tunnels to all other nodes carry packets. Throws a RunError and leaves nothing if one can't. */
  static async open({ topology, layout, rank, ...others }: OwnTunnelOptions): Promise<OwnTunnel> {
    const folder = makeRuntimeFolder();
    let failure: Error | undefined;
    let end: TunnelEnd | undefined;
    try {
      end = await openTunnelEnd({
        plan: endPlan(topology, layout, rank),
        place: ownPlace('this node'),
        folder,
        onFailure: (error) => (failure ??= error),
        ...others,
      });
      await established([end]);
      return new OwnTunnel(end, folder, () => failure);
    } catch (error) {
      await end?.close();
      removeRuntimeFolder(folder);
      throw error;
    }
  }

  get implementation(): string {
    return this.#end.implementation;
  }

  /** Why it has broken off, if it has. */
  get failure(): Error | undefined {
    return this.#broken();
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    await this.#end.close();
    removeRuntimeFolder(this.#folder);
  }
}
