/** A node's share of the probe before a run: what do the paths to and from here really do? */
import type { PathMeasurement } from '../proto/types/meshbeat/control/v1/PathMeasurement.js';
import type { Probe__Output } from '../proto/types/meshbeat/control/v1/Probe.js';
import { RunError } from '../src/errors.js';
import { queueSeconds } from '../src/fidelity/expected.js';
import { wayBetween, type Topology } from '../src/scenario/index.js';
import { DatagramProbe, type Train } from '../src/transport/datagrams.js';
import { frameBytes, packetFramingOf, recordedBytes, wireBytes } from '../src/transport/framing.js';
import type { Mesh } from '../src/transport/mesh.js';
import {
  ECHO_SPACING,
  measureBulkRate,
  measureRoundTrip,
  shortestRoundTrip,
  type Patience,
} from '../src/transport/probing.js';
import type { Placement } from '../src/wan/fabric.js';
import { innerMtu, tunnelFrameBytes } from '../src/wan/tunnel/framing.js';
import type { ObjectClient } from './object-client.js';

/** Echoes per path; the shortest counts, since the machine's own delays only ever add. */
const FEWEST_ROUND_TRIPS = 3;
const MOST_ROUND_TRIPS = 20;
/** Seconds to spend on the echoes of one path, within these bounds. */
const ROUND_TRIP_SECONDS = 0.6;
/** An echo that was no later than this, or than this share of the delays, needs no others; two thirds of the gate's tolerance. */
const LATE_SECONDS = 0.0007;
const LATE_SHARE = 0.02;
/** How long a train takes at the configured rate, seconds, and its size in datagrams. */
const TRAIN_SECONDS = 0.2;
const SMALLEST_TRAIN = 100;
const LARGEST_TRAIN = 1500;
/** Seconds that a bulk transfer takes at the configured rate. */
const BULK_SECONDS = 0.4;
/** Of one that goes through the object store, bytes. */
export const LARGEST_BULK_OBJECT = 16 * 2 ** 20;

export interface ProberOptions {
  readonly rank: number;
  readonly placement: Placement;
  readonly topology: Topology;
  readonly mesh: Mesh;
  readonly tls: boolean;
  /** Where there is an object store. */
  readonly objects?: ObjectClient;
}

export class Prober {
  readonly #options: ProberOptions;
  #datagrams: DatagramProbe | undefined;

  private constructor(options: ProberOptions, datagrams: DatagramProbe | undefined) {
    this.#options = options;
    this.#datagrams = datagrams;
  }

  /** Opens the node's UDP port, where it has a network of its own to have it in. */
  static async start(options: ProberOptions): Promise<Prober> {
    const { placement } = options;
    if (!placement.packetLevel) return new Prober(options, undefined);
    return new Prober(options, await DatagramProbe.listen(placement.listen.host, placement.listen.port));
  }

  /** Rates one after the other, so that they don't disturb each other; echoes are small enough to share. */
  async measure(probe: Probe__Output): Promise<PathMeasurement[]> {
    const { rank, mesh } = this.#options;
    const measurements: PathMeasurement[] = [];
    const store = this.#options.topology.nodes.length;
    if (probe.rateFrom.includes(store)) return this.#store(store, probe);
    for (const from of probe.rateFrom) {
      measurements.push(
        probe.datagrams ? await this.#train(from, probe.scale) : await this.#bulk(from, probe.scale),
      );
    }
    const roundTrips = probe.roundTripTo.map(async (to): Promise<PathMeasurement> => {
      const roundTripSeconds = await measureRoundTrip(mesh.client(to), this.#patience(to, probe.scale));
      return { from: rank, to, roundTripSeconds };
    });
    return [...measurements, ...(await Promise.all(roundTrips))];
  }

  close(): void {
    this.#datagrams?.close();
    this.#datagrams = undefined;
  }

  /** The rate that a path should have, bit/s. */
  #expectedRate(from: number, to: number): number {
    return wayBetween(this.#options.topology, from, to).rate;
  }

  /**
   * The paths from and to the object store, which nobody can tell to measure: but it reports on datagrams, and where
   * none pass it serves a bulk object.
   */
  async #store(store: number, { datagrams, scale }: Probe__Output): Promise<PathMeasurement[]> {
    const { rank, placement, objects } = this.#options;
    if (objects === undefined) throw new RunError('this node has no object store');
    await objects.open();
    const patience = this.#patience(store, scale);
    const roundTripSeconds = await shortestRoundTrip(() => objects.roundTrip(), patience);
    const measurements: PathMeasurement[] = [{ from: rank, to: store, roundTripSeconds }];
    if (datagrams) {
      const { host, port } = placement.peers[store]!;
      const train = this.#trainOn(rank, store, scale);
      const { rate, sent, received } = await this.#datagrams!.measureTowards(host, port, train);
      measurements.push({ from: rank, to: store, rate, packetsSent: sent, packetsReceived: received });
      measurements.push(await this.#train(store, scale));
    } else measurements.push(await this.#bulkObject(store, objects, scale));
    // What training moves will have connections of its own, which open before the eyes of the capture.
    objects.hangUp();
    return measurements;
  }

  /**
   * The rate from the store, by a bulk object; of the other way only the store could tell how it arrived. A longer
   * measurement gets the same object several times at once: to put a larger one could take far longer than to get it.
   */
  async #bulkObject(store: number, objects: ObjectClient, scale: number): Promise<PathMeasurement> {
    const { rank, topology, tls } = this.#options;
    const wanted = Math.round((BULK_SECONDS * this.#expectedRate(store, rank)) / 8);
    const bytes = Math.min(LARGEST_BULK_OBJECT, wanted);
    const goodput = await objects.bulkRate(bytes, scale);
    return {
      from: store,
      to: rank,
      rate: (goodput * frameBytes(recordedBytes(bytes, { tls }), packetFramingOf(topology, tls))) / bytes,
    };
  }

  /** As many echoes as fit into the time there is; `scale` times as many while each of them was late. */
  #patience(to: number, scale: number): Patience {
    const expected = this.#expectedRoundTrip(to);
    const fitting = Math.floor(ROUND_TRIP_SECONDS / Math.max(expected, ECHO_SPACING));
    const count = Math.min(MOST_ROUND_TRIPS, Math.max(FEWEST_ROUND_TRIPS, fitting));
    return { count, enough: expected + Math.max(LATE_SECONDS, LATE_SHARE * expected), most: scale * count };
  }

  /** Delays there and back, seconds. */
  #expectedRoundTrip(to: number): number {
    const { topology, rank } = this.#options;
    return wayBetween(topology, rank, to).delay + wayBetween(topology, to, rank).delay;
  }

  /** The train that suits a path. */
  #trainOn(from: number, to: number, scale: number): Train {
    const { topology } = this.#options;
    const { mtu: outer, queue: limit, bottlenecks = [], tunnel } = topology;
    const mtu = tunnel === undefined ? outer : innerMtu(outer);
    const rate = this.#expectedRate(from, to);
    const shared = wayBetween(topology, from, to).hops.flatMap(({ path }) =>
      (path.bottlenecks ?? []).map((index) => bottlenecks[index]!.queue),
    );
    const packets = scale * Math.round((TRAIN_SECONDS * rate) / (8 * mtu));
    return {
      rate,
      queue: Math.min(...[limit, ...shared].map((one) => queueSeconds(one, rate))),
      packets: Math.min(scale * LARGEST_TRAIN, Math.max(SMALLEST_TRAIN, packets)),
      mtu,
      ...(tunnel === undefined ? {} : { frame: tunnelFrameBytes(tunnel.kind, mtu, outer) }),
      patience: 0.5 + wayBetween(topology, from, to).delay + wayBetween(topology, to, from).delay,
    };
  }

  async #train(from: number, scale: number): Promise<PathMeasurement> {
    const { rank, placement } = this.#options;
    const { host, port } = placement.peers[from]!;
    const train = this.#trainOn(from, rank, scale);
    const result = await this.#datagrams!.measure(host, port, train);
    return { from, to: rank, rate: result.rate, packetsSent: result.sent, packetsReceived: result.received };
  }

  async #bulk(from: number, scale: number): Promise<PathMeasurement> {
    const { rank, mesh, topology, tls } = this.#options;
    const bytes = Math.round((this.#expectedRate(from, rank) * scale * BULK_SECONDS) / 8);
    const goodput = await measureBulkRate(mesh.client(from), bytes);
    // Slices will have a connection of their own, which opens before the eyes of the capture.
    mesh.hangUp(from);
    return { from, to: rank, rate: (goodput * wireBytes(bytes, packetFramingOf(topology, tls))) / bytes };
  }
}
