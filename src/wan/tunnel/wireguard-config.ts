/** The text that `wg setconf` reads: see wg(8), "CONFIGURATION FILE FORMAT". Pure. */
import type { TunnelEndPlan } from './plan.js';

/** @param publicKeys by position */
export function wireguardConfig(
  { port, peers, keepalive }: Pick<TunnelEndPlan, 'port' | 'peers' | 'keepalive'>,
  privateKey: string,
  publicKeys: readonly string[],
): string {
  const sections = peers.map(({ position, endpoint, reaches }) => [
    '[Peer]',
    `PublicKey = ${publicKeys[position] ?? ''}`,
    `Endpoint = ${endpoint.host}:${endpoint.port}`,
    `AllowedIPs = ${reaches.join(', ')}`,
    // Also what makes a tunnel come up before anybody has anything to say.
    `PersistentKeepalive = ${keepalive}`,
  ]);
  const own = ['[Interface]', `PrivateKey = ${privateKey}`, `ListenPort = ${port}`];
  return [own, ...sections].map((lines) => lines.join('\n') + '\n').join('\n');
}
