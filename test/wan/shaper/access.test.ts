import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/random.js';
import type { Change } from '../../../src/scenario/index.js';
import { Access } from '../../../src/wan/shaper/access.js';
import { addressNumber, Packet } from '../../../src/wan/shaper/packet.js';
import { uniformTopology } from '../topologies.js';
import { CALM } from '../../../src/scenario/weather.js';

const DELAY = 0.03;
const topology = uniformTopology(2, { uplink: 1e9, downlink: 1e9 }, { delay: DELAY, ...CALM });

interface Segment {
  readonly from: number;
  readonly to: number;
  readonly ports: readonly [number, number];
  readonly flags?: number;
  readonly protocol?: number;
}

const SYN = 0x02;
const ACK = 0x10;

/** An IPv4 packet between ranks; TCP unless said otherwise. */
function ipPacket({ from, to, ports, flags = ACK, protocol = 6 }: Segment): Packet {
  const packet = new Packet(1600);
  packet.buffer.fill(0);
  packet.buffer[0] = 0x45;
  packet.buffer[9] = protocol;
  packet.buffer.writeUInt32BE(addressNumber(topology.nodes[from]!.address), 12);
  packet.buffer.writeUInt32BE(addressNumber(topology.nodes[to]!.address), 16);
  packet.buffer.writeUInt16BE(ports[0], 20);
  packet.buffer.writeUInt16BE(ports[1], 22);
  packet.buffer[33] = flags;
  packet.setLength(40);
  return packet;
}

/** Two nodes and the bridge between; `crossings` are the instants at which packets are seen on it. */
class TinyMesh {
  readonly crossings: number[] = [];
  readonly delivered: { rank: number; at: number }[] = [];
  now = 0;
  readonly accesses: readonly Access[] = topology.nodes.map(
    ({ rank }) =>
      new Access(topology, rank, new Random(1, `rank ${rank}`), {
        toBridge: (packet) => {
          this.crossings.push(packet.due);
          this.accesses[1 - rank]!.accept(packet, packet.due);
        },
        toNode: (packet) => this.delivered.push({ rank, at: packet.due }),
        drop: () => undefined,
        toCore: () => undefined,
        lose: () => undefined,
      }),
  );

  /** Sends a packet and lets time pass until everything has come to rest. */
  send(segment: Segment): void {
    this.accesses[segment.from]!.accept(ipPacket(segment), this.now);
    for (;;) {
      const next = Math.min(...this.accesses.map((access) => access.nextEvent()));
      if (next === Infinity) return;
      this.now = Math.max(this.now, next);
      for (const access of this.accesses) access.release(this.now);
    }
  }
}

describe('Access', () => {
  test.each([0, 1])(
    'whoever dials (rank %i), SYN to SYN-ACK on the bridge is the round-trip time',
    (dialer) => {
      const mesh = new TinyMesh();
      const listener = 1 - dialer;
      mesh.send({ from: dialer, to: listener, ports: [40000, 8470], flags: SYN });
      mesh.send({ from: listener, to: dialer, ports: [8470, 40000], flags: SYN | ACK });
      mesh.send({ from: dialer, to: listener, ports: [40000, 8470] });
      const [syn, synAck, ack] = mesh.crossings;
      expect(synAck! - syn!).toBeCloseTo(2 * DELAY, 4);
      expect(ack! - synAck!).toBeCloseTo(0, 4);
      // And both ends lived through the delay, once each way.
      expect(mesh.delivered.map(({ rank }) => rank)).toEqual([listener, dialer, listener]);
      expect(mesh.delivered[0]!.at - syn!).toBeCloseTo(DELAY, 4);
    },
  );

  test('two connections between the same nodes, one dialed from each side, do not mix', () => {
    const mesh = new TinyMesh();
    mesh.send({ from: 0, to: 1, ports: [40000, 8470], flags: SYN });
    mesh.send({ from: 1, to: 0, ports: [40000, 8470], flags: SYN });
    mesh.crossings.length = 0;
    const start = mesh.now;
    mesh.send({ from: 0, to: 1, ports: [40000, 8470] }); // rank 0 dialed: it crosses at once
    expect(mesh.crossings[0]! - start).toBeCloseTo(0, 4);
    const later = mesh.now;
    mesh.send({ from: 0, to: 1, ports: [8470, 40000] }); // rank 0 was dialed: it holds the packet
    expect(mesh.crossings[1]! - later).toBeCloseTo(DELAY, 4);
  });

  test('what is not TCP is held by its sender', () => {
    const mesh = new TinyMesh();
    mesh.send({ from: 0, to: 1, ports: [1, 2], protocol: 17 });
    expect(mesh.crossings[0]).toBeCloseTo(DELAY, 4);
    expect(mesh.delivered[0]!.at).toBeCloseTo(DELAY, 4);
  });

  describe('a cut', () => {
    const nothing = {
      at: 0,
      kind: 'partition',
      event: 0,
      cut: [],
      joined: [],
      links: [],
      paths: [],
      hosts: [],
    } as const;
    const cut: Change = { ...nothing, cut: [[0, 1]] };
    const joined: Change = { ...nothing, joined: [[0, 1]] };
    const datagram = () => ipPacket({ from: 0, to: 1, ports: [1, 2], protocol: 17 });

    function sender() {
      const crossed: Packet[] = [];
      const lost: Packet[] = [];
      const access = new Access(topology, 0, new Random(1, 'cut'), {
        toBridge: (packet) => crossed.push(packet),
        toNode: () => undefined,
        drop: () => undefined,
        toCore: () => undefined,
        lose: (packet) => lost.push(packet),
      });
      return { access, crossed, lost };
    }

    test('loses what comes, and what was on its way, even if it would have come out after the join', () => {
      const { access, crossed, lost } = sender();
      const before = datagram();
      expect(access.accept(before, 0)).toBe('queued');
      access.apply(cut, DELAY / 2);
      expect(access.accept(datagram(), DELAY / 2)).toBe('lost');
      access.apply(joined, DELAY / 2);
      const after = datagram();
      expect(access.accept(after, DELAY)).toBe('queued');
      access.release(3 * DELAY);
      access.release(3 * DELAY + 1);
      expect(lost).toEqual([before]);
      expect(crossed).toEqual([after]);
    });

    test('is for its pair only, and twice is once', () => {
      const { access } = sender();
      access.apply({ ...nothing, cut: [[1, 2]] }, 0);
      expect(access.accept(datagram(), 0)).toBe('queued');
      access.apply(cut, 0);
      access.apply(cut, 0);
      access.apply(joined, 0);
      expect(access.accept(datagram(), 0)).toBe('queued');
    });

    test('loses what has crossed the bridge and is on its path at the other end', () => {
      const delivered: Packet[] = [];
      const lost: Packet[] = [];
      const access = new Access(topology, 1, new Random(1, 'cut'), {
        toBridge: () => undefined,
        toNode: (packet) => delivered.push(packet),
        drop: () => undefined,
        toCore: () => undefined,
        lose: (packet) => lost.push(packet),
      });
      access.accept(ipPacket({ from: 0, to: 1, ports: [40000, 8470], flags: SYN }), 0);
      access.apply(cut, DELAY / 2);
      access.release(2 * DELAY);
      expect(lost).toHaveLength(1);
      expect(delivered).toEqual([]);
    });

    test('another rate and another path hold from then on', () => {
      const { access, crossed } = sender();
      access.apply(
        {
          ...nothing,
          links: [{ host: 0, property: 'uplink', rate: 8 * 54 }], // a packet in a second
          paths: [{ from: 0, to: 1, path: { ...topology.paths[0]![1]!, delay: 1 } }],
        },
        0,
      );
      access.accept(datagram(), 0);
      for (const instant of [1, 1.99]) access.release(instant);
      expect(crossed).toHaveLength(0);
      access.release(2.01);
      expect(crossed).toHaveLength(1);
    });
  });

  test('strangers are not shaped: other addresses, IPv6, too short', () => {
    const access = new TinyMesh().accesses[0]!;
    const foreign = ipPacket({ from: 0, to: 1, ports: [1, 2] });
    foreign.buffer.writeUInt32BE(addressNumber('192.0.2.1'), 16);
    const ipv6 = ipPacket({ from: 0, to: 1, ports: [1, 2] });
    ipv6.buffer[0] = 0x60;
    const short = ipPacket({ from: 0, to: 1, ports: [1, 2] });
    short.setLength(10);
    expect([foreign, ipv6, short].map((packet) => access.accept(packet, 0))).toEqual([
      'stray',
      'stray',
      'stray',
    ]);
  });
});
