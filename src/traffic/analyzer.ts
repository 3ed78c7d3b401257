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
import { decode, Decoded, decoderThrough, formatAddress, TcpFlag } from '../capture/index.js';
import type { Decoder, Packet, TunnelKind } from '../capture/index.js';
import type { FlowCounts, FlowRecord } from './flows/record.js';
import { FlowTable } from './flow-table.js';
import { findHeartbeat, heartbeatDefaults } from './heartbeat.js';
import type { HeartbeatOptions } from './heartbeat.js';
import { HostTable } from './hosts.js';
import type { Host } from './hosts.js';
import { flowReport, hostReports } from './report.js';
import type { FlowReport, TrafficReport } from './report.js';
import { SeriesPool } from './series.js';
import { TalkTable } from './talks.js';
import type { Talk } from './talks.js';

export interface AnalyzerOptions {
  /** Width of the bins of byte series, seconds. Default 0.01. */
  readonly binSeconds?: number;
  /** Bins over all hosts (8 bytes each). Default 2^24. */
  readonly maxBins?: number;
  /** Default 2^18. */
  readonly maxFlows?: number;
  /** Default 2^14. */
  readonly maxHosts?: number;
  /** Pairs of hosts that have series at once. Default 0: none has. */
  readonly maxPairSeries?: number;
  /** Flows that have series at once. Default 0: none has. */
  readonly maxFlowSeries?: number;
  /** One of so many packets is given to {@link TrafficAnalyzer.packet}. Default 1. Records tell their own rate. */
  readonly samplingRate?: number;
  /** Slices of `egressRates` in a host's report. Default 60. */
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
/** Places in the analyzer's sums. */
const BYTES = 0;
const FIRST = 1;
const LAST = 2;
const SYN_ACK = TcpFlag.syn | TcpFlag.ack;

export class TrafficAnalyzer {
  readonly #options: AnalyzerOptions;
  readonly #samplingRate: number;
  readonly #pool: SeriesPool;
  readonly #hosts: HostTable;
  readonly #flows: FlowTable;
  /** Of each flow's row its source, then its destination: beside each other in memory, for they are used together. */
  readonly #ends: Host[] = [];
  readonly #pairTable: TalkTable | undefined;
  readonly #flowTalks: TalkTable | undefined;
  /** Of each flow's row, where they are asked for. */
  readonly #pairOf: (Talk | undefined)[] = [];
  readonly #talkOf: (Talk | undefined)[] = [];
  readonly #decoded = new Decoded();
  /** Undefined for the plain decoder, which the engine can then build in. */
  readonly #through: Decoder | undefined;
  /** Bytes; time of the earliest and the latest packet, seconds. In an array, for they change with each packet. */
  readonly #sums = new Float64Array(3);
  #packets = 0;
  #observed = 0;
  #records = 0;
  #highestRate = 1;
  #other = 0;
  #undecoded = 0;
  #originSeconds = 0;
  #originNanoseconds = 0;
  #originNs: bigint | undefined;

  constructor(options: AnalyzerOptions = {}) {
    const { maxPairSeries = 0, maxFlowSeries = 0 } = options;
    this.#options = options;
    this.#through = options.through?.length ? decoderThrough(options.through) : undefined;
    this.#samplingRate = this.#highestRate = options.samplingRate ?? 1;
    this.#pool = new SeriesPool(options);
    this.#hosts = new HostTable(this.#pool, options.maxHosts ?? 2 ** 14);
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
    this.#flows.now[0] = seconds;
    const sums = this.#sums;
    if (seconds > sums[LAST]!) sums[LAST] = seconds;
    else if (seconds < sums[FIRST]!) sums[FIRST] = seconds;
    sums[BYTES]! += bytes * weight;
    this.#observed += 1;
    this.#packets += weight;
    if (outcome !== 'ip') {
      if (outcome === 'other') this.#other += 1;
      else this.#undecoded += 1;
      return;
    }
    const flows = this.#flows;
    let row = flows.find(decoded);
    if (row < 0) {
      const isAnswer = decoded.hasTcp && (decoded.tcpFlags & SYN_ACK) === SYN_ACK;
      row = flows.insert(decoded, isAnswer);
      this.#open(row, bytes * weight);
    }
    flows.add(row, decoded, bytes, weight);
    this.#pool.at(seconds);
    this.#move(row, weight, bytes * weight);
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
    if (end > this.#sums[LAST]!) this.#sums[LAST] = end;
    if (start < this.#sums[FIRST]!) this.#sums[FIRST] = start;
    if (record.samplingRate > this.#highestRate) this.#highestRate = record.samplingRate;
    this.#records += 1;
    const flows = this.#flows;
    flows.now[0] = start;
    const decoded = keyOf(record, this.#decoded);
    let row = flows.find(decoded, record.destinationPort);
    if (row < 0) {
      row = flows.insert(decoded, false, record.destinationPort);
      this.#open(row, (record.forward.octets + record.backward.octets) * record.samplingRate);
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
      bytes: this.#sums[BYTES]!,
      otherPackets: this.#other,
      undecodedPackets: this.#undecoded,
      records: this.#records,
      observedPackets: this.#observed,
      samplingRate: this.#highestRate,
      originNs: this.#originNs?.toString() ?? null,
      durationSeconds: this.#sums[LAST]! - this.#sums[FIRST]!,
      binSeconds: this.#pool.binSeconds,
      hosts: hostReports(hosts, names, this.#pool, {
        firstSeconds: this.#sums[FIRST]!,
        lastSeconds: this.#sums[LAST]!,
        slices: this.#options.slices ?? 60,
      }),
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
  #open(row: number, bytes: number): void {
    this.#ends[2 * row] = this.#host(row, true, bytes);
    this.#ends[2 * row + 1] = this.#host(row, false, bytes);
    this.#pairOf[row] = undefined;
    if (this.#flowTalks !== undefined)
      this.#talkOf[row] = this.#flowTalks.flow(
        row,
        this.#textOf(row, 'source'),
        this.#textOf(row, 'destination'),
      );
  }

  /** Bytes go from one of a flow's hosts to the other, now and the way the flow table last found. */
  #move(row: number, packets: number, bytes: number): void {
    let source = this.#ends[2 * row]!;
    let destination = this.#ends[2 * row + 1]!;
    if (source.evicted || destination.evicted) {
      this.#refresh(row, bytes);
      source = this.#ends[2 * row]!;
      destination = this.#ends[2 * row + 1]!;
    }
    const { isForward } = this.#flows;
    (isForward ? source : destination).send(packets, bytes);
    (isForward ? destination : source).receive(packets, bytes);
    if (this.#pairTable === undefined && this.#flowTalks === undefined) return;
    const pair = this.#pair(row);
    pair?.add(isForward === (pair.source === source.address), bytes);
    const talk = this.#talkOf[row];
    if (talk?.evicted === false) talk.add(isForward, bytes);
  }

  /** Asks again for hosts that had to make way since the flow's last packet. */
  #refresh(row: number, bytes: number): void {
    if (this.#ends[2 * row]!.evicted) this.#ends[2 * row] = this.#host(row, true, bytes);
    if (this.#ends[2 * row + 1]!.evicted) this.#ends[2 * row + 1] = this.#host(row, false, bytes);
  }

  /** A flow's source or destination, which sends or receives so many bytes now. */
  #host(row: number, isSource: boolean, bytes: number): Host {
    const flows = this.#flows;
    return (
      this.#hosts.find(flows.hostKey(row, isSource), bytes) ??
      this.#hosts.add((isSource ? flows.source(row) : flows.destination(row)).address)
    );
  }

  /** The talk of the flow's hosts, asked for again if it had to make way; none while one of them is nobody. */
  #pair(row: number): Talk | undefined {
    if (this.#pairTable === undefined) return undefined;
    const source = this.#ends[2 * row]!;
    const destination = this.#ends[2 * row + 1]!;
    const { nobody } = this.#hosts;
    if (source === nobody || destination === nobody) return undefined;
    const known = this.#pairOf[row];
    if (known?.evicted === false) return known;
    return (this.#pairOf[row] = this.#pairTable.pair(source.address, destination.address));
  }

  /** One direction of a record. */
  #part(row: number, counts: Readonly<FlowCounts>, rate: number, start: number, end: number): void {
    if (counts.packets === 0 && counts.octets === 0) return;
    const packets = counts.packets * rate;
    const bytes = counts.octets * rate;
    this.#observed += counts.packets;
    this.#packets += packets;
    this.#sums[BYTES]! += bytes;
    this.#flows.addRecord(row, start, end, packets, bytes, counts.tcpFlags);
    this.#refresh(row, bytes);
    const { isForward } = this.#flows;
    const source = this.#ends[2 * row]!;
    const destination = this.#ends[2 * row + 1]!;
    (isForward ? source : destination).sendOver(start, end, packets, bytes);
    (isForward ? destination : source).receiveOver(start, end, packets, bytes);
    const pair = this.#pair(row);
    pair?.addOver(isForward === (pair.source === source.address), start, end, bytes);
    const talk = this.#talkOf[row];
    if (talk?.evicted === false) talk.addOver(isForward, start, end, bytes);
  }

  #flowReports(names: ReadonlyMap<string, string>): FlowReport[] {
    const flows = this.#flows;
    const rows = flows.list();
    const bytes = new Float64Array(Math.max(0, ...rows.slice(-1)) + 1);
    const first = new Float64Array(bytes.length);
    for (const row of rows) {
      bytes[row] = flows.bytes(row);
      first[row] = flows.first(row);
    }
    rows.sort((a, b) => bytes[b]! - bytes[a]! || first[a]! - first[b]!);
    return rows.map((row) => this.#flowReport(row, names));
  }

  #flowReport(row: number, names: ReadonlyMap<string, string>): FlowReport {
    return flowReport(this.#flows, row, this.#textOf(row, 'source'), this.#textOf(row, 'destination'), names);
  }

  /** A flow's address as text, which its host has ready if it is somebody. */
  #textOf(row: number, end: 'source' | 'destination'): string {
    const host = this.#ends[2 * row + (end === 'source' ? 0 : 1)]!;
    return host === this.#hosts.nobody ? formatAddress(this.#flows[end](row).address) : host.address;
  }
}

/** A record's key where a packet's would be. */
function keyOf(record: FlowRecord, into: Decoded): Decoded {
  const { version, words: source } = record.source;
  const { words: destination } = record.destination;
  into.version = version;
  into.protocol = record.protocol;
  // By number: taking an array apart asks its iterator.
  into.source0 = source[0];
  into.destination0 = destination[0];
  if (version === 6) {
    into.source1 = source[1];
    into.source2 = source[2];
    into.source3 = source[3];
    into.destination1 = destination[1];
    into.destination2 = destination[2];
    into.destination3 = destination[3];
  }
  into.sourcePort = record.sourcePort;
  into.destinationPort = record.destinationPort;
  return into;
}
