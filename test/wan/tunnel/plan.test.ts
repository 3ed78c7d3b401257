/** Who has a tunnel to whom: for every mesh, hub and chain of relays, all ends must fit each other. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stationsBetween } from '../../../src/scenario/way.js';
import type { Topology, TunnelLayout } from '../../../src/scenario/topology.js';
import {
  endPlan,
  linksOf,
  membersOf,
  overlayAddress,
  relaySessions,
  stationsOf,
  type TunnelEndPlan,
} from '../../../src/wan/tunnel/plan.js';
import { clean } from '../topologies.js';

/** `nodes` nodes, and after them a hub and relays. */
function tunnelled(nodes: number, hasHub: boolean, relays: number): Topology & { tunnel: TunnelLayout } {
  const others = (hasHub ? 1 : 0) + relays;
  const host = (position: number) => ({
    name: `host-${position}`,
    region: 'somewhere',
    uplink: 1e6 * (1 + position),
    downlink: 1e6,
    address: `10.77.0.${position + 1}`,
  });
  const all = Array.from({ length: nodes + others }, (_, position) => host(position));
  return {
    nodes: all.slice(0, nodes).map((one, rank) => ({ ...one, rank })),
    hosts: all.slice(nodes),
    paths: all.map(() => all.map(() => clean(0.01))),
    queue: { seconds: 0.2 },
    mtu: 1500,
    tunnel: {
      kind: 'wireguard',
      ...(hasHub ? { hub: nodes } : {}),
      relays: Array.from({ length: relays }, (_, index) => nodes + (hasHub ? 1 : 0) + index),
      port: 4000,
      keepalive: 25,
    },
  };
}
const meshes = fc
  .tuple(fc.integer({ min: 2, max: 9 }), fc.boolean(), fc.integer({ min: 0, max: 4 }))
  .map(([nodes, hasHub, relays]) => tunnelled(nodes, hasHub, relays));

const plansOf = (topology: Topology & { tunnel: TunnelLayout }): TunnelEndPlan[] =>
  membersOf(topology, topology.tunnel).map((position) => endPlan(topology, topology.tunnel, position));

describe('tunnels', () => {
  test('reach everybody from everybody, and each pair has one side that calls', () => {
    fc.assert(
      fc.property(meshes, (topology) => {
        const plans = new Map(plansOf(topology).map((plan) => [plan.position, plan]));
        for (const plan of plans.values()) {
          for (const peer of plan.peers) {
            const back = plans.get(peer.position)!.peers.find(({ position }) => position === plan.position);
            expect(back?.calls).toBe(!peer.calls);
          }
          const others = [...plans.keys()].filter((position) => position !== plan.position);
          const reached = plan.peers.flatMap(({ reaches }) => reaches);
          if (topology.tunnel.hub === undefined || plan.forwards)
            expect(reached).toEqual(others.map((position) => `${overlayAddress(position)}/32`));
          else expect(reached).toEqual(['10.78.0.0/16']);
        }
      }),
    );
  });

  test('pass every relay, from one neighbour to the next, and back', () => {
    fc.assert(
      fc.property(meshes, (topology) => {
        const layout = topology.tunnel;
        const plans = new Map(plansOf(topology).map((plan) => [plan.position, plan]));
        const sessions = new Map(
          layout.relays.map((relay) => [`10.77.0.${relay + 1}`, relaySessions(topology, layout, relay)]),
        );
        for (const link of linksOf(topology, layout)) {
          for (const [from, to] of [
            [link.client, link.server],
            [link.server, link.client],
          ] as const) {
            // Follow a packet from relay to relay, as each knows its two sides.
            const walked = [`10.77.0.${from + 1}`];
            let next = plans.get(from)!.peers.find(({ position }) => position === to)!.endpoint;
            for (let hop = 0; hop <= layout.relays.length; hop++) {
              const came = walked.at(-1)!;
              walked.push(next.host);
              const session = sessions.get(next.host)?.find(({ port }) => port === next.port);
              if (session === undefined) break;
              next = session.sides.find(({ host }) => host !== came)!;
            }
            const stations = stationsOf(link, layout);
            const inOrder = stations[0] === from ? stations : stations.toReversed();
            expect(walked).toEqual(inOrder.map((station) => `10.77.0.${station + 1}`));
            expect(next).toEqual({ host: `10.77.0.${to + 1}`, port: layout.port });
          }
        }
      }),
    );
  });

  test('are the way that probes and simulation expect packets to take', () => {
    fc.assert(
      fc.property(meshes, (topology) => {
        const { hub } = topology.tunnel;
        const links = linksOf(topology, topology.tunnel);
        const wayOf = (from: number, to: number): number[] => {
          const link = links.find(({ server, client }) =>
            [server, client].every((end) => [from, to].includes(end)),
          );
          if (link === undefined) return [...wayOf(from, hub!), ...wayOf(hub!, to).slice(1)];
          const stations = stationsOf(link, topology.tunnel);
          return stations[0] === from ? stations : stations.toReversed();
        };
        for (const { rank: from } of topology.nodes) {
          for (const { rank: to } of topology.nodes) {
            if (from !== to) expect(stationsBetween(topology, from, to)).toEqual(wayOf(from, to));
          }
        }
      }),
    );
  });
});
