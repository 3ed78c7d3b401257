/**
 * Objects in virtual time, against cases small enough to work out by hand. Rates are chosen so that an object takes
 * one second on a rank's uplink; acknowledgements are left out.
 */
import { describe, expect, it } from 'vitest';
import { objectTraffic } from '../../src/object-store/framing.js';
import { LOOK_SECONDS } from '../../src/object-store/objects.js';
import { asNetwork, hostsOf, type Topology } from '../../src/scenario/topology.js';
import type { Operation } from '../../src/schedule/operation.js';
import { emissionsOf, expectedHeartbeat, simulate } from '../../src/simulation/index.js';
import { frameBytes } from '../../src/transport/framing.js';
import { handSchedule } from '../support/request.js';
import { CALM } from '../../src/scenario/index.js';

const BYTES = 100_000;
const DELAY = 0.01;
const framing = { tls: false, mtu: 1500, part: Infinity };
const { toStore, fromStore } = objectTraffic('put', BYTES, framing);
const up = frameBytes(toStore, framing);
const down = frameBytes(objectTraffic('get', BYTES, framing).fromStore, framing);
const options = { pace: 1, tls: false, segmentsPerAck: Infinity };

/** Two nodes whose uplink takes a second for an object, and a store whose uplink takes `storeSeconds`. */
function topologyWith(storeSeconds: number, delay = DELAY): Topology {
  const fast = 1e12;
  const host = { region: 'here', downlink: fast };
  const paths = Array.from({ length: 3 }, () => Array.from({ length: 3 }, () => ({ delay, ...CALM })));
  return {
    nodes: [0, 1].map((rank) => {
      return { ...host, rank, name: `n${rank}`, uplink: 8 * up, address: `10.77.0.${rank + 1}` };
    }),
    hosts: [{ ...host, name: 'store', uplink: (8 * down) / storeSeconds, address: '10.77.0.3' }],
    paths,
    queue: { seconds: 0.2 },
    mtu: 1500,
  };
}

const put = (id: number, owner: number, round: number): Operation => {
  return { kind: 'put', id, stream: 'put', after: [], owner, round, slot: 0, bytes: BYTES };
};
const get = (id: number, owner: number, round: number, after: number[] = []): Operation => {
  return { kind: 'get', id, stream: `get:${owner}`, after, owner, round, slot: BYTES, bytes: BYTES };
};
const wait = (id: number, paces: number): Operation => {
  return { kind: 'wait', id, stream: 'compute', after: [], paces };
};

const play = (topology: Topology, ...parts: Operation[][]) =>
  simulate([handSchedule(...parts)], { ...options, topology });

describe('the object store in virtual time', () => {
  it('a put ends one way back after the store has it', () => {
    const [played] = play(topologyWith(1), [put(0, 0, 0)], []);
    expect(played?.start).toBeCloseTo(0, 6);
    expect(played?.end).toBeCloseTo(1 + 2 * DELAY, 4);
  });

  it('a get of what is there looks, asks, and has the object cross the store’s uplink', () => {
    const [, , played] = play(topologyWith(0.5), [put(0, 0, 0)], [wait(0, 5), get(1, 0, 0, [0])]);
    expect(played?.operation.kind).toBe('get');
    expect(played?.start).toBeCloseTo(5 + 4 * DELAY, 6);
    expect(played?.end).toBeCloseTo(5 + 4 * DELAY + 0.5, 4);
  });

  it('who looks too early looks again after each pause', () => {
    const [, played] = play(topologyWith(0.5), [put(0, 0, 0)], [get(0, 0, 0)]);
    // Stored after 1 + DELAY; looks come at DELAY and then every pause and round trip.
    const every = LOOK_SECONDS + 2 * DELAY;
    const looks = Math.ceil(1 / every);
    expect(played?.start).toBeCloseTo(DELAY + looks * every + 3 * DELAY, 4);
  });

  it('several who get at once share the store’s uplink', () => {
    const gets = (rank: number) => [wait(0, 5), get(1, 1 - rank, 0, [0]), put(2, rank, 0)];
    const ends = play(topologyWith(0.5), gets(0), gets(1))
      .filter(({ operation }) => operation.kind === 'get')
      .map(({ end }) => end);
    expect(Math.min(...ends)).toBeCloseTo(5 + 4 * DELAY + 0.5, 4);
    expect(Math.max(...ends)).toBeCloseTo(5 + 4 * DELAY + 1, 4);
  });

  it('objects of rounds before the first are there', () => {
    const [played] = simulate([{ ...handSchedule([get(0, 1, 6)], []), round: 7 }], {
      ...options,
      topology: topologyWith(0.5),
    });
    expect(played?.start).toBeCloseTo(4 * DELAY, 6);
  });

  it('of a get that nobody puts, says that it never starts', () => {
    expect(() => play(topologyWith(1), [get(0, 1, 0)], [])).toThrow('operation 0 of rank 0 never starts');
  });

  it('the store sends what is got, and is one of the hosts that beat', () => {
    const rounds = [0, 1, 2].map((round) => {
      const part = (rank: number) => [put(0, rank, round), wait(1, 4), get(2, 1 - rank, round, [1])];
      return { ...handSchedule(part(0), part(1)), round };
    });
    const timed = simulate(rounds, { ...options, topology: topologyWith(0.5) });
    const sent = (host: number) =>
      emissionsOf(timed, { ...framing, store: 2 })
        .filter((emission) => emission.data && emission.host === host)
        .reduce((sum, { bytes }) => sum + bytes, 0);
    expect([0, 1, 2].map(sent)).toEqual([3 * up, 3 * up, 6 * down]);
    const { periodSeconds, burstBytesPerNode } = expectedHeartbeat(timed, { ...framing, store: 2 });
    expect(burstBytesPerNode).toBeGreaterThan(fromStore);
    expect(periodSeconds).toBeLessThan(5);
  });
});

describe('hosts of a topology', () => {
  it('come after the nodes, and are nodes for who only moves packets', () => {
    const topology = topologyWith(1);
    expect(hostsOf(topology).map(({ name }) => name)).toEqual(['n0', 'n1', 'store']);
    const network = asNetwork(topology);
    expect(network.hosts).toBeUndefined();
    expect(network.nodes.map(({ rank, name }) => `${rank} ${name}`)).toEqual(['0 n0', '1 n1', '2 store']);
  });
});
