/**
 * One host's end of its tunnels, whatever makes them: set up where the host is, up when all tunnels are, ended with
 * all that it started. One compliance suite (test/wan/tunnel/compliance.ts) holds for every kind.
 */
import { RunError } from '../../errors.js';
import type { TcpOptions } from '../netns/detour.js';
import type { TunnelKeys } from './keys.js';
import { OpenvpnEnd } from './openvpn.js';
import type { Place } from './place.js';
import type { TunnelEndPlan } from './plan.js';
import { WireguardEnd } from './wireguard.js';

export interface TunnelEndOptions {
  readonly plan: TunnelEndPlan;
  readonly place: Place;
  readonly keys: TunnelKeys;
  /** What each host's end is known by, by position. */
  readonly publicKeys: readonly string[];
  /** How TCP inside is to be. */
  readonly tcp: TcpOptions;
  /** A folder of this run that nobody else can enter. */
  readonly folder: string;
  /** Told when it breaks off by itself. */
  readonly onFailure: (error: Error) => void;
}

export interface TunnelEnd {
  /** What carries it out, e.g. "wireguard-go 0.0.20220316". */
  readonly implementation: string;
  /** How many of its tunnels can't carry anything yet. Throws a RunError if they never will. */
  missing(): Promise<number>;
  /** Ends programs and interfaces. Safe to call twice. */
  close(): Promise<void>;
}

/** What a public key looks like. Others have sent it, and it goes into a configuration. */
const KEY_FORMS = {
  wireguard: /^[A-Za-z0-9+/]{43}=$/,
  'openvpn-udp': /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/,
} as const;

/** Sets an end up; its tunnels come up as the other ends do. Throws a RunError and leaves nothing if it can't. */
export async function openTunnelEnd(options: TunnelEndOptions): Promise<TunnelEnd> {
  const { plan, publicKeys } = options;
  for (const { name, position } of plan.peers) {
    const key = publicKeys[position] ?? '';
    if (!KEY_FORMS[plan.kind].test(key))
      throw new RunError(
        `${name} has ${JSON.stringify(key.slice(0, 100))} for a key of ${plan.kind}, which is none`,
      );
  }
  return plan.kind === 'wireguard' ? WireguardEnd.open(options) : OpenvpnEnd.open(options);
}
