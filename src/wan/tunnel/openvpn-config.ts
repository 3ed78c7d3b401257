/**
 * The configurations that OpenVPN reads: see openvpn(8). Pure.
 *
 * OpenVPN has a side that waits and sides that call. An end is up to one server, with whoever calls it as its clients,
 * and one client for each peer that it calls itself: so the same two texts make a full mesh and a hub.
 *
 * Addresses and routes are ours to set, as with WireGuard: OpenVPN is told not to (`ifconfig-noexec`), and told the
 * addresses all the same, since a server passes packets to clients by them.
 */
import { OVERLAY_MASK, overlayAddress, type TunnelEndPlan, type TunnelPeer } from './plan.js';

/** What one OpenVPN process needs to know. */
export interface OpenvpnIdentity {
  /** PEM. */
  readonly certificate: string;
  readonly privateKey: string;
  /** Of the peers it may speak to. */
  readonly fingerprints: readonly string[];
}

type End = Pick<TunnelEndPlan, 'address' | 'mtu' | 'port' | 'keepalive' | 'forwards'>;

/** The side that waits. `clients`: a folder with a file for each client, see clientFile(). */
export function serverConfig(end: End, device: string, identity: OpenvpnIdentity, clients: string): string {
  return text(
    'mode server',
    'tls-server',
    `lport ${end.port}`,
    'dh none',
    'topology subnet',
    'push "topology subnet"',
    `ifconfig ${end.address} ${OVERLAY_MASK}`,
    `client-config-dir ${clients}`,
    'ccd-exclusive',
    ...(end.forwards ? ['client-to-client'] : []),
    ...common(end, device, identity),
  );
}

/** What a server's folder holds for a client, in a file of its certificate's name: the address to know it by. */
export const clientFile = (position: number): string =>
  text(`ifconfig-push ${overlayAddress(position)} ${OVERLAY_MASK}`);

/** A side that calls. */
export function clientConfig(
  end: End,
  device: string,
  { endpoint }: Pick<TunnelPeer, 'endpoint'>,
  identity: OpenvpnIdentity,
): string {
  return text(
    'client',
    'nobind',
    `remote ${endpoint.host} ${endpoint.port}`,
    // The other side may come up later: it is called again every second.
    'connect-retry 1 1',
    'connect-timeout 2',
    'explicit-exit-notify 0',
    ...common(end, device, identity),
  );
}

function common({ mtu, keepalive }: End, device: string, identity: OpenvpnIdentity): string[] {
  return [
    'proto udp4',
    'dev-type tun',
    `dev ${device}`,
    'disable-dco',
    'persist-tun',
    'ifconfig-noexec',
    'route-noexec',
    // Packets inside are as large as ours, and are never cut or mended on the way.
    `tun-mtu ${mtu}`,
    'mssfix 0',
    'data-ciphers AES-256-GCM',
    `ping ${keepalive}`,
    // As much as the system gives.
    `sndbuf ${SOCKET_BUFFER}`,
    `rcvbuf ${SOCKET_BUFFER}`,
    'verb 3',
    'suppress-timestamps',
    ...block('cert', identity.certificate),
    ...block('key', identity.privateKey),
    ...block('peer-fingerprint', identity.fingerprints.join('\n')),
  ];
}

const SOCKET_BUFFER = 4 * 1024 * 1024;

const block = (name: string, content: string): string[] => [`<${name}>`, content.trim(), `</${name}>`];
const text = (...lines: readonly string[]): string => lines.join('\n') + '\n';
