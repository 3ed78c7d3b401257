/**
 * The relay: listens for every ordered pair of nodes, and carries what is dialed over the modelled WAN.
 *
 * It is an event loop with a clock. Sockets bring bytes at any time; a timer moves the WAN on. Node's
 * timers tick in milliseconds, so an event is released at the tick nearest to its instant, up to half a
 * tick early, rather than always late: round trips are then right on average, and the rate of a link is
 * right in any case because its queue reckons with instants and not with ticks. Waiting more finely
 * would mean to spin, and the cores belong to the nodes.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Random } from '../../random.js';
import type { Timeline } from '../../scenario/events/change.js';
import type { Topology } from '../../scenario/topology.js';
import { Agenda, type AppliedListener } from '../agenda.js';
import type { Meters } from '../meters.js';
import { BackPressure, type Waiter } from './back-pressure.js';
import { Connection } from './connection.js';
import type { Endpoint, Surroundings } from './endpoint.js';
import { HEADER_BYTES, type Segment } from './segment.js';
import { StreamWan, type Journey } from './stream-wan.js';

/** Sees every segment that passes its dialer's access link; `due` is when. */
export interface Observer {
  see(segment: Segment<Endpoint>): void;
  /** All that happened until `instant` has been seen. */
  complete(instant: number): void;
}

export interface RelaySettings {
  readonly topology: Topology;
  readonly seed: number;
  readonly meters: Meters;
  /** By rank: the address at which its program serves its peers. */
  readonly hosts: readonly string[];
  /** Seconds since 1970. */
  readonly clock: () => number;
}

const TICK_SECONDS = 0.001;
/** As the instant of the timer: none is needed, because a turn is under way or the relay is closed. */
const NO_TIMER = -Infinity;
/** Where Linux begins to number the ports of clients (net.ipv4.ip_local_port_range). */
const FIRST_CLIENT_PORT = 32768;
const CLIENT_PORTS = 28232;

export class Relay implements Surroundings, Journey<Segment<Endpoint>> {
  readonly segmentPayload: number;
  readonly clock: () => number;
  /** Set while there is a capture. */
  observer: Observer | undefined;
  readonly #settings: RelaySettings;
  readonly #meters: Meters;
  readonly #wan: StreamWan<Segment<Endpoint>>;
  readonly #backPressure: BackPressure;
  readonly #random: Random;
  readonly #servers: Server[] = [];
  readonly #connections = new Set<Connection>();
  readonly #dials: number[];
  readonly #unflushed = new Set<Endpoint>();
  #agenda = new Agenda([], 0);
  #onApplied: AppliedListener = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Infinity;
  #now = 0;

  constructor(settings: RelaySettings) {
    const { topology, seed } = settings;
    this.#settings = settings;
    this.#meters = settings.meters;
    this.clock = settings.clock;
    this.segmentPayload = topology.mtu - HEADER_BYTES;
    this.#random = new Random(seed, 'initial sequence numbers');
    this.#wan = new StreamWan(topology, new Random(seed, 'wan of the stream relay'));
    this.#backPressure = new BackPressure(topology, this.#wan);
    this.#dials = topology.nodes.map(() => 0);
  }

  /**
   * Listens for those who want to reach a port of the nodes; `ports[a][b]` is what node a dials on 127.0.0.1 to
   * reach it at node b, 0 on the diagonal.
   */
  async open(port: number): Promise<number[][]> {
    const ranks = this.#settings.topology.nodes.map((node) => node.rank);
    const listen = async (from: number, to: number) => (from === to ? 0 : this.#listen(from, to, port));
    return Promise.all(ranks.map((from) => Promise.all(ranks.map((to) => listen(from, to)))));
  }

  /** Has the network change as a timeline says; see Fabric.play(). */
  play(timeline: Timeline, origin: number, onApplied: AppliedListener): void {
    this.#agenda = new Agenda(timeline, origin);
    this.#onApplied = onApplied;
    this.#arm();
  }

  /** Closes every socket; resolves when the last server is closed. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timerDue = NO_TIMER;
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  laneOf(from: number, to: number): number {
    return this.#wan.laneOf(from, to);
  }

  hasRoom(from: number, to: number): boolean {
    return this.#backPressure.hasRoom(from, to);
  }

  wait(waiter: Waiter): void {
    this.#backPressure.wait(waiter);
  }

  send(segment: Segment<Endpoint>, now: number): void {
    this.#wan.send(segment, now);
    if (now + TICK_SECONDS < this.#timerDue) this.#arm();
  }

  written(endpoint: Endpoint): void {
    this.#unflushed.add(endpoint);
  }

  departed(segment: Segment<Endpoint>, from: number): void {
    this.#meters.late(Math.max(0, this.#now - segment.due));
    this.#meters.sent(from, segment.receiver.rank, segment.payload.length);
    if (segment.sender.dialer) this.observer?.see(segment);
  }

  lost(_segment: Segment<Endpoint>, from: number): void {
    this.#meters.add(from, 'lost', 1);
  }

  arrived(segment: Segment<Endpoint>, to: number): void {
    this.#meters.late(Math.max(0, this.#now - segment.due));
    this.#meters.received(to, segment.payload.length);
    if (segment.receiver.dialer) this.observer?.see(segment);
    segment.receiver.receive(segment);
  }

  async #listen(from: number, to: number, port: number): Promise<number> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
      this.#relay(from, to, port, socket),
    );
    this.#servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  #relay(from: number, to: number, port: number, socket: Socket): void {
    const host = this.#settings.hosts[to];
    if (host === undefined) throw new RangeError(`no rank ${to}`);
    const target = { host, port };
    const dialerPort = FIRST_CLIENT_PORT + (this.#dials[from]!++ % CLIENT_PORTS);
    const initialSequences = [this.#random.integer(2 ** 32), this.#random.integer(2 ** 32)] as const;
    const connection: Connection = new Connection(
      { from, to, socket, target, dialerPort, initialSequences },
      this,
      () => this.#connections.delete(connection),
    );
    this.#connections.add(connection);
  }

  #turn(): void {
    this.#timerDue = NO_TIMER;
    this.#now = this.clock();
    const horizon = this.#now + TICK_SECONDS / 2;
    this.#agenda.release(horizon, (change, index) => {
      this.#wan.apply(change, this.#now);
      this.#backPressure.apply(change);
      this.#onApplied({ index, time: this.#now });
    });
    do this.#wan.release(horizon, this);
    while (this.#wan.nextEvent() <= horizon);
    for (const endpoint of this.#unflushed) endpoint.flush();
    this.#unflushed.clear();
    this.#backPressure.wake();
    for (const { rank } of this.#settings.topology.nodes) {
      this.#meters.set(rank, 'queuedBytes', this.#wan.uplinkBytes(rank) + this.#wan.downlinkBytes(rank));
    }
    this.observer?.complete(this.#now);
    this.#timerDue = Infinity;
    this.#arm();
  }

  /** Sets the timer for the next event, unless it is set for an earlier one. */
  #arm(): void {
    const due = Math.min(this.#wan.nextEvent(), this.#agenda.nextEvent());
    if (due >= this.#timerDue) return;
    clearTimeout(this.#timer);
    this.#timerDue = due;
    const ticks = Math.round((due - this.clock()) / TICK_SECONDS);
    this.#timer = setTimeout(() => this.#turn(), Math.max(1, ticks));
  }
}
