/**
 * The thread that shapes: it owns the clock and the TUN devices, and nothing else.
 *
 * It blocks in ppoll until a packet is there or one is due, so it never runs Node's event loop and never
 * waits for it: that is what keeps packets on time on a busy machine. What others must tell it (stop,
 * record) they leave in shared memory or on a message port, which it looks at once per turn.
 */
import os from 'node:os';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { epochSeconds } from '../../clock.js';
import { Random } from '../../random.js';
import { setNiceness } from '../../thread-priority.js';
import { Meters } from '../meters.js';
import {
  pause,
  PollSet,
  preciseTimers,
  readPacket,
  realTimePriority,
  shortTimeSlice,
  writePacket,
} from '../netns/syscalls.js';
import { Agenda } from '../agenda.js';
import { Access } from './access.js';
import { Core } from './core.js';
import { Moderation } from './moderation.js';
import { PacketPool, type Packet } from './packet.js';
import { Recorder } from './recorder.js';
import type { ShaperCommand, ShaperReport, ShaperSettings } from './shaper.js';

/** Of the thread where it can't have real time: before all that a node computes and sends. */
const SHAPER_NICENESS = -15;
/** Its time slice there, seconds: it never works for longer at a time. */
const SHAPER_SLICE = 0.0001;
/** Longest sleep, so that a stop is seen soon. */
const LONGEST_WAIT = 0.05;
/** Packets read from one device before the others, and what is due, get their turn. */
const BATCH = 64;
/** A TUN device refuses a write only for a moment; a packet refused this often is dropped and counted. */
const WRITE_ATTEMPTS = 3;

const settings = workerData as ShaperSettings;
const { topology, ports, control } = settings;
const meters = new Meters(topology.nodes.length, settings.meters);
const pool = new PacketPool(topology.mtu + 64);
const stop = new Int32Array(control);
const moderation = new Moderation();
let recorder: Recorder | undefined;
/** Packets read and written in this turn. */
let handled = 0;
let agenda = new Agenda([], 0);

const report = (message: ShaperReport): void => parentPort?.postMessage(message);

function deliver(fd: number, packet: Packet): boolean {
  for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
    if (writePacket(fd, packet.buffer, packet.length)) return true;
  }
  return false;
}

/** What a path with duplicates or corruption does to packets. */
const handling = {
  copy: (packet: Packet) => pool.copyOf(packet),
  damage: (packet: Packet, share: number) => packet.damage(share),
};
const core = new Core(topology, {
  arrive: (packet) => accesses[packet.receiver]!.arrive(packet),
  drop: (packet) => {
    meters.add(packet.receiver, 'dropped', 1);
    pool.giveBack(packet);
  },
});
const accesses: readonly Access[] = ports.map(({ rank, fd }) => {
  const finish = (packet: Packet, instant: number, direction: 'egress' | 'ingress'): void => {
    handled++;
    meters.late(Math.max(0, instant - packet.due));
    if (deliver(fd, packet)) {
      if (direction === 'ingress') meters.received(rank, packet.bytes);
      else {
        meters.sent(rank, packet.lane, packet.bytes);
        record(packet);
      }
    } else {
      meters.add(rank, 'dropped', 1);
    }
    pool.giveBack(packet);
  };
  const discard = (packet: Packet, fate: 'dropped' | 'lost'): void => {
    meters.add(rank, fate, 1);
    pool.giveBack(packet);
  };
  const outputs = {
    toBridge: (packet: Packet, instant: number) => finish(packet, instant, 'egress'),
    toNode: (packet: Packet, instant: number) => finish(packet, instant, 'ingress'),
    toCore: (packet: Packet, instant: number) => core.accept(packet, instant),
    drop: (packet: Packet) => discard(packet, 'dropped'),
    lose: (packet: Packet) => discard(packet, 'lost'),
  };
  return new Access(topology, rank, new Random(settings.seed, `wan of rank ${rank}`), outputs, handling);
});

function record(packet: Packet): void {
  if (recorder === undefined) return;
  try {
    recorder.write(epochSeconds(), packet);
  } catch (error) {
    recorder = undefined;
    report({ type: 'recorder-failed', message: error instanceof Error ? error.message : String(error) });
  }
}

/** Takes what has arrived on one device, at most a batch of it. */
function takeIn(index: number): void {
  const port = ports[index]!;
  const access = accesses[index]!;
  for (let count = 0; count < BATCH; count++) {
    const packet = pool.take();
    const length = readPacket(port.fd, packet.buffer);
    if (length <= 0) {
      pool.giveBack(packet);
      return;
    }
    handled++;
    packet.setLength(length);
    const verdict = access.accept(packet, epochSeconds());
    if (verdict === 'queued') continue;
    if (verdict !== 'stray') meters.add(port.rank, verdict, 1);
    pool.giveBack(packet);
  }
}

/** Changes the network, before anything that is due by then may pass. */
function keepAgenda(): void {
  const instant = epochSeconds();
  agenda.release(instant, (change, index) => {
    for (const access of accesses) access.apply(change, instant);
    report({ type: 'applied', index, time: instant });
  });
}

function obey(): void {
  for (
    let next = receiveMessageOnPort(settings.commands);
    next !== undefined;
    next = receiveMessageOnPort(settings.commands)
  ) {
    const command = next.message as ShaperCommand;
    if (command.type === 'play') {
      agenda = new Agenda(command.timeline, command.origin);
      report({ type: 'playing' });
    } else if (command.type === 'record') {
      recorder = new Recorder(command.request, topology);
      report({ type: 'recording' });
    } else {
      const packets = recorder?.close() ?? 0;
      recorder = undefined;
      report({ type: 'recorded', packets });
    }
  }
}

preciseTimers();
const realTime = realTimePriority();
// A container seldom may have real time.
if (!realTime) {
  setNiceness(SHAPER_NICENESS);
  shortTimeSlice(os.getPriority(), SHAPER_SLICE);
}
const poll = new PollSet(ports.map((port) => port.fd));
report({ type: 'ready', realTime });

while (Atomics.load(stop, 0) === 0) {
  const rest = moderation.rest(epochSeconds());
  if (rest > 0) pause(rest);
  let next = Math.min(agenda.nextEvent(), core.nextEvent());
  for (const access of accesses) next = Math.min(next, access.nextEvent());
  const wait = Math.max(0, Math.min(LONGEST_WAIT, next - epochSeconds()));
  const arrived = poll.wait(wait);
  keepAgenda();
  if (arrived) {
    for (let index = 0; index < ports.length; index++) if (poll.ready(index)) takeIn(index);
  }
  const instant = epochSeconds();
  core.release(instant);
  for (let index = 0; index < ports.length; index++) {
    accesses[index]!.release(instant);
    meters.set(ports[index]!.rank, 'queuedBytes', accesses[index]!.queuedBytes);
  }
  moderation.turned(instant, handled);
  handled = 0;
  if (Atomics.exchange(stop, 1, 0) !== 0) obey();
}
recorder?.close();
settings.commands.close();
