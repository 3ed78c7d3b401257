/**
 * From packets to a report, in one pass and bounded memory.
 *
 * Feed it packets from a file or from a live capture, in about the order of time, and ask for the report
 * at the end, or at any moment in between. It knows nothing of the emulator: any capture will do.
 */
import { decode, Decoded, Protocol, TcpFlag } from '../capture/index.js';
import type { Address, Packet } from '../capture/index.js';
import { Flow, FlowKey } from './flow.js';
import type { Direction } from './flow.js';
import { FlowTable } from './flow-table.js';
import { findHeartbeat, heartbeatDefaults } from './heartbeat.js';
import type { HeartbeatOptions } from './heartbeat.js';
import { HostTable } from './hosts.js';
import type { Host } from './hosts.js';
import type { DirectionReport, FlowReport, HostReport, TrafficReport } from './report.js';
import { onGrid, SeriesPool } from './series.js';

export interface AnalyzerOptions {
  /** Width of the bins of byte series, seconds. Default 0.01. */
  readonly binSeconds?: number;
  /** Bins over all hosts (8 bytes each). Default 2^24. */
  readonly maxBins?: number;
  /** Default 200,000. */
  readonly maxFlows?: number;
  /** Default 4096. */
  readonly maxHosts?: number;
  /** Slices of {@link HostReport.egressRates}. Default 60. */
  readonly slices?: number;
  readonly heartbeat?: HeartbeatOptions;
  /** Addresses of hosts in whose traffic no heartbeat is looked for. Default none. */
  readonly beatless?: ReadonlySet<string>;
}

export class TrafficAnalyzer {
  readonly #options: AnalyzerOptions;
  readonly #pool: SeriesPool;
  readonly #hosts: HostTable;
  readonly #flows: FlowTable;
  readonly #decoded = new Decoded();
  #packets = 0;
  #bytes = 0;
  #other = 0;
  #undecoded = 0;
  #originSeconds = 0;
  #originNanoseconds = 0;
  #originNs: bigint | undefined;
  #first = 0;
  #last = 0;

  constructor(options: AnalyzerOptions = {}) {
    this.#options = options;
    this.#pool = new SeriesPool(options);
    this.#hosts = new HostTable(this.#pool, options.maxHosts ?? 4096);
    this.#flows = new FlowTable(options.maxFlows ?? 200_000);
  }

  /** Counts one packet; keeps no reference to it. Never throws for what the packet holds. */
  packet(packet: Packet): void {
    if (this.#originNs === undefined) {
      this.#originNs = packet.timestampNs;
      this.#originSeconds = packet.seconds;
      this.#originNanoseconds = packet.nanoseconds;
    }
    const seconds = packet.secondsSince(this.#originSeconds, this.#originNanoseconds);
    const bytes = packet.originalLength;
    if (seconds < this.#first) this.#first = seconds;
    if (seconds > this.#last) this.#last = seconds;
    this.#packets += 1;
    this.#bytes += bytes;
    const outcome = decode(packet, this.#decoded);
    if (outcome === 'ip') this.#count(seconds, bytes);
    else if (outcome === 'other') this.#other += 1;
    else this.#undecoded += 1;
  }

  /**
   * The report over all packets so far.
   *
   * @param names IP address -> name, for hosts that have one.
   */
  finish(names: ReadonlyMap<string, string> = new Map()): TrafficReport {
    const hosts = this.#hosts.list();
    const flows = this.#flows.list().sort((a, b) => b.bytes - a.bytes || a.firstSeconds - b.firstSeconds);
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      otherPackets: this.#other,
      undecodedPackets: this.#undecoded,
      originNs: this.#originNs?.toString() ?? null,
      durationSeconds: this.#last - this.#first,
      binSeconds: this.#pool.binSeconds,
      hosts: hosts.map((host) => this.#hostReport(host, names)),
      flows: flows.map((flow) => flowReport(flow, names)),
      evictedFlows: this.#flows.evicted,
      evictedHosts: this.#hosts.evicted,
      heartbeat: findHeartbeat(
        hosts.filter(({ address }) => this.#options.beatless?.has(address) !== true),
        this.#pool,
        this.#options.heartbeat ?? heartbeatDefaults,
      ),
    };
  }

  #count(seconds: number, bytes: number): void {
    const decoded = this.#decoded;
    const flow = this.#flows.find(decoded) ?? this.#open(seconds);
    const { isForward } = this.#flows;
    // A host may have had to make way since the flow's last packet.
    if (flow.source.evicted) flow.source = this.#hosts.get(addressOf(flow.key, 'source'));
    if (flow.destination.evicted) flow.destination = this.#hosts.get(addressOf(flow.key, 'destination'));
    flow.add(decoded, isForward, seconds, bytes);
    (isForward ? flow.source : flow.destination).send(seconds, bytes);
    (isForward ? flow.destination : flow.source).receive(seconds, bytes);
  }

  #open(seconds: number): Flow {
    const decoded = this.#decoded;
    const handshake = decoded.hasTcp ? decoded.tcpFlags & (TcpFlag.syn | TcpFlag.ack) : 0;
    const isAnswer = handshake === (TcpFlag.syn | TcpFlag.ack);
    const key = new FlowKey(decoded, isAnswer);
    const source = this.#hosts.get(addressOf(key, 'source'));
    const flow = new Flow(key, source, this.#hosts.get(addressOf(key, 'destination')), seconds);
    this.#flows.insert(flow, decoded);
    this.#flows.isForward = !isAnswer;
    return flow;
  }

  #hostReport(host: Host, names: ReadonlyMap<string, string>): HostReport {
    const slices = this.#options.slices ?? 60;
    const first = Math.floor(this.#first / this.#pool.binSeconds);
    const last = Math.floor(this.#last / this.#pool.binSeconds);
    const factor = Math.max(1, Math.ceil((last - first + 1) / slices));
    const binSeconds = factor * this.#pool.binSeconds;
    const length = Math.ceil((last - first + 1) / factor);
    const grid = { startSeconds: first * this.#pool.binSeconds, binSeconds, length };
    return {
      address: host.address,
      name: names.get(host.address) ?? null,
      sentPackets: host.sentPackets,
      sentBytes: host.sentBytes,
      receivedPackets: host.receivedPackets,
      receivedBytes: host.receivedBytes,
      egressRates: [...onGrid([host.egress], this.#pool, grid)].map((sum) => (8 * sum) / binSeconds),
    };
  }
}

function addressOf(key: FlowKey, end: 'source' | 'destination'): Address {
  return { version: key.version, words: key[end] };
}

function flowReport(flow: Flow, names: ReadonlyMap<string, string>): FlowReport {
  const end = (host: Host, port: number) => ({
    address: host.address,
    name: names.get(host.address) ?? null,
    port,
  });
  return {
    protocol: protocolName(flow.key.protocol),
    source: end(flow.source, flow.key.sourcePort),
    destination: end(flow.destination, flow.key.destinationPort),
    firstSeconds: flow.firstSeconds,
    lastSeconds: flow.lastSeconds,
    synAckSeconds: orNull(flow.synAckSeconds),
    handshakeSeconds: orNull(flow.handshakeSeconds),
    forward: directionReport(flow.forward),
    backward: directionReport(flow.backward),
  };
}

function directionReport(direction: Direction): DirectionReport {
  return {
    packets: direction.packets,
    bytes: direction.bytes,
    maxPacketBytes: direction.maxPacketBytes,
    payloadBytes: direction.payloadBytes,
    retransmittedBytes: direction.sequence.repeated,
    missingBytes: direction.sequence.missing,
  };
}

/** To the nanosecond: finer digits are noise of the subtraction. */
function orNull(seconds: number): number | null {
  return Number.isNaN(seconds) ? null : Math.round(seconds * 1e9) / 1e9;
}

function protocolName(protocol: number): string {
  const known = Object.entries(Protocol).find(([, number]) => number === protocol);
  return known?.[0] ?? String(protocol);
}
