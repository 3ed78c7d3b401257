/**
 * A host with networks as Docker makes them, without Docker: bridges in one namespace, which routes between
 * them, and container-like namespaces with an interface on some of them. What Docker leaves to chance or to
 * its host (source checks, forwarding) is left as it comes, or set by the test.
 */
import { Namespace } from '../../../src/wan/netns/namespace.js';

export interface Network {
  readonly bridge: string;
  /** First three bytes, e.g. "172.30.1"; the host is number 1 in it. */
  readonly subnet: string;
}

export const MESH: Network = { bridge: 'mesh', subnet: '172.30.1' };
/** Another network, which the mesh's is reached from only through the host. */
export const FAR: Network = { bridge: 'far', subnet: '172.30.2' };
export const CONTROL: Network = { bridge: 'control', subnet: '172.30.3' };

export const addressIn = ({ subnet }: Network, number: number): string => `${subnet}.${number}`;

export class DockerLike {
  readonly host: Namespace;
  readonly #containers: Namespace[] = [];
  #cables = 0;

  constructor() {
    this.host = Namespace.create('the host');
    try {
      this.host.ip([
        'link set lo up',
        ...[MESH, FAR, CONTROL].flatMap((network) => [
          `link add ${network.bridge} type bridge`,
          `addr add ${addressIn(network, 1)}/24 dev ${network.bridge}`,
          `link set ${network.bridge} up`,
        ]),
      ]);
      this.host.sysctl({ 'net/ipv4/ip_forward': '1' });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** A container with interfaces eth0, eth1 … on networks, the same number in each; its gateway is the first's. */
  container(label: string, networks: readonly Network[], number: number, mtu = 1500): Namespace {
    const namespace = Namespace.create(label);
    this.#containers.push(namespace);
    namespace.sysctl({ 'net/ipv6/conf/all/disable_ipv6': '1', 'net/ipv6/conf/default/disable_ipv6': '1' });
    namespace.ip(['link set lo up']);
    for (const [index, network] of networks.entries()) {
      const cable = `veth${this.#cables++}`;
      this.host.ip([
        `link add ${cable} mtu ${mtu} type veth peer name eth${index} mtu ${mtu} netns ${namespace.path}`,
        `link set ${cable} master ${network.bridge} up`,
      ]);
      namespace.ip([
        `addr add ${addressIn(network, number)}/24 dev eth${index}`,
        `link set eth${index} up`,
        ...(index === 0 ? [`route add default via ${addressIn(network, 1)}`] : []),
      ]);
    }
    return namespace;
  }

  close(): void {
    for (const container of this.#containers) container.close();
    this.host.close();
  }
}
