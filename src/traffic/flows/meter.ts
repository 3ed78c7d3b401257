/**
 * From packets to flow records, as an exporter makes them.
 *
 * A record is open while its packets come. It ends when none has come for the idle timeout; when it is as old as the
 * active timeout, though the conversation goes on (the next packet opens another); when its protocol says so; when it
 * must make way in a full table; or when the meter is told to finish. So one long tunnel becomes many records. Who
 * wants it whole asks the analyzer, which sees the same packets.
 *
 * **Time is the packets' own.** Whether a packet continues a record is decided when it comes, by the times of the two
 * alone, so records do not depend on when the table was last looked through for idle ones; that only decides how early
 * they are handed over. Packets out of order are counted where they belong if they are late by less than the idle
 * timeout; a clock that jumps, to 2100 or back, cuts records and breaks nothing.
 *
 * **Memory is bounded**: of `maxFlows` open records the eighth that was silent for longest makes way, is handed over
 * with the reason `resources`, and is counted. Nothing is lost by it but wholeness.
 *
 * Exporters differ in details, and one of them is here to the letter: {@link asNfpcapd}. It is what makes a comparison
 * with a real tool exact.
 */
import type { Decoded, Packet } from '../../capture/index.js';
import { TcpFlag } from '../../capture/index.js';
import { FlowIndex } from './flow-index.js';
import { FlowEndReason } from './record.js';
import type { FlowHandler } from './record.js';

export interface FlowMeterOptions {
  /** Called for each record, in the order in which they end. */
  readonly onRecord: FlowHandler;
  /** A record is not longer than this. Default 300. */
  readonly activeTimeoutSeconds?: number;
  /** A record without packets for longer than this is over. Default 60. */
  readonly idleTimeoutSeconds?: number;
  /** Open records at once (about 160 bytes each). Default 2^18. */
  readonly maxFlows?: number;
  /** One record for both directions. Default true; with false each direction is a flow of its own. */
  readonly biflow?: boolean;
  /** One of so many packets is given to the meter; records tell it. Default 1. */
  readonly samplingRate?: number;
  /**
   * When TCP ends a record: `closed`, with RST or the acknowledgement of the second FIN; `flag`, with any FIN or RST;
   * or never. Default `closed` for biflows, `flag` for the others, which see one side only.
   */
  readonly tcpEnd?: 'closed' | 'flag' | 'never';
  /** Flows of which each packet is a record, by what their packets have in common. Default none. */
  readonly isSingle?: (packet: Decoded) => boolean;
  /**
   * `exact`: by the timeouts, to the microsecond. `sweep`: only when the table is looked through, which is more than
   * ten seconds after the last time, by whole seconds: how nfpcapd does it. Default `exact`.
   */
  readonly expiry?: 'exact' | 'sweep';
}

/** Options with which records are those of nfpcapd 1.7, given the same timeouts (`-e ACTIVE,IDLE`). */
export const asNfpcapd = {
  biflow: false,
  tcpEnd: 'never',
  expiry: 'sweep',
  // ICMP, and DNS by its port.
  isSingle: ({ protocol, sourcePort, destinationPort }: Decoded): boolean =>
    protocol === 1 || protocol === 58 || (protocol === 17 && (sourcePort === 53 || destinationPort === 53)),
} as const satisfies Partial<FlowMeterOptions>;

/** What a meter has seen. */
export interface MeterCounts {
  packets: number;
  octets: number;
  records: number;
  /** Records among them that had to make way. */
  evicted: number;
}

const SYN_ACK = TcpFlag.syn | TcpFlag.ack;
/** How often the table is looked through. */
const SWEEP_MICROS = 1e6;
/** 64-bit columns of a row. */
const WIDE = 8;
const START = 0;
const END = 1;
const PACKETS_UP = 2;
const OCTETS_UP = 3;
const PACKETS_DOWN = 4;
const OCTETS_DOWN = 5;
/** 32-bit columns of a row. Those of a direction: up, then down. */
const NARROW = 8;
const FLAGS = 0;
/** Number after the FIN, which the other side acknowledges. */
const FIN_NUMBER = 2;
/** FIN seen, FIN acknowledged. */
const FIN_STATE = 4;
/** 1 when the source is the low endpoint. */
const IS_UP = 6;
/** 256 × type + code of the first packet. */
const ICMP = 7;
const FIN_SENT = 1;
const FIN_DONE = 2;

export class FlowMeter {
  readonly counts: MeterCounts = { packets: 0, octets: 0, records: 0, evicted: 0 };
  readonly #index: FlowIndex;
  readonly #onRecord: FlowHandler;
  readonly #active: number;
  readonly #idle: number;
  readonly #maxFlows: number;
  readonly #samplingRate: number;
  readonly #tcpEnd: 'closed' | 'flag' | 'never';
  readonly #isSingle: ((packet: Decoded) => boolean) | undefined;
  readonly #isExact: boolean;
  readonly #isBiflow: boolean;
  #wide: Float64Array;
  #narrow: Int32Array;
  /**
   * Microseconds of the packet, and of when the table was last looked through (for `exact`). In an array, for numbers
   * that are passed on may be made anew each time.
   */
  readonly #now = new Float64Array([0, NaN]);
  /** Packets since. */
  #sinceSwept = 0;
  /** Of `sweep`: nfpcapd asks every second whether ten have gone by. Seconds. */
  #asked = 0;
  #expired = 0;

  constructor(options: FlowMeterOptions) {
    const { biflow = true, tcpEnd = biflow ? 'closed' : 'flag' } = options;
    this.#onRecord = options.onRecord;
    this.#active = Math.round((options.activeTimeoutSeconds ?? 300) * 1e6);
    this.#idle = Math.round((options.idleTimeoutSeconds ?? 60) * 1e6);
    this.#maxFlows = Math.max(1, options.maxFlows ?? 2 ** 18);
    this.#samplingRate = options.samplingRate ?? 1;
    this.#tcpEnd = tcpEnd;
    this.#isSingle = options.isSingle;
    this.#isExact = options.expiry !== 'sweep';
    this.#isBiflow = biflow;
    this.#index = new FlowIndex(!biflow);
    this.#wide = new Float64Array(this.#index.capacity * WIDE);
    this.#narrow = new Int32Array(this.#index.capacity * NARROW);
  }

  /** Conversations that are followed. */
  get open(): number {
    return this.#index.size;
  }

  /** Counts a packet for which decoding returned `ip`; keeps no reference to either. */
  packet(packet: Packet, decoded: Decoded): void {
    const now = packet.seconds * 1e6 + Math.floor(packet.nanoseconds / 1000);
    this.#now[0] = now;
    this.counts.packets += 1;
    this.counts.octets += decoded.ipBytes;
    const index = this.#index;
    let row = index.find(decoded);
    let isLast = false;
    if (row < 0) {
      row = this.#begin(decoded);
      isLast = this.#isSingle?.(decoded) === true;
    } else if (this.#isExact) row = this.#continued(row, decoded);
    const at = row * WIDE;
    const wide = this.#wide;
    const { isUp } = index;
    wide[at + (isUp ? PACKETS_UP : PACKETS_DOWN)]! += 1;
    wide[at + (isUp ? OCTETS_UP : OCTETS_DOWN)]! += decoded.ipBytes;
    if (now > wide[at + END]! || !this.#isExact) wide[at + END] = now;
    else if (now < wide[at + START]!) wide[at + START] = now;
    if (decoded.hasTcp) {
      const flags = decoded.tcpFlags;
      this.#narrow[row * NARROW + FLAGS + (isUp ? 0 : 1)]! |= flags;
      if (this.#isEnd(row, flags, decoded)) isLast = true;
    }
    if (isLast) this.#end(row, FlowEndReason.end);
    this.#tick(packet.seconds);
  }

  /**
   * Hands over what is over at a moment, microseconds since 1970. Packets do so by themselves; a live meter calls this
   * when none come.
   */
  expire(now: number): void {
    const { end } = this.#index;
    for (let row = 0; row < end; row++) {
      if (!this.#index.has(row)) continue;
      const at = row * WIDE;
      if (now - this.#wide[at + END]! > this.#idle) this.#end(row, FlowEndReason.idle);
      else if (now - this.#wide[at + START]! > this.#active) this.#cut(row);
    }
  }

  /** Hands over every open record; packets may come after it. */
  finish(): void {
    const { end } = this.#index;
    for (let row = 0; row < end; row++) if (this.#index.has(row)) this.#end(row, FlowEndReason.forced);
  }

  /** A new record in the place that the index just looked for in vain. */
  #begin(decoded: Decoded): number {
    if (this.#index.size >= this.#maxFlows) {
      this.#makeRoom();
      this.#index.find(decoded);
    }
    const { isUp } = this.#index;
    const row = this.#index.insert();
    if ((row + 1) * WIDE > this.#wide.length) this.#grow();
    const isAnswer = decoded.hasTcp && (decoded.tcpFlags & SYN_ACK) === SYN_ACK;
    const at = row * WIDE;
    this.#wide[at + START] = this.#wide[at + END] = this.#now[0]!;
    this.#wide.fill(0, at + PACKETS_UP, at + WIDE);
    this.#narrow.fill(0, row * NARROW, (row + 1) * NARROW);
    // A directed index calls every source low.
    this.#narrow[row * NARROW + IS_UP] = isUp !== (isAnswer && this.#isBiflow) ? 1 : 0;
    this.#narrow[row * NARROW + ICMP] = decoded.icmpTypeCode;
    return row;
  }

  /**
   * The row of a packet whose flow has one: the same, unless its record is over by the packet's time. A record cut by
   * the active timeout is followed by one of the same direction, for the caller of a conversation stays who it is.
   */
  #continued(row: number, decoded: Decoded): number {
    const now = this.#now[0]!;
    const start = this.#wide[row * WIDE + START]!;
    const end = this.#wide[row * WIDE + END]!;
    if (now - end > this.#idle || start - now > this.#idle) this.#end(row, FlowEndReason.idle);
    else if (decoded.hasTcp && this.#isReopened(row, decoded.tcpFlags)) this.#end(row, FlowEndReason.end);
    else {
      if (Math.max(now, end) - Math.min(now, start) > this.#active) this.#cut(row);
      if (this.#isCut(row)) this.#wide[row * WIDE + START] = this.#wide[row * WIDE + END] = now;
      return row;
    }
    this.#index.find(decoded);
    return this.#begin(decoded);
  }

  /** Whether a SYN opens the ports anew of a connection that was about to close. */
  #isReopened(row: number, flags: number): boolean {
    if ((flags & SYN_ACK) !== TcpFlag.syn) return false;
    const at = row * NARROW + FIN_STATE;
    return ((this.#narrow[at]! | this.#narrow[at + 1]!) & FIN_SENT) !== 0;
  }

  /** Whether TCP says with this packet that the record is over. */
  #isEnd(row: number, flags: number, decoded: Decoded): boolean {
    const tcpEnd = this.#tcpEnd;
    if (tcpEnd === 'never') return false;
    if ((flags & TcpFlag.rst) !== 0) return true;
    if (tcpEnd === 'flag') return (flags & TcpFlag.fin) !== 0;
    const narrow = this.#narrow;
    const own = row * NARROW + (this.#index.isUp ? 0 : 1);
    const other = row * NARROW + (this.#index.isUp ? 1 : 0);
    if ((flags & TcpFlag.fin) !== 0) {
      narrow[own + FIN_STATE]! |= FIN_SENT;
      narrow[own + FIN_NUMBER] = (decoded.sequence + decoded.payloadBytes + 1) | 0;
    }
    if (narrow[other + FIN_STATE] !== FIN_SENT || (flags & TcpFlag.ack) === 0) return false;
    // The signed distance of 32-bit numbers, as TCP compares them.
    if (((decoded.acknowledgement - narrow[other + FIN_NUMBER]!) | 0) < 0) return false;
    narrow[other + FIN_STATE] = FIN_SENT | FIN_DONE;
    return narrow[own + FIN_STATE] === (FIN_SENT | FIN_DONE);
  }

  #tick(seconds: number): void {
    if (!this.#isExact) return this.#tickLikeNfpcapd(seconds);
    this.#sinceSwept += 1;
    const now = this.#now[0]!;
    const passed = now - this.#now[1]!;
    if (passed < SWEEP_MICROS && passed >= 0) return;
    // Looking through costs as much as there is, so it waits for packets that pay for it.
    if (passed > 0 && this.#sinceSwept * 4 < this.#index.size) return;
    if (passed > 0) this.expire(now);
    this.#now[1] = now;
    this.#sinceSwept = 0;
  }

  #tickLikeNfpcapd(seconds: number): void {
    if (seconds - this.#asked <= 1) return;
    this.#asked = seconds;
    if (this.#expired === 0) {
      this.#expired = seconds;
      return;
    }
    if (seconds - this.#expired <= 10) return;
    this.#expired = seconds;
    const { end } = this.#index;
    for (let row = 0; row < end; row++) {
      if (!this.#index.has(row)) continue;
      const at = row * WIDE;
      const silent = (seconds - Math.floor(this.#wide[at + END]! / 1e6)) * 1e6;
      const age = (seconds - Math.floor(this.#wide[at + START]! / 1e6)) * 1e6;
      if (silent > this.#idle) this.#end(row, FlowEndReason.idle);
      else if (age > this.#active) this.#end(row, FlowEndReason.active);
    }
  }

  /** The eighth of the records that was silent for longest makes way. */
  #makeRoom(): void {
    const { end } = this.#index;
    const step = Math.max(1, Math.floor(end / 1024));
    const sample: number[] = [];
    for (let row = 0; row < end; row += step)
      if (this.#index.has(row)) sample.push(this.#wide[row * WIDE + END]!);
    sample.sort((a, b) => a - b);
    const last = sample[sample.length >> 3]!;
    let quota = Math.max(1, this.#index.size >> 3);
    for (let row = 0; row < end && quota > 0; row++) {
      if (!this.#index.has(row) || this.#wide[row * WIDE + END]! > last) continue;
      this.#end(row, FlowEndReason.resources);
      quota -= 1;
    }
  }

  /** Hands the record over, and its row back. */
  #end(row: number, endReason: FlowEndReason): void {
    if (!this.#isCut(row)) this.#handOver(row, endReason);
    this.#index.remove(row);
  }

  /** Hands the record over, and keeps the row for the next one of the conversation. */
  #cut(row: number): void {
    if (!this.#isCut(row)) this.#handOver(row, FlowEndReason.active);
    this.#wide.fill(0, row * WIDE + PACKETS_UP, row * WIDE + WIDE);
    this.#narrow.fill(0, row * NARROW + FLAGS, row * NARROW + FLAGS + 2);
  }

  /** Whether no packet has come since the record was cut. */
  #isCut(row: number): boolean {
    return this.#wide[row * WIDE + PACKETS_UP] === 0 && this.#wide[row * WIDE + PACKETS_DOWN] === 0;
  }

  #handOver(row: number, endReason: FlowEndReason): void {
    const index = this.#index;
    const at = row * WIDE;
    const wide = this.#wide;
    const small = row * NARROW;
    const narrow = this.#narrow;
    const low = index.low(row);
    const high = index.high(row);
    const isUp = narrow[small + IS_UP] === 1;
    const source = isUp ? low : high;
    const destination = isUp ? high : low;
    const up = { packets: wide[at + PACKETS_UP]!, octets: wide[at + OCTETS_UP]!, tcpFlags: narrow[small]! };
    const down = {
      packets: wide[at + PACKETS_DOWN]!,
      octets: wide[at + OCTETS_DOWN]!,
      tcpFlags: narrow[small + 1]!,
    };
    const protocol = index.protocol(row);
    const isIcmp = protocol === (source.address.version === 4 ? 1 : 58);
    const record = {
      source: source.address,
      destination: destination.address,
      sourcePort: isIcmp ? 0 : source.port,
      destinationPort: isIcmp ? narrow[small + ICMP]! : destination.port,
      protocol,
      startMicros: wide[at + START]!,
      endMicros: wide[at + END]!,
      forward: isUp ? up : down,
      backward: isUp ? down : up,
      endReason,
      samplingRate: this.#samplingRate,
    };
    this.counts.records += 1;
    if (endReason === FlowEndReason.resources) this.counts.evicted += 1;
    this.#onRecord(record);
  }

  #grow(): void {
    const wide = new Float64Array(this.#index.capacity * WIDE);
    wide.set(this.#wide);
    this.#wide = wide;
    const narrow = new Int32Array(this.#index.capacity * NARROW);
    narrow.set(this.#narrow);
    this.#narrow = narrow;
  }
}
