/**
 * Which interface of this machine, or of this container, is on the mesh.
 *
 * A node that joins from elsewhere finds itself in a network namespace that others furnished: an interface
 * to the mesh, often a second one to the orchestrator, sometimes one for both. It must know its mesh address
 * before it joins, for the orchestrator tells it to the other nodes. Where a guess could be wrong, nothing
 * is guessed.
 */
import { networkInterfaces } from 'node:os';
import { InputError } from '../../errors.js';
import { askIp } from '../netns/ip.js';

/** An IPv4 address of an interface. */
export interface InterfaceAddress {
  readonly interface: string;
  readonly address: string;
  /** Bits of the network's part. */
  readonly prefix: number;
}

export interface MeshAddress extends InterfaceAddress {
  /** Bytes of the largest IP packet that the interface takes. */
  readonly mtu: number;
}

export interface MeshAddressQuestion {
  /** Name of the interface, where the user has said it. */
  readonly interface?: string | undefined;
  /** The address from which this process reaches the orchestrator. */
  readonly orchestratorLocalAddress?: string | undefined;
}

/**
 * The mesh's interface and its (first) IPv4 address: the interface named; or the only one that does not
 * lead to the orchestrator; or the only one. Throws an InputError that names the candidates otherwise.
 */
export function findMeshAddress(question: MeshAddressQuestion): MeshAddress {
  const chosen = chooseMeshAddress(ownAddresses(), question);
  return { ...chosen, mtu: mtuOf(chosen.interface) };
}

/** The choice that {@link findMeshAddress} makes among addresses. */
export function chooseMeshAddress(
  addresses: readonly InterfaceAddress[],
  { interface: asked, orchestratorLocalAddress }: MeshAddressQuestion,
): InterfaceAddress {
  const here = list(addresses);
  if (asked !== undefined) {
    const found = addresses.find((candidate) => candidate.interface === asked);
    if (found !== undefined) return found;
    throw new InputError(`--interface: found ${asked}, which has no IPv4 address here; allowed: ${here}`);
  }
  const control = addresses.find(({ address }) => address === orchestratorLocalAddress)?.interface;
  const others = addresses.filter((candidate) => candidate.interface !== control);
  const candidates = others.length === 0 ? addresses : others;
  const [first] = candidates;
  if (first === undefined) {
    throw new InputError('--interface: found no network interface with an IPv4 address but loopback');
  }
  if (candidates.some((candidate) => candidate.interface !== first.interface)) {
    throw new InputError(
      `which network is the mesh's? Found ${list(candidates)}; say it with --interface ${first.interface}, for example`,
    );
  }
  return first;
}

/** IPv4 addresses of this network namespace, but for loopback. */
export function ownAddresses(): InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address, cidr }) => ({
        interface: name,
        address,
        prefix: Number(cidr?.split('/')[1] ?? 32),
      })),
  );
}

/** MTU of an interface. Asked of `ip`, since /sys may show another network namespace. */
export function mtuOf(device: string): number {
  const [link] = askIp(['link', 'show', 'dev', device], 'this node') as { mtu: number }[];
  return link?.mtu ?? 0;
}

function list(addresses: readonly InterfaceAddress[]): string {
  const words = addresses.map((one) => `${one.interface} (${one.address}/${one.prefix})`);
  return words.length === 0 ? 'none' : words.join(', ');
}
