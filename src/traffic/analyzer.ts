/**
 * From packets, or from flow records, to a report: in one pass and bounded memory.
 *
 * Feed it packets from a file or from a live capture, in about the order of time, and ask for the report at the end,
 * or at any moment in between. Who has no packets feeds it flow records instead: a record's bytes are spread evenly
 * over its time, for that is all a record says. It knows nothing of the emulator: any capture will do.
 *
 * Where only one packet of so many was observed, counts and series are estimates (observed × rate), and the report
 * says so. A sample's gaps tell nothing about TCP's segments, so then none are called missing.
 */
import { decode, Decoded, decoderThrough, TcpFlag } from '../capture/index.js';
import type { Decoder, Packet, TunnelKind } from '../capture/index.js';
import type { FlowCounts, FlowRecord } from './flows/record.js';
import { FlowTable } from './flow-table.js';
import { findHeartbeat, heartbeatDefaults } from './heartbeat.js';
import type { HeartbeatOptions } from './heartbeat.js';
import { HostTable } from './hosts.js';
import type { Host } from './hosts.js';
import { flowReport } from './report.js';
import type { FlowReport, HostReport, TrafficReport } from './report.js';
import { onGrid, SeriesPool } from './series.js';
import { TalkTable } from './talks.js';
import type { Talk } from './talks.js';

export interface AnalyzerOptions {
  /** Width of the bins of byte series, seconds. Default 0.01. */
  readonly binSeconds?: number;
  /** Bins over all hosts (8 bytes each). Default 2^24. */
  readonly maxBins?: number;
  /** Default 2^18. */
  readonly maxFlows?: number;
  /** Default 4096. */
  readonly maxHosts?: number;
  /** Pairs of hosts that have series at once. Default 0: none has. */
  readonly maxPairSeries?: number;
  /** Flows that have series at once. Default 0: none has. */
  readonly maxFlowSeries?: number;
  /** One of so many packets is given to {@link TrafficAnalyzer.packet}. Default 1. Records tell their own rate. */
  readonly samplingRate?: number;
  /** Slices of {@link HostReport.egressRates}. Default 60. */
  readonly slices?: number;
  readonly heartbeat?: HeartbeatOptions;
  /** Addresses of hosts in whose traffic no heartbeat is looked for. Default none. */
  readonly beatless?: ReadonlySet<string>;
  /** Tunnels to see through: what is inside is counted between its own addresses. Default none. */
  readonly through?: readonly TunnelKind[];
}

/** Who moved how much when, for whoever looks closer than a report; all have bins of `pool.binSeconds`. */
export interface TrafficSeries {
  readonly pool: SeriesPool;
  /** Those with the most bytes first; `egress` and `ingress` are their series. */
  readonly hosts: readonly Host[];
  /** Pairs of hosts, with `maxPairSeries`. */
  readonly pairs: readonly Talk[];
  /** Single flows, with `maxFlowSeries`. */
  readonly flows: readonly (Talk & { readonly report: FlowReport })[];
}

/** A record is spread over at most so many bins: finer ones would claim a precision that it does not have. */
const MAX_SMEAR_BINS = 512;
const SYN_ACK = TcpFlag.syn | TcpFlag.ack;

export class TrafficAnalyzer {
  readonly #options: AnalyzerOptions;
  readonly #samplingRate: number;
  readonly #pool: SeriesPool;
  readonly #hosts: HostTable;
  readonly #flows: FlowTable;
  /** Of each flow's row: its hosts. */
  readonly #sources: Host[] = [];
  readonly #destinations: Host[] = [];
  readonly #pairTable: TalkTable | undefined;
  readonly #flowTalks: TalkTable | undefined;
  /** Of each flow's row, where they are asked for. */
  readonly #pairOf: (Talk | undefined)[] = [];
  readonly #talkOf: (Talk | undefined)[] = [];
  readonly #decoded = new Decoded();
  /** Undefined for the plain decoder, which the engine can then build in. */
  readonly #through: Decoder | undefined;
  #packets = 0;
  #bytes = 0;
  #observed = 0;
  #records = 0;
  #highestRate = 1;
  #other = 0;
  #undecoded = 0;
  #originSeconds = 0;
  #originNanoseconds = 0;
  #originNs: bigint | undefined;
  #first = 0;
  #last = 0;

  constructor(options: AnalyzerOptions = {}) {
    const { maxPairSeries = 0, maxFlowSeries = 0 } = options;
    this.#options = options;
    this.#through = options.through?.length ? decoderThrough(options.through) : undefined;
    this.#samplingRate = this.#highestRate = options.samplingRate ?? 1;
    this.#pool = new SeriesPool(options);
    this.#hosts = new HostTable(this.#pool, options.maxHosts ?? 4096);
    this.#flows = new FlowTable(options.maxFlows ?? 2 ** 18);
    if (maxPairSeries > 0) this.#pairTable = new TalkTable(this.#pool, maxPairSeries);
    if (maxFlowSeries > 0) {
      const talks = new TalkTable(this.#pool, maxFlowSeries);
      this.#flowTalks = talks;
      this.#flows.onEvict = (row) => {
        const talk = this.#talkOf[row];
        if (talk !== undefined) talks.forget(talk);
      };
    }
  }

  /** Counts one packet; keeps no reference to it. Never throws for what the packet holds. */
  packet(packet: Packet): void {
    const outcome =
      this.#through === undefined ? decode(packet, this.#decoded) : this.#through(packet, this.#decoded);
    this.decoded(packet, outcome, this.#decoded);
  }

  /** The same for a packet that was decoded already, so that several can share the work. */
  decoded(packet: Packet, outcome: ReturnType<typeof decode>, decoded: Decoded): void {
    if (this.#originNs === undefined) this.#begin(packet.timestampNs, packet.seconds, packet.nanoseconds);
    const seconds =
      packet.seconds - this.#originSeconds + (packet.nanoseconds - this.#originNanoseconds) / 1e9;
    const bytes = packet.originalLength;
    const weight = this.#samplingRate;
    if (seconds > this.#last) this.#last = seconds;
    else if (seconds < this.#first) this.#first = seconds;
    this.#observed += 1;
    this.#packets += weight;
    this.#bytes += bytes * weight;
    if (outcome !== 'ip') {
      if (outcome === 'other') this.#other += 1;
      else this.#undecoded += 1;
      return;
    }
    const flows = this.#flows;
    let row = flows.find(decoded);
    if (row < 0) {
      const isAnswer = decoded.hasTcp && (decoded.tcpFlags & SYN_ACK) === SYN_ACK;
      row = flows.insert(decoded, isAnswer, seconds);
      this.#open(row);
    }
    flows.add(row, decoded, seconds, bytes, weight);
    this.#move(row, seconds, weight, bytes * weight);
  }

  /** Counts one flow record: its bytes (those of IP packets) are spread evenly from its start to its end. */
  record(record: FlowRecord): void {
    const seconds = Math.floor(record.startMicros / 1e6);
    if (this.#originNs === undefined) {
      const micros = record.startMicros - seconds * 1e6;
      this.#begin(
        BigInt(seconds) * 1_000_000_000n + BigInt(Math.round(micros * 1000)),
        seconds,
        micros * 1000,
      );
    }
    const start = (record.startMicros - this.#originSeconds * 1e6 - this.#originNanoseconds / 1000) / 1e6;
    const end = start + Math.max(0, record.endMicros - record.startMicros) / 1e6;
    if (end > this.#last) this.#last = end;
    if (start < this.#first) this.#first = start;
    if (record.samplingRate > this.#highestRate) this.#highestRate = record.samplingRate;
    this.#records += 1;
    const flows = this.#flows;
    const decoded = keyOf(record, this.#decoded);
    let row = flows.find(decoded, record.destinationPort);
    if (row < 0) {
      row = flows.insert(decoded, false, start, record.destinationPort);
      this.#open(row);
    }
    while (end - start > MAX_SMEAR_BINS * this.#pool.binSeconds) this.#pool.coarsen();
    this.#part(row, record.forward, record.samplingRate, start, end);
    flows.turn();
    this.#part(row, record.backward, record.samplingRate, start, end);
  }

  /**
   * The report over all packets and records so far.
   *
   * @param names IP address -> name, for hosts that have one.
   */
  finish(names: ReadonlyMap<string, string> = new Map()): TrafficReport {
    const hosts = this.#hosts.list();
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      otherPackets: this.#other,
      undecodedPackets: this.#undecoded,
      records: this.#records,
      observedPackets: this.#observed,
      samplingRate: this.#highestRate,
      originNs: this.#originNs?.toString() ?? null,
      durationSeconds: this.#last - this.#first,
      binSeconds: this.#pool.binSeconds,
      hosts: hosts.map((host) => this.#hostReport(host, names)),
      flows: this.#flowReports(names),
      evictedFlows: this.#flows.evicted,
      evictedHosts: this.#hosts.evicted,
      heartbeat: findHeartbeat(
        hosts.filter(({ address }) => this.#options.beatless?.has(address) !== true),
        this.#pool,
        this.#options.heartbeat ?? heartbeatDefaults,
      ),
    };
  }

  /** The byte series behind the report; good until the next packet or record. */
  series(names: ReadonlyMap<string, string> = new Map()): TrafficSeries {
    const flows = this.#flowTalks?.list() ?? [];
    return {
      pool: this.#pool,
      hosts: this.#hosts.list(),
      pairs: this.#pairTable?.list() ?? [],
      flows: flows.map((talk) => Object.assign(talk, { report: this.#flowReport(talk.row, names) })),
    };
  }

  #begin(originNs: bigint, seconds: number, nanoseconds: number): void {
    this.#originNs = originNs;
    this.#originSeconds = seconds;
    this.#originNanoseconds = nanoseconds;
  }

  /** A new flow's hosts and talks. */
  #open(row: number): void {
    const source = this.#hosts.get(this.#flows.source(row).address);
    const destination = this.#hosts.get(this.#flows.destination(row).address);
    this.#sources[row] = source;
    this.#destinations[row] = destination;
    if (this.#pairTable !== undefined)
      this.#pairOf[row] = this.#pairTable.pair(source.address, destination.address);
    if (this.#flowTalks !== undefined)
      this.#talkOf[row] = this.#flowTalks.flow(row, source.address, destination.address);
  }

  /** Bytes go from one of a flow's hosts to the other, the way the flow table last found. */
  #move(row: number, seconds: number, packets: number, bytes: number): void {
    let source = this.#sources[row]!;
    let destination = this.#destinations[row]!;
    // A host may have had to make way since the flow's last packet.
    if (source.evicted) source = this.#sources[row] = this.#hosts.get(this.#flows.source(row).address);
    if (destination.evicted)
      destination = this.#destinations[row] = this.#hosts.get(this.#flows.destination(row).address);
    const { isForward } = this.#flows;
    const pool = this.#pool;
    const width = pool.binSeconds;
    let bin = Math.floor(seconds / width);
    (isForward ? source : destination).send(bin, packets, bytes);
    // Bins may have become wider to make room for this one.
    if (pool.binSeconds !== width) bin = Math.floor(seconds / pool.binSeconds);
    (isForward ? destination : source).receive(bin, packets, bytes);
    if (this.#pairTable !== undefined || this.#flowTalks !== undefined) this.#talk(row, seconds, bytes);
  }

  #talk(row: number, seconds: number, bytes: number): void {
    const { isForward } = this.#flows;
    const source = this.#sources[row]!;
    if (this.#pairTable !== undefined) {
      let pair = this.#pairOf[row]!;
      if (pair.evicted)
        pair = this.#pairOf[row] = this.#pairTable.pair(source.address, this.#destinations[row]!.address);
      const isAlong = isForward === (pair.source === source.address);
      pair.add(isAlong, Math.floor(seconds / this.#pool.binSeconds), bytes);
    }
    const talk = this.#talkOf[row];
    if (talk !== undefined && !talk.evicted)
      talk.add(isForward, Math.floor(seconds / this.#pool.binSeconds), bytes);
  }

  /** One direction of a record. */
  #part(row: number, counts: Readonly<FlowCounts>, rate: number, start: number, end: number): void {
    if (counts.packets === 0 && counts.octets === 0) return;
    const packets = counts.packets * rate;
    const bytes = counts.octets * rate;
    this.#observed += counts.packets;
    this.#packets += packets;
    this.#bytes += bytes;
    this.#flows.addRecord(row, start, end, packets, bytes, counts.tcpFlags);
    const width = this.#pool.binSeconds;
    const first = Math.floor(start / width);
    const last = Math.floor(end / width);
    if (first === last) return this.#move(row, start, packets, bytes);
    const rateInside = bytes / (end - start);
    this.#move(row, start, packets, rateInside * ((first + 1) * width - start));
    // In the middle of bins, so that rounding, or bins that became wider, put none of it elsewhere.
    for (let bin = first + 1; bin < last; bin++) this.#move(row, (bin + 0.5) * width, 0, rateInside * width);
    this.#move(row, end, 0, rateInside * (end - last * width));
  }

  #flowReports(names: ReadonlyMap<string, string>): FlowReport[] {
    const flows = this.#flows;
    const rows = flows.list();
    const bytes = new Float64Array(Math.max(0, ...rows.slice(-1)) + 1);
    const first = new Float64Array(bytes.length);
    for (const row of rows) {
      bytes[row] = flows.bytes(row);
      first[row] = flows.times(row).first;
    }
    rows.sort((a, b) => bytes[b]! - bytes[a]! || first[a]! - first[b]!);
    return rows.map((row) => this.#flowReport(row, names));
  }

  #flowReport(row: number, names: ReadonlyMap<string, string>): FlowReport {
    return flowReport(this.#flows, row, this.#sources[row]!.address, this.#destinations[row]!.address, names);
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

/** A record's key where a packet's would be. */
function keyOf(record: FlowRecord, into: Decoded): Decoded {
  const { source, destination } = record;
  into.version = source.version;
  into.protocol = record.protocol;
  [into.source0, into.source1, into.source2, into.source3] = source.words;
  [into.destination0, into.destination1, into.destination2, into.destination3] = destination.words;
  into.sourcePort = record.sourcePort;
  into.destinationPort = record.destinationPort;
  return into;
}
