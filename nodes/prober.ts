/** A node's share of the probe before a run: what do the paths to and from here really do? */
import type { PathMeasurement } from '../proto/types/meshbeat/control/v1/PathMeasurement.js';
import type { Probe__Output } from '../proto/types/meshbeat/control/v1/Probe.js';
import type { Topology } from '../src/scenario/index.js';
import { DatagramProbe } from '../src/transport/datagrams.js';
import { wireBytes } from '../src/transport/framing.js';
import type { Mesh } from '../src/transport/mesh.js';
import { ECHO_SPACING, measureBulkRate, measureRoundTrip } from '../src/transport/probing.js';
import type { Placement } from '../src/wan/fabric.js';

/** Echoes per path; the shortest counts, since the machine's own delays only ever add. */
const FEWEST_ROUND_TRIPS = 3;
const MOST_ROUND_TRIPS = 20;
/** Seconds to spend on the echoes of one path, within these bounds. */
const ROUND_TRIP_SECONDS = 0.6;
/** How long a train takes at the configured rate, seconds, and its size in datagrams. */
const TRAIN_SECONDS = 0.2;
const SMALLEST_TRAIN = 100;
const LARGEST_TRAIN = 1500;
/** Seconds that a bulk transfer takes at the configured rate. */
const BULK_SECONDS = 0.4;

export interface ProberOptions {
  readonly rank: number;
  readonly placement: Placement;
  readonly topology: Topology;
  readonly mesh: Mesh;
  readonly tls: boolean;
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
    for (const from of probe.rateFrom) {
      measurements.push(probe.datagrams ? await this.#train(from, probe.trainScale) : await this.#bulk(from));
    }
    const roundTrips = probe.roundTripTo.map(async (to): Promise<PathMeasurement> => {
      return { from: rank, to, roundTripSeconds: await measureRoundTrip(mesh.client(to), this.#echoes(to)) };
    });
    return [...measurements, ...(await Promise.all(roundTrips))];
  }

  close(): void {
    this.#datagrams?.close();
    this.#datagrams = undefined;
  }

  /** The rate that the path from a peer should have, bit/s. */
  #expectedRate(from: number): number {
    const { topology, rank } = this.#options;
    return Math.min(topology.nodes[from]!.uplink, topology.nodes[rank]!.downlink);
  }

  /** As many echoes as fit into the time there is. */
  #echoes(to: number): number {
    const { topology, rank } = this.#options;
    const expected = topology.paths[rank]![to]!.delay + topology.paths[to]![rank]!.delay;
    const fitting = Math.floor(ROUND_TRIP_SECONDS / Math.max(expected, ECHO_SPACING));
    return Math.min(MOST_ROUND_TRIPS, Math.max(FEWEST_ROUND_TRIPS, fitting));
  }

  async #train(from: number, scale: number): Promise<PathMeasurement> {
    const { rank, placement, topology } = this.#options;
    const { mtu, paths, queue: limit } = topology;
    const rate = this.#expectedRate(from);
    const packets = scale * Math.round((TRAIN_SECONDS * rate) / (8 * mtu));
    const patience = 0.5 + paths[from]![rank]!.delay + paths[rank]![from]!.delay;
    const { host, port } = placement.peers[from]!;
    const train = {
      rate,
      queue: 'seconds' in limit ? limit.seconds : (8 * limit.bytes) / rate,
      packets: Math.min(scale * LARGEST_TRAIN, Math.max(SMALLEST_TRAIN, packets)),
      mtu,
      patience,
    };
    const result = await this.#datagrams!.measure(host, port, train);
    return { from, to: rank, rate: result.rate, packetsSent: result.sent, packetsReceived: result.received };
  }

  async #bulk(from: number): Promise<PathMeasurement> {
    const { rank, mesh, topology, tls } = this.#options;
    const bytes = Math.round((this.#expectedRate(from) * BULK_SECONDS) / 8);
    const goodput = await measureBulkRate(mesh.client(from), bytes);
    // Slices will have a connection of their own, which opens before the eyes of the capture.
    mesh.hangUp(from);
    return { from, to: rank, rate: (goodput * wireBytes(bytes, { tls, mtu: topology.mtu })) / bytes };
  }
}
