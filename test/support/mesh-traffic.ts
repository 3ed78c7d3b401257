/**
 * The packets of a mesh in training, synthesized: every period each node of a ring sends a burst to its
 * neighbour, as TCP at a link's rate. Options add what makes real captures hard: jitter of the starts,
 * slow start, stalls of a round trip, acknowledgements, keep-alives, and background traffic.
 */
import { packetOf, tcpFrame, tcpHeaderBytes } from './frames.js';
import type { Packet } from '../../src/capture/index.js';
import { Random } from '../../src/random.js';

export interface MeshTraffic {
  readonly nodes?: number;
  readonly bursts: number;
  readonly periodSeconds: number;
  /** TCP payload each node sends per burst. */
  readonly burstBytes: number;
  /** bit/s while sending. */
  readonly rate: number;
  /** Time of the first burst; keep-alives run from 0. */
  readonly firstSeconds?: number;
  /** Standard deviation of each burst's start. */
  readonly jitterSeconds?: number;
  /** Largest difference between the starts of nodes in one burst. */
  readonly skewSeconds?: number;
  /** Each node stalls after each of these shares of its burst, for `stallSeconds`. */
  readonly stallAt?: readonly number[];
  readonly stallSeconds?: number;
  /** The first burst begins with 10 packets and doubles each round trip of this length. */
  readonly slowStartRtt?: number;
  /** A packet of 120 bytes from each node this often. */
  readonly keepAliveSeconds?: number;
  /** Poisson traffic of each node to elsewhere, bit/s in 1000-byte frames. */
  readonly noiseRate?: number;
  readonly seed?: number;
}

interface Event {
  readonly time: number;
  readonly from: number;
  readonly to: number;
  readonly payload: number;
  readonly port: number;
}

const segment = 1448;

/** Calls back for each packet, in order of time. */
export function meshTraffic(options: MeshTraffic, onPacket: (packet: Packet) => void): void {
  const { nodes = 4, bursts, periodSeconds, firstSeconds = 4, noiseRate = 0, keepAliveSeconds = 1 } = options;
  const random = new Random(options.seed ?? 1, 'mesh traffic');
  const events: Event[] = [];
  for (let burst = 0; burst < bursts; burst++) {
    const jitter = (options.jitterSeconds ?? 0) * random.normal();
    const start = firstSeconds + burst * periodSeconds + jitter;
    for (let node = 0; node < nodes; node++) {
      const own = start + random.uniform() * (options.skewSeconds ?? 0);
      addBurst(events, node, (node + 1) % nodes, own, burst === 0, options);
    }
  }
  const end = firstSeconds + bursts * periodSeconds;
  for (let node = 0; node < nodes; node++) {
    const to = (node + 1) % nodes;
    for (let time = random.uniform() * keepAliveSeconds; time < end; time += keepAliveSeconds) {
      events.push({ time, from: node, to, payload: 66, port: 50_000 });
    }
    if (noiseRate === 0) continue;
    for (let time = 0; time < end; time += -Math.log(1 - random.uniform()) / (noiseRate / 8000)) {
      events.push({ time, from: node, to: 200, payload: 946, port: 40_000 });
    }
  }
  events.sort((a, b) => a.time - b.time);
  // One frame per direction of a connection, written to again and again: packets are valid during the call only.
  const frames = new Map<number, { frame: Buffer; sequence: number }>();
  for (const { time, from, to, payload, port } of events) {
    const key = (from * 256 + to) * 65_536 + port;
    let state = frames.get(key);
    if (state === undefined) {
      const destinationPort = port === 443 ? 50_000 : 443;
      const fields = { source: address(from), destination: address(to), sourcePort: port, destinationPort };
      state = { frame: tcpFrame(fields), sequence: 0xffff_0000 };
      frames.set(key, state);
    }
    state.frame.writeUInt16BE(40 + payload, 16);
    state.frame.writeUInt32BE(state.sequence, 38);
    state.sequence = (state.sequence + payload) >>> 0;
    onPacket(packetOf(state.frame, 1_700_000_000 + time, tcpHeaderBytes + payload));
  }
}

/** Address of a node of the mesh. */
export function address(node: number): string {
  return `10.77.0.${node + 1}`;
}

function addBurst(
  events: Event[],
  from: number,
  to: number,
  start: number,
  isFirst: boolean,
  o: MeshTraffic,
): void {
  const packets = Math.ceil(o.burstBytes / segment);
  const spacing = ((segment + tcpHeaderBytes) * 8) / o.rate;
  const stalls = new Set((o.stallAt ?? []).map((share) => Math.floor(share * packets)));
  let time = start;
  let window = isFirst && o.slowStartRtt !== undefined ? 10 : Infinity;
  let inWindow = 0;
  for (let packet = 0; packet < packets; packet++) {
    if (stalls.has(packet)) time += o.stallSeconds ?? 0;
    if (inWindow === window) {
      time += Math.max(0, (o.slowStartRtt ?? 0) - window * spacing);
      window *= 2;
      inWindow = 0;
    }
    inWindow += 1;
    events.push({ time, from, to, payload: segment, port: 50_000 });
    // The neighbour acknowledges every second segment, on the same connection.
    if (packet % 2 === 1) events.push({ time: time + 0.001, from: to, to: from, payload: 0, port: 443 });
    time += spacing;
  }
}
