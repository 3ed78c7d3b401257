/** A fabric with programs in it that can be told to talk to each other. */
import type { Topology } from '../../src/scenario/topology.js';
import type { Fabric } from '../../src/wan/fabric.js';
import { EchoNode } from './echo-node.js';

export type CreateFabric = (options: { topology: Topology; seed: number }) => Promise<Fabric>;

/** A fabric with an echo node in each room but those named. */
export class Mesh {
  readonly fabric: Fabric;
  readonly nodes: readonly EchoNode[];
  #transfers = 0;

  private constructor(fabric: Fabric, nodes: readonly EchoNode[]) {
    this.fabric = fabric;
    this.nodes = nodes;
  }

  static async start(
    create: CreateFabric,
    topology: Topology,
    vacant: readonly number[] = [],
  ): Promise<Mesh> {
    const fabric = await create({ topology, seed: 7 });
    const inhabited = fabric.placements.filter(({ rank }) => !vacant.includes(rank));
    return new Mesh(fabric, await Promise.all(inhabited.map((placement) => EchoNode.start(placement))));
  }

  node(rank: number): EchoNode {
    const node = this.nodes.find((candidate) => candidate.rank === rank);
    if (node === undefined) throw new RangeError(`room ${rank} is vacant`);
    return node;
  }

  /** A whole transfer of random bytes, seen from both ends. */
  async transfer(from: number, to: number, bytes: number) {
    const number = this.newTransfer();
    const sent = await this.node(from).bulk(to, bytes, number);
    return { sent, received: await this.node(to).received(number) };
  }

  newTransfer(): number {
    return this.#transfers++;
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
    await this.fabric.close();
  }
}
