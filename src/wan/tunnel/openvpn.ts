/**
 * An end of OpenVPN tunnels: processes of Debian's OpenVPN, each with a TUN device that is made for it.
 *
 * One server process waits for all who call; one client process calls each peer that waits. Their devices carry the
 * same address, and routes lead to the one behind which a peer is. Keys reach the programs on their standard input,
 * so that they are in no file; the server's folder says only who has which address.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import type { TunnelEnd, TunnelEndOptions } from './end.js';
import { clientConfig, clientFile, serverConfig } from './openvpn-config.js';
import { overlayLines } from './overlay.js';
import { Daemon, ipIn, needProgram } from './place.js';
import type { TunnelPeer } from './plan.js';

/** One process and what shows that its tunnels are up. */
interface Instance {
  readonly daemon: Daemon;
  readonly device: string;
  /** How many of its tunnels are not up yet. */
  readonly missing: () => number;
}

export class OpenvpnEnd implements TunnelEnd {
  readonly implementation: string;
  readonly #options: TunnelEndOptions;
  readonly #instances: Instance[] = [];
  #closed: Promise<void> | undefined;

  private constructor(options: TunnelEndOptions, implementation: string) {
    this.#options = options;
    this.implementation = implementation;
  }

  static async open(options: TunnelEndOptions): Promise<OpenvpnEnd> {
    const program = needProgram('openvpn', 'openvpn');
    const end = new OpenvpnEnd(options, `OpenVPN ${versionOf(program)}`);
    try {
      const callers = options.plan.peers.filter(({ calls }) => calls);
      if (callers.length > 0) end.#serve(program, callers);
      for (const peer of options.plan.peers) if (!peer.calls) end.#call(program, peer);
      return end;
    } catch (error) {
      await end.close();
      throw error;
    }
  }

  missing(): Promise<number> {
    let sum = 0;
    for (const { daemon, missing } of this.#instances) {
      daemon.check();
      sum += missing();
    }
    return Promise.resolve(sum);
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  /** Waits for these to call. */
  #serve(program: string, peers: readonly TunnelPeer[]): void {
    const { plan, folder, publicKeys } = this.#options;
    const clients = path.join(folder, `openvpn-${plan.position}`);
    mkdirSync(clients, { recursive: true, mode: 0o700 });
    for (const { position, outerAddress } of peers)
      writeFileSync(path.join(clients, outerAddress), clientFile(position), { mode: 0o600 });
    const identity = this.#identity(peers.map(({ position }) => publicKeys[position] ?? ''));
    const device = 'vpn0';
    const config = serverConfig(plan, device, identity, clients);
    this.#start(program, device, config, peers, (said) => {
      const come = peers.filter(({ outerAddress }) =>
        said.includes(`[${outerAddress}] Peer Connection Initiated`),
      );
      return peers.length - come.length;
    });
  }

  /** Calls a peer. */
  #call(program: string, peer: TunnelPeer): void {
    const { plan, publicKeys } = this.#options;
    const device = `vpn${peer.position + 1}`;
    const identity = this.#identity([publicKeys[peer.position] ?? '']);
    const config = clientConfig(plan, device, peer, identity);
    this.#start(program, device, config, [peer], (said) =>
      said.includes('Initialization Sequence Completed') ? 0 : 1,
    );
  }

  #identity(fingerprints: readonly string[]) {
    const { certificate, privateKey } = this.#options.keys;
    return { certificate, privateKey, fingerprints };
  }

  #start(
    program: string,
    device: string,
    config: string,
    peers: readonly TunnelPeer[],
    missingBy: (said: string) => number,
  ): void {
    const { plan, place, tcp, onFailure } = this.#options;
    const reaches = peers.flatMap((peer) => peer.reaches);
    ipIn(place, [`tuntap add dev ${device} mode tun`, ...overlayLines(device, plan, reaches, tcp)]);
    const daemon = Daemon.start(place, [program, '--config', 'stdin'], {
      name: 'openvpn',
      input: config,
      onDeath: onFailure,
    });
    // What was said of the start may be forgotten by a chatty end, so what is up is not asked again.
    let missing = peers.length;
    this.#instances.push({
      daemon,
      device,
      missing: () => (missing = missing === 0 ? 0 : missingBy(daemon.said)),
    });
  }

  async #end(): Promise<void> {
    await Promise.all(this.#instances.map(({ daemon }) => daemon.close()));
    const { place } = this.#options;
    // Its device outlives a program; it would end with the namespace, unless that is not ours.
    for (const { device } of this.#instances)
      place.inside(() => spawnSync('ip', ['link', 'del', device], { stdio: 'ignore' }));
  }
}

function versionOf(program: string): string {
  const said = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout;
  return /^OpenVPN (\S+)/.exec(said)?.[1] ?? 'of unknown version';
}
