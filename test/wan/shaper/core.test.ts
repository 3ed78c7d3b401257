/** Packets through the queues that paths share: the right ones, in order, one after the other. */
import { describe, expect, test } from 'vitest';
import type { Topology } from '../../../src/scenario/topology.js';
import { Core } from '../../../src/wan/shaper/core.js';
import { Packet } from '../../../src/wan/shaper/packet.js';
import { clean, topologyOf } from '../topologies.js';

const rates = { uplink: 1e9, downlink: 1e9 };
/** From 0 to 1 through both queues, from 0 to 2 through the second, from 2 to 1 through none. */
const topology: Topology = {
  ...topologyOf([rates, rates, rates], (from, to) => ({
    ...clean(0.01),
    ...(from === 0 && to === 1
      ? { bottlenecks: [0, 1] }
      : from === 0 && to === 2
        ? { bottlenecks: [1] }
        : {}),
  })),
  bottlenecks: [
    { name: 'first', rate: 8000, queue: { bytes: 3000 } },
    { name: 'second', rate: 16_000, queue: { bytes: 3000 } },
  ],
};

function packetTo(receiver: number, port = 1): Packet {
  const packet = new Packet(1600);
  packet.buffer.fill(0);
  packet.buffer[0] = 0x45;
  packet.buffer[9] = 17;
  packet.buffer.writeUInt16BE(port, 20);
  packet.setLength(986); // 1000 bytes with the Ethernet header.
  packet.lane = 0;
  packet.receiver = receiver;
  return packet;
}

function trial() {
  const arrived: { packet: Packet; at: number }[] = [];
  const dropped: Packet[] = [];
  const core = new Core(topology, {
    arrive: (packet) => arrived.push({ packet, at: packet.due }),
    drop: (packet) => dropped.push(packet),
  });
  const run = () => {
    for (let at = core.nextEvent(); at < Infinity; at = core.nextEvent()) core.release(at);
  };
  return { core, run, arrived, dropped };
}

describe('Core', () => {
  test('a packet passes every queue of its path at its rate', () => {
    const { core, run, arrived } = trial();
    const [both, one] = [packetTo(1), packetTo(2)];
    core.accept(both, 10);
    run();
    core.accept(one, 20);
    run();
    expect(arrived).toEqual([
      { packet: both, at: 11.5 },
      { packet: one, at: 20.5 },
    ]);
  });

  test('one that has none on its path arrives at once', () => {
    const { core, arrived } = trial();
    const packet = packetTo(1);
    packet.lane = 2;
    core.accept(packet, 3);
    expect(arrived).toEqual([{ packet, at: 3 }]);
  });

  test('paths share a queue, flow by flow, and a full one drops', () => {
    const { core, run, arrived, dropped } = trial();
    for (let count = 0; count < 4; count++) core.accept(packetTo(2, 7), 0);
    expect(dropped).toHaveLength(1);
    // Makes room for itself at the cost of the longer line, and is sent in its turn.
    const other = packetTo(2, 8);
    core.accept(other, 0.1);
    expect(dropped).toHaveLength(2);
    run();
    expect(arrived.map(({ at }) => at)).toEqual([0.5, 1, 1.5]);
    expect(arrived.map(({ packet }) => packet).indexOf(other)).toBeGreaterThan(0);
  });
});
