/**
 * A certificate authority that lives as long as one run.
 *
 * It is made in memory, signs one certificate per node, and is forgotten: its key is never written
 * anywhere, so a certificate from another run, or none, does not open a connection in this one. Made with
 * @peculiar/x509 (Node can check certificates but not issue them), keys on the curve P-256.
 */
import 'reflect-metadata';
import { createHash, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** What one end of a mutual TLS connection needs; all PEM. */
export interface Identity {
  readonly certificate: string;
  readonly privateKey: string;
  /** Certificate of the authority that the other end must be signed by. */
  readonly authority: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 24 * 3600 * 1000;

export class CertificateAuthority {
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate) {
    this.#keys = keys;
    this.#certificate = certificate;
  }

  static async create(): Promise<CertificateAuthority> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      ...validity(),
      name: 'CN=meshbeat run',
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    });
    return new CertificateAuthority(keys, certificate);
  }

  /** A certificate that no authority has signed, for who is known by its fingerprint; PEM. */
  static async selfSigned(name: string): Promise<Omit<Identity, 'authority'>> {
    const keys = await newKeys();
    const subject = `CN=${name}`;
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      ...validity(),
      name: subject,
      keys,
      signingAlgorithm: ALGORITHM,
    });
    return { certificate: certificate.toString('pem'), privateKey: await exported(keys) };
  }

  /** Its own certificate, PEM: who trusts this trusts what it signs. */
  get certificate(): string {
    return this.#certificate.toString('pem');
  }

  /** A certificate for a node, valid for its name as client and as server. */
  issue(name: string): Promise<Identity> {
    return this.#sign(name, [{ type: 'dns', value: name }]);
  }

  /**
   * A certificate for a server under these DNS names, of which the first is its common name, and IP addresses.
   * The authority's certificate follows in the same PEM, so that the server shows it in the handshake to
   * clients that know no more of the authority than a hash.
   */
  async issueServer(names: readonly [string, ...string[]], addresses: readonly string[]): Promise<Identity> {
    const identity = await this.#sign(names[0], [
      ...names.map((value) => ({ type: 'dns' as const, value })),
      ...addresses.map((value) => ({ type: 'ip' as const, value })),
    ]);
    return { ...identity, certificate: `${identity.certificate}\n${identity.authority}` };
  }

  async #sign(name: string, alternatives: x509.JsonGeneralName[]): Promise<Identity> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...validity(),
      subject: `CN=${name}`,
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.SubjectAlternativeNameExtension(alternatives)],
    });
    return {
      certificate: certificate.toString('pem'),
      privateKey: await exported(keys),
      authority: this.certificate,
    };
  }
}

/** SHA-256 of a certificate as sent in a handshake (its DER), base64url: what a join token pins. */
export const certificateHash = (der: Uint8Array): string =>
  createHash('sha256').update(der).digest('base64url');

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function exported({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY');
}

/** A day of slack before the start serves machines whose clocks disagree. */
function validity(): { serialNumber: string; notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return {
    serialNumber: '01' + randomBytes(8).toString('hex'),
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + 30 * DAY_MS),
  };
}
