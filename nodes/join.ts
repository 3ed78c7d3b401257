/**
 * A node that joins from elsewhere: a container here or on another machine, with a network namespace of its
 * own, that knows of the run no more than where the orchestrator is and a join token.
 *
 * It knocks until somebody opens, says which address it has on the mesh, and waits. Welcomed, it furnishes
 * its namespace with a shaper, starts a device of its own, and from there on is a node like any other.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { status, type ServiceError } from '@grpc/grpc-js';
import { messageOf, RunError } from '../src/errors.js';
import { Role } from '../src/transport/contracts.js';
import {
  orchestratorCredentials,
  UnreachableError,
  type OrchestratorChannel,
} from '../src/transport/control-credentials.js';
import { MissingTokenError, readJoinTokenFile, type JoinToken } from '../src/transport/join-token.js';
import { setNiceness } from '../src/thread-priority.js';
import { findMeshAddress } from '../src/wan/own/mesh-address.js';
import { newTunnelKeys, type TunnelKeys } from '../src/wan/tunnel/keys.js';
import type { TunnelKind } from '../src/scenario/topology.js';
import type { OwnTunnel } from '../src/wan/own/own-tunnel.js';
import { runNode, type Part, type Settlement } from './node.js';
import type { NodeWatcher } from './watcher.js';

export interface OrchestratorPlace {
  readonly host: string;
  readonly port: number;
}

export interface JoinOptions {
  readonly orchestrator: OrchestratorPlace;
  /** Holds the join token; it may be written while we wait. */
  readonly tokenFile: string;
  /** The interface on the mesh, where it can't be guessed. */
  readonly interface?: string;
  readonly watcher: NodeWatcher;
  /** Says that it still waits for the orchestrator, and why. */
  readonly onWaiting: (reason: string) => void;
  readonly signal: AbortSignal;
}

/** Seconds to go on knocking, and between two knocks. */
const PATIENCE_SECONDS = 300;
/** Seconds in which a token of the run before should have been replaced. */
const STALE_TOKEN_SECONDS = 15;
const KNOCK_SECONDS = 1;
const HANDSHAKE_MS = 5000;
/** Of the thread that carries the node's traffic, for users who may raise it. */
const NETWORK_NICENESS = -10;

/**
 * Takes part in a run, to its end.
 *
 * @throws RunError if it was refused, if the run ended before its part was played, or if its part failed;
 *   InputError if it can't be told which interface is the mesh's
 */
export async function joinMesh(options: JoinOptions): Promise<void> {
  const { orchestrator, watcher, signal } = options;
  const address = `${orchestrator.host}:${orchestrator.port}`;
  const door = await knock(options);
  if (door === undefined) return;
  const { token, ...channel } = door;
  const mesh = findMeshAddress({
    interface: options.interface,
    orchestratorLocalAddress: await localAddressTo(orchestrator),
  });
  const keys: Keys = {
    wireguard: await newTunnelKeys('wireguard', mesh.address),
    'openvpn-udp': await newTunnelKeys('openvpn-udp', mesh.address),
  };
  const end = await runNode({
    channel: { address, ...channel },
    hello: {
      token: token.secret,
      role: Role.NODE,
      address: mesh.address,
      name: hostname(),
      wireguardKey: keys.wireguard.publicKey,
      openvpnFingerprint: keys['openvpn-udp'].publicKey,
    },
    settle: (part) => settle(part, mesh.interface, keys),
    watcher,
    signal,
  });
  if (end.finished || signal.aborted) return;
  if (end.error !== undefined) throw toldBy(address, end.error);
  throw new RunError('the run ended before this node had played its part');
}

/** What the end of a control stream with an error means: a refusal, or that nobody is there any more. */
export function toldBy(address: string, { code, details }: Pick<ServiceError, 'code' | 'details'>): RunError {
  return new RunError(
    code === status.UNAVAILABLE
      ? `lost the orchestrator at ${address} (${details})`
      : `the orchestrator at ${address}: ${details}`,
  );
}

/** An orchestrator that answered, and the token that it is known by. */
export interface OpenedDoor extends OrchestratorChannel {
  readonly token: JoinToken;
}

/**
 * Calls until the orchestrator answers, which may start, and write the token, later than its nodes. The file
 * is read anew each time, since it may still be the one of the run before. Undefined if it was told to end first.
 */
export async function knock(
  options: Pick<JoinOptions, 'orchestrator' | 'tokenFile' | 'onWaiting' | 'signal'>,
): Promise<OpenedDoor | undefined> {
  const { orchestrator, tokenFile, onWaiting, signal } = options;
  const start = performance.now();
  while (!signal.aborted) {
    try {
      const token = readJoinTokenFile(tokenFile);
      const { authorityHash } = token;
      const question = { ...orchestrator, authorityHash, timeoutMs: HANDSHAKE_MS, signal };
      return { token, ...(await orchestratorCredentials(question)) };
    } catch (error) {
      if (signal.aborted) break;
      if (performance.now() - start > 1000 * patienceWith(error, tokenFile)) throw error;
      onWaiting(messageOf(error));
    }
    await sleep(1000 * KNOCK_SECONDS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** Seconds for which it makes sense to hope that an error goes away. */
function patienceWith(error: unknown, tokenFile: string): number {
  if (error instanceof UnreachableError) return PATIENCE_SECONDS;
  if (error instanceof MissingTokenError) return existsSync(path.dirname(tokenFile)) ? PATIENCE_SECONDS : 0;
  return error instanceof RunError ? STALE_TOKEN_SECONDS : 0;
}

/** The address from which this process reaches another; a UDP socket knows without sending anything. */
async function localAddressTo({ host, port }: OrchestratorPlace): Promise<string> {
  const socket = createSocket('udp4');
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
    return socket.address().address;
  } finally {
    socket.close();
  }
}

/** Of either kind of tunnel, made for one run. */
type Keys = Readonly<Record<TunnelKind, TunnelKeys>>;

/** Loaded only now: a node that waits should take little memory. */
async function settle(part: Part, device: string, keys: Keys): Promise<Settlement> {
  const { scenario, topology, rank } = part;
  const [{ OwnAccess }, { OwnTunnel: Tunnel }, { createDevice, trainingSettingsOf }] = await Promise.all([
    import('../src/wan/own/own-access.js'),
    import('../src/wan/own/own-tunnel.js'),
    import('../src/training/index.js'),
  ]);
  const { seed, wan } = scenario;
  const { congestion, slowStartAfterIdle, initialWindow } = wan;
  const tcp = { congestion, slowStartAfterIdle, initialWindow };
  const access = await OwnAccess.open({ topology, rank, seed, interface: device, tcp });
  let tunnel: OwnTunnel | undefined;
  try {
    const { tunnel: layout } = topology;
    if (layout !== undefined) {
      const publicKeys = part.tunnelKeys;
      const own = { ...tcp, congestion: topology.nodes[rank]!.congestion ?? tcp.congestion };
      tunnel = await Tunnel.open({ topology, layout, rank, keys: keys[layout.kind], publicKeys, tcp: own });
    }
    const gpu = await createDevice({ settings: trainingSettingsOf(scenario), ranks: [rank], threads: 1 });
    setNiceness(NETWORK_NICENESS); // After the device's threads, which would inherit it.
    return {
      placement: access.placement,
      device: gpu,
      ...(tunnel === undefined ? {} : { tunnel: tunnel.implementation }),
      meters: () => {
        if (tunnel?.failure !== undefined) throw tunnel.failure;
        if (access.failure !== undefined) throw new RunError(`the shaper died: ${access.failure.message}`);
        return { counters: access.counters(), lateness: access.latenessHistogram() };
      },
      play: (timeline, origin, onApplied) => access.play(timeline, origin, onApplied),
      close: async () => {
        await gpu.close();
        await tunnel?.close();
        await access.close();
      },
    };
  } catch (error) {
    await tunnel?.close();
    await access.close();
    throw error;
  }
}
