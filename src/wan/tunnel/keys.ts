/**
 * The keys of a run's tunnels: made in memory for one run, and gone with it. Only public halves travel.
 *
 * WireGuard knows a peer by its public key, OpenVPN here by the fingerprint of a certificate that it has signed itself
 * (`peer-fingerprint`, OpenVPN 2.6): so neither needs an authority.
 */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { CertificateAuthority } from '../../transport/certificates.js';
import type { TunnelKind } from '../../scenario/topology.js';

/** What one end has. */
export interface TunnelKeys {
  /** WireGuard: base64 of 32 bytes. OpenVPN: PEM. */
  readonly privateKey: string;
  /** OpenVPN: PEM, signed by itself; empty with WireGuard. */
  readonly certificate: string;
  /** What the others know it by: WireGuard's public key, or SHA-256 of the certificate in hex with colons. */
  readonly publicKey: string;
}

/** New keys for one end. `name` becomes the certificate's: the host's address outside. */
export async function newTunnelKeys(kind: TunnelKind, name: string): Promise<TunnelKeys> {
  return kind === 'wireguard' ? wireguardKeys() : certificateKeys(name);
}

/** A pair of keys for X25519 as `wg genkey` and `wg pubkey` would give it. */
function wireguardKeys(): TunnelKeys {
  const { privateKey } = generateKeyPairSync('x25519');
  const { d, x } = privateKey.export({ format: 'jwk' });
  return { privateKey: base64(d), certificate: '', publicKey: base64(x) };
}

const base64 = (base64url = ''): string => Buffer.from(base64url, 'base64url').toString('base64');

async function certificateKeys(name: string): Promise<TunnelKeys> {
  const { certificate, privateKey } = await CertificateAuthority.selfSigned(name);
  return { privateKey, certificate, publicKey: new X509Certificate(certificate).fingerprint256 };
}
