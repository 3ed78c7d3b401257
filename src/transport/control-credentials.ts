/**
 * How a node and its orchestrator come to trust each other over TLS, when all they share is a join token.
 *
 * A node knows a hash of the orchestrator's certificate authority, but TLS wants the certificate. So it calls
 * twice. The first call is a bare handshake that believes nothing: it only looks at the certificates that the
 * other end shows, takes from them the authority whose hash the token names, and hangs up without having said a
 * word. The second call is gRPC's own, which trusts that authority and nothing else; whoever stood in the way of
 * either has no key that it signed. Only over the second does the node say its secret, which is how the
 * orchestrator knows the node: there are no client certificates.
 *
 * Nodes dial a service name, an address or a port published by another machine, none of which the orchestrator
 * can know. Its certificate therefore bears one fixed name. A node's own certificate, even of the same
 * authority, can't pass for it: no name of a node has a dot.
 */
import type { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { messageOf, RunError } from '../errors.js';
import { certificateHash, type Identity } from './certificates.js';
import { sameSecret } from './join-token.js';

/** The name in the orchestrator's certificate, whatever it is dialed by. */
export const ORCHESTRATOR_NAME = 'orchestrator.meshbeat';

/** Nobody there, or nobody who answers: it may not have started yet, and trying again may help. */
export class UnreachableError extends RunError {}

export interface OrchestratorAddress {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** From the join token; see there. */
  readonly authorityHash: string;
  /** For the first call, from its start to the end of its handshake. */
  readonly timeoutMs: number;
  /** Ends the call; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a gRPC client of the orchestrator is made with. */
export interface OrchestratorChannel {
  readonly credentials: grpc.ChannelCredentials;
  /** To be passed along with the credentials: they hold the name that the certificate must bear. */
  readonly options: grpc.ChannelOptions;
}

/**
 * Finds out whether the orchestrator of a join token answers at an address, and how to call it.
 *
 * @throws UnreachableError if there is nobody yet (name unknown, connection refused or lost, time-out); RunError
 *   if there is somebody else, or no TLS, where trying again is of no use
 */
export async function orchestratorCredentials(address: OrchestratorAddress): Promise<OrchestratorChannel> {
  const leaf = await peerCertificate(address);
  const authority = authorityOf(leaf);
  const isPinned = sameSecret(certificateHash(authority.raw), address.authorityHash);
  if (!isPinned || !isOrchestrator(leaf, authority))
    throw new RunError(`the orchestrator at ${placeOf(address)} is not the one of this join token`);
  return {
    credentials: grpc.credentials.createSsl(Buffer.from(authority.toString())),
    options: {
      'grpc.ssl_target_name_override': ORCHESTRATOR_NAME,
      'grpc.default_authority': ORCHESTRATOR_NAME,
      // To where the first call went, and not where a proxy of the environment leads.
      'grpc.enable_http_proxy': 0,
    },
  };
}

/**
 * What the orchestrator's gRPC server is made with; it asks for no certificate of its clients.
 *
 * @param identity of `CertificateAuthority.issueServer`, under {@link ORCHESTRATOR_NAME}
 */
export function orchestratorServerCredentials(identity: Identity): grpc.ServerCredentials {
  const pair = {
    private_key: Buffer.from(identity.privateKey),
    cert_chain: Buffer.from(identity.certificate),
  };
  return grpc.ServerCredentials.createSsl(Buffer.from(identity.authority), [pair], false);
}

const placeOf = ({ host, port }: OrchestratorAddress): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** The certificate that a server shows, with those of its issuers; not verified. The connection is over then. */
async function peerCertificate(address: OrchestratorAddress): Promise<X509Certificate> {
  const { host, port, timeoutMs, signal } = address;
  signal?.throwIfAborted();
  const socket = tls.connect({
    host,
    port,
    servername: ORCHESTRATOR_NAME,
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
  });
  let connected = false;
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  try {
    return await new Promise((resolve, reject) => {
      abort = () => reject(signal?.reason as Error);
      signal?.addEventListener('abort', abort, { once: true });
      timer = setTimeout(() => reject(timeoutError(address, connected)), timeoutMs);
      socket.once('connect', () => (connected = true));
      socket.once('error', (error: NodeJS.ErrnoException) => reject(connectionError(address, error)));
      socket.once('secureConnect', () => {
        const certificate = socket.getPeerX509Certificate();
        if (certificate !== undefined) resolve(certificate);
        else reject(new RunError(`${placeOf(address)} shows no certificate`));
      });
    });
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener('abort', abort);
    socket.on('error', () => undefined); // Of no interest any more, but it must not end the process.
    socket.destroy();
  }
}

/** A chain is as long as its sender likes; ours has two. */
const MAX_CHAIN = 8;

/** The end of a certificate's chain of issuers. */
function authorityOf(leaf: X509Certificate): X509Certificate {
  let last = leaf;
  for (let length = 1; length < MAX_CHAIN; length++) {
    const issuer = last.issuerCertificate;
    if (issuer === undefined || issuer.raw.equals(last.raw)) break;
    last = issuer;
  }
  return last;
}

const isOrchestrator = (leaf: X509Certificate, authority: X509Certificate): boolean =>
  authority.ca &&
  leaf.checkIssued(authority) &&
  leaf.verify(authority.publicKey) &&
  leaf.checkHost(ORCHESTRATOR_NAME) !== undefined;

function timeoutError(address: OrchestratorAddress, connected: boolean): UnreachableError {
  const within = `within ${address.timeoutMs} ms`;
  return new UnreachableError(
    connected
      ? `${placeOf(address)} took the connection, but did not greet ${within}`
      : `${placeOf(address)} did not answer ${within}`,
  );
}

/** Codes of system calls and of name lookups that say "not yet", with what they mean. */
const NOT_YET: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  // Also of a published port whose container is not listening yet: the engine's proxy takes the call and drops it.
  ECONNRESET: 'the connection was dropped',
  EPIPE: 'the connection was dropped',
  EHOSTUNREACH: 'no way there',
  ENETUNREACH: 'no way there',
  EHOSTDOWN: 'no way there',
  ETIMEDOUT: 'no answer',
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'the name can not be looked up',
};

function connectionError(address: OrchestratorAddress, error: NodeJS.ErrnoException): RunError {
  const place = placeOf(address);
  const code = error.code ?? '';
  const reason = NOT_YET[code];
  if (reason !== undefined) return new UnreachableError(`can't reach ${place}: ${reason} (${code})`);
  // OpenSSL's names for an answer that is no record of TLS.
  if (
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' ||
    code === 'EPROTO'
  )
    return new RunError(`${place} does not speak TLS: it is not an orchestrator's control port`);
  return new RunError(`can't open a TLS connection to ${place}: ${messageOf(error)}`);
}
