/**
 * Two network namespaces and a cable between them, with nothing of ours in the way: what the kernel does by itself.
 * Unshaped, or shaped by the kernel's own token bucket filter (tc-tbf(8)).
 */
import { spawnSync } from 'node:child_process';
import { RunError } from '../src/errors.js';
import { MESH_PORT, placementsAt, type Placement } from '../src/wan/fabric.js';
import { Namespace } from '../src/wan/netns/namespace.js';
import { findProgram } from '../src/wan/netns/programs.js';

const ADDRESSES = ['10.78.0.1', '10.78.0.2'] as const;
const CABLE = 'eth0';

/** Of the first end's way out, by TBF. */
export interface Shaping {
  /** bit/s. */
  readonly rate: number;
  readonly burstBytes: number;
  readonly limitBytes: number;
}

export class Wire {
  readonly placements: readonly Placement[];
  readonly #namespaces: readonly Namespace[];

  private constructor(namespaces: readonly Namespace[]) {
    this.#namespaces = namespaces;
    this.placements = placementsAt(ADDRESSES, MESH_PORT).map((mesh, rank) => ({
      ...{ rank, namespaceFd: namespaces[rank]!.fd, packetLevel: true },
      ...mesh,
    }));
  }

  /** @param shaping absent: unshaped */
  static create(shaping?: Shaping): Wire {
    const namespaces = ADDRESSES.map((_, rank) => Namespace.create(`end ${rank} of the wire`));
    const wire = new Wire(namespaces);
    try {
      const [one, other] = namespaces as [Namespace, Namespace];
      one.ip([`link add ${CABLE} type veth peer name ${CABLE} netns ${other.path}`]);
      namespaces.forEach((namespace, rank) => {
        namespace.ip([
          'link set lo up',
          `link set ${CABLE} up`,
          `addr add ${ADDRESSES[rank]}/24 dev ${CABLE}`,
        ]);
        namespace.sysctl({
          'net/ipv4/tcp_rmem': '4096 1048576 33554432',
          'net/ipv4/tcp_wmem': '4096 1048576 33554432',
        });
      });
      if (shaping !== undefined) {
        const { rate, burstBytes, limitBytes } = shaping;
        const words = `qdisc add dev ${CABLE} root tbf rate ${rate}bit burst ${burstBytes} limit ${limitBytes}`;
        tc(one, words);
      }
      return wire;
    } catch (error) {
      wire.close();
      throw error;
    }
  }

  /** Where the second end's packets arrive. */
  get receiver(): { readonly namespace: Namespace; readonly interface: string } {
    return { namespace: this.#namespaces[1]!, interface: CABLE };
  }

  close(): void {
    for (const namespace of this.#namespaces) namespace.close();
  }
}

function tc(namespace: Namespace, words: string): void {
  const program = findProgram('tc') ?? 'tc';
  const { status, stderr } = namespace.inside(() =>
    spawnSync(program, words.split(' '), { encoding: 'utf8' }),
  );
  if (status !== 0) throw new RunError(`tc ${words}: ${stderr?.trim() ?? 'not to be run'}`);
}
