/**
 * The text that `wg setconf` reads: see wg(8), "CONFIGURATION FILE FORMAT". Pure.
 *
 * Of each tunnel one end calls, as a client of a VPN does, and keeps it open. If both did, their first messages would
 * cross on a long way: each then answers the other and forgets what it had asked, no answer fits, and both try again
 * after the same five seconds and a jitter shorter than the way, and cross again.
 */
import type { TunnelEndPlan } from './plan.js';

/** @param publicKeys by position */
export function wireguardConfig(
  { port, peers, keepalive }: Pick<TunnelEndPlan, 'port' | 'peers' | 'keepalive'>,
  privateKey: string,
  publicKeys: readonly string[],
): string {
  const sections = peers.map(({ position, endpoint, reaches, calls }) => [
    '[Peer]',
    `PublicKey = ${publicKeys[position] ?? ''}`,
    `Endpoint = ${endpoint.host}:${endpoint.port}`,
    `AllowedIPs = ${reaches.join(', ')}`,
    // Also what makes a tunnel come up before anybody has anything to say.
    ...(calls ? [] : [`PersistentKeepalive = ${keepalive}`]),
  ]);
  const own = ['[Interface]', `PrivateKey = ${privateKey}`, `ListenPort = ${port}`];
  return [own, ...sections].map((lines) => lines.join('\n') + '\n').join('\n');
}
