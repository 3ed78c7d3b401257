/**
 * Gathers from traffic what patterns are shown: it is fed packets, or flow records, and makes a {@link Sight} at the end.
 *
 * Packets go three ways: into a flow meter, whose records are what a router would export; into byte series of each pair,
 * in which bursts are found; and into loads of each host, second by second. Whoever has only records has the first way
 * whole and the two others as well as records can tell: their bytes are spread evenly over their time, so bursts that are
 * shorter than a record are gone. That is not mended here: it is what an ISP sees.
 *
 * Counts are multiplied by the sampling rate at once, as collectors do. Memory is bounded everywhere, by the tables'
 * sizes and the series' pools; what made way is told.
 */
import { Decoded, decoderThrough, formatAddress } from '../../capture/index.js';
import type { Decoder, Packet, TunnelKind } from '../../capture/index.js';
import { FlowMeter } from '../../traffic/flows/meter.js';
import type { FlowCounts, FlowRecord } from '../../traffic/flows/record.js';
import { ConnectionJoiner } from './connections.js';
import { dayOf } from './day.js';
import { EventTable } from './event-table.js';
import { HostLoads } from './host-loads.js';
import { PairBursts } from './pair-bursts.js';
import type { Sight } from './pattern.js';

export interface GatherOptions {
  /** One of so many packets is given; default 1. */
  readonly samplingRate?: number;
  /** Of the meter that makes records of packets, seconds. */
  readonly activeTimeoutSeconds?: number;
  readonly idleTimeoutSeconds?: number;
  /** Tunnels that are seen through; default none. */
  readonly through?: readonly TunnelKind[];
  /** Makes a day of the bursts, each second stretched to so many; none without it. */
  readonly dayStretch?: number;
}

/** The finest timeouts in common use: what ISPs see at best. */
export const gatherDefaults = { activeTimeoutSeconds: 60, idleTimeoutSeconds: 15 } as const;

const PACKET_BIN_SECONDS = 0.01;
const RECORD_BIN_SECONDS = 1;

/** What was seen, and what could not be kept. */
export interface Gathered {
  readonly packets: number;
  readonly records: number;
  readonly connections: number;
  /** Pairs and hosts that made way, and records that were not joined to connections. */
  readonly leftOut: number;
  /** Packets of a burst that were seen, on average over all bursts of all pairs; null without packets or bursts. */
  readonly samplesPerBurst: number | null;
}

export class Gatherer {
  readonly #options: GatherOptions;
  readonly #meter: FlowMeter;
  readonly #decode: Decoder;
  readonly #decoded = new Decoded();
  readonly #joiner = new ConnectionJoiner();
  readonly #records = new EventTable();
  readonly #hosts = new HostLoads();
  /** Made for what comes first: packets or records. */
  #pairs: PairBursts | undefined;
  readonly #rate: number;
  #packetCount = 0;
  #recordCount = 0;
  /** The highest of what was given and what records tell. */
  #maxRate: number;
  #origin = NaN;
  #first = Infinity;
  #last = -Infinity;

  constructor(options: GatherOptions = {}) {
    this.#options = options;
    this.#decode = decoderThrough(options.through);
    this.#rate = options.samplingRate ?? 1;
    this.#maxRate = this.#rate;
    this.#meter = new FlowMeter({
      onRecord: (record) => this.#take(record),
      activeTimeoutSeconds: options.activeTimeoutSeconds ?? gatherDefaults.activeTimeoutSeconds,
      idleTimeoutSeconds: options.idleTimeoutSeconds ?? gatherDefaults.idleTimeoutSeconds,
      samplingRate: this.#rate,
    });
  }

  /** A packet that was sampled; those that were not are not given. */
  packet(packet: Packet): void {
    const decoded = this.#decoded;
    if (this.#decode(packet, decoded) !== 'ip') return;
    this.#packetCount += 1;
    this.#meter.packet(packet, decoded);
    const bytes = decoded.ipBytes * this.#rate;
    const seconds = this.#at(packet.seconds, packet.nanoseconds / 1e9);
    this.#pairs ??= new PairBursts(this.#hosts, PACKET_BIN_SECONDS);
    const pair = this.#pairs.get(pairKey(decoded));
    pair.packets += 1;
    pair.bytes += bytes;
    pair.series.add(seconds, bytes);
    this.#hosts.add(pair.from, pair.to, seconds, this.#rate, bytes);
  }

  /** A flow record, where there are no packets. */
  record(record: FlowRecord): void {
    this.#at(record.startMicros / 1e6, 0);
    this.#at(record.endMicros / 1e6, 0);
    this.#maxRate = Math.max(this.#maxRate, record.samplingRate);
    this.#take(record);
    const [source, destination] = [formatAddress(record.source), formatAddress(record.destination)];
    this.#spread(record, `${source} ${destination}`, record.forward);
    this.#spread(record, `${destination} ${source}`, record.backward);
  }

  /** What was gathered. Call it once, at the end. */
  finish(packets: Sight['packets']): { sight: Sight; gathered: Gathered } {
    this.#meter.finish();
    const connections = new EventTable();
    const edges = new Map<string, readonly [string, string]>();
    let connectionCount = 0;
    for (const { source, destination, start, end, bytes } of this.#joiner.connections()) {
      connectionCount += 1;
      connections.add(source, destination, start, end, bytes);
      edges.set(`${source} ${destination}`, [source, destination]);
    }
    const { bursts, samplesPerBurst } = this.#pairs?.find(this.#origin) ?? {
      bursts: [],
      samplesPerBurst: null,
    };
    const { dayStretch } = this.#options;
    const days = dayStretch === undefined ? [] : bursts.map((series) => dayOf(series, dayStretch));
    const isEmpty = this.#first > this.#last;
    const tables = [
      this.#hosts,
      this.#records,
      connections,
      ...(this.#pairs === undefined ? [] : [this.#pairs]),
    ];
    return {
      sight: {
        from: isEmpty ? 0 : this.#first,
        to: isEmpty ? 0 : this.#last,
        samplingRate: this.#maxRate,
        events: {
          connections: connections.list(),
          records: this.#records.list(),
          bursts,
          day: days.filter((series) => series !== undefined),
        },
        hosts: this.#hosts.list(),
        edges: [...edges.values()],
        packets,
      },
      gathered: {
        packets: this.#packetCount,
        records: this.#recordCount,
        connections: connectionCount,
        leftOut: tables.reduce((sum, { evicted }) => sum + evicted, this.#joiner.leftOut),
        samplesPerBurst,
      },
    };
  }

  /** A record, the meter's or a file's: an event of its pair, a piece of a connection, a flow of two hosts. */
  #take(record: FlowRecord): void {
    this.#recordCount += 1;
    this.#joiner.add(record);
    const source = formatAddress(record.source);
    const destination = formatAddress(record.destination);
    const start = record.startMicros / 1e6;
    const end = record.endMicros / 1e6;
    this.#records.add(source, destination, start, end, record.forward.octets * record.samplingRate);
    for (const address of new Set([source, destination])) {
      const { flows } = this.#hosts.get(address);
      this.#hosts.spread(start - this.#origin, end - this.#origin, (second) => flows.add(second, 1));
    }
  }

  /** Lays what went one way evenly over the record's time. */
  #spread({ startMicros, endMicros, samplingRate }: FlowRecord, key: string, counts: FlowCounts): void {
    if (counts.packets === 0) return;
    const begin = startMicros / 1e6 - this.#origin;
    const end = endMicros / 1e6 - this.#origin;
    const packets = counts.packets * samplingRate;
    const bytes = counts.octets * samplingRate;
    this.#pairs ??= new PairBursts(this.#hosts, RECORD_BIN_SECONDS);
    const pair = this.#pairs.get(key);
    this.#pairs.spread(pair, begin, end, bytes);
    this.#hosts.spread(begin, end, (second, share) =>
      this.#hosts.add(pair.from, pair.to, second, packets * share, bytes * share),
    );
  }

  /** Notes that something happened then; seconds since the origin, the second of the first thing that did. */
  #at(seconds: number, fraction: number): number {
    if (Number.isNaN(this.#origin)) this.#origin = Math.floor(seconds);
    const time = seconds + fraction;
    if (time < this.#first) this.#first = time;
    if (time > this.#last) this.#last = time;
    return seconds - this.#origin + fraction;
  }
}

/** "source destination", as text. */
function pairKey(decoded: Decoded): string {
  if (decoded.version === 4) return `${dotted(decoded.source0)} ${dotted(decoded.destination0)}`;
  const { source0, source1, source2, source3 } = decoded;
  const { destination0, destination1, destination2, destination3 } = decoded;
  const source = formatAddress({ version: 6, words: [source0, source1, source2, source3] });
  const destination = formatAddress({
    version: 6,
    words: [destination0, destination1, destination2, destination3],
  });
  return `${source} ${destination}`;
}

/** As formatAddress does, without an Address: this is done for every packet. */
function dotted(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}
