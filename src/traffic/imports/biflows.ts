/**
 * Joins records of one direction to biflows: A to B and B to A of the same ports and protocol, at the same time.
 *
 * Many exporters tell the two directions apart in two records. A record waits here until its answer comes, or until
 * records are so much later that none will, or until too many wait: then it goes on alone, as it is. So memory is
 * bounded, and what was not joined is not lost. Records that have two directions already go straight on.
 *
 * Who of the two is the source: the one who sent a SYN without the other having sent one before; else the one who
 * started first; in the end the one with the higher port, for services have low ones.
 */
import type { Address } from '../../capture/index.js';
import { FlowEndReason } from '../flows/record.js';
import type { FlowHandler, FlowRecord } from '../flows/record.js';

export interface JoinOptions {
  /** Largest pause between the end of one direction and the start of the other, seconds. Default 15. */
  readonly gapSeconds?: number;
  /** How much later than a waiting record's end the newest one may be, seconds. Default 600: twice usual timeouts. */
  readonly patienceSeconds?: number;
  /** How many may wait. Default 131,072. */
  readonly limit?: number;
}

const ICMP = 1;
const ICMP6 = 58;

export class BiflowJoiner {
  readonly #onRecord: FlowHandler;
  readonly #gapMicros: number;
  readonly #patienceMicros: number;
  readonly #limit: number;
  /** Records that wait, in order of arrival, by the key of the answer they wait for. */
  readonly #waiting = new Map<string, FlowRecord>();
  #newestMicros = -Infinity;
  #joined = 0;

  constructor(onRecord: FlowHandler, options: JoinOptions = {}) {
    this.#onRecord = onRecord;
    this.#gapMicros = (options.gapSeconds ?? 15) * 1e6;
    this.#patienceMicros = (options.patienceSeconds ?? 600) * 1e6;
    this.#limit = options.limit ?? 131_072;
  }

  /** Biflows made of two records so far. */
  get joined(): number {
    return this.#joined;
  }

  add(record: FlowRecord): void {
    if (record.backward.packets > 0 || record.backward.octets > 0 || isIcmp(record)) {
      this.#onRecord(record);
      return;
    }
    const key = keyOf(record.source, record.sourcePort, record.destination, record.destinationPort, record);
    const other = this.#waiting.get(key);
    if (other !== undefined && this.#meet(record, other)) {
      this.#waiting.delete(key);
      this.#joined += 1;
      this.#onRecord(joined(other, record));
      return;
    }
    this.#wait(record);
  }

  /** Lets go of all that wait. */
  finish(): void {
    for (const record of this.#waiting.values()) this.#onRecord(record);
    this.#waiting.clear();
  }

  #wait(record: FlowRecord): void {
    const answer = keyOf(
      record.destination,
      record.destinationPort,
      record.source,
      record.sourcePort,
      record,
    );
    // A later record of the same direction: the earlier one had its time.
    const earlier = this.#waiting.get(answer);
    if (earlier !== undefined) {
      this.#waiting.delete(answer);
      this.#onRecord(earlier);
    }
    this.#waiting.set(answer, record);
    if (record.endMicros > this.#newestMicros) this.#newestMicros = record.endMicros;
    for (const [key, oldest] of this.#waiting) {
      const isLate = this.#newestMicros - oldest.endMicros > this.#patienceMicros;
      if (!isLate && this.#waiting.size <= this.#limit) return;
      this.#waiting.delete(key);
      this.#onRecord(oldest);
    }
  }

  #meet(a: FlowRecord, b: FlowRecord): boolean {
    return a.startMicros <= b.endMicros + this.#gapMicros && b.startMicros <= a.endMicros + this.#gapMicros;
  }
}

/** ICMP's type and code stand where ports are, so an answer has others; its directions stay apart. */
function isIcmp({ protocol }: FlowRecord): boolean {
  return protocol === ICMP || protocol === ICMP6;
}

function keyOf(from: Address, fromPort: number, to: Address, toPort: number, record: FlowRecord): string {
  const [a, b, c, d] = from.words;
  const [e, f, g, h] = to.words;
  const ports = fromPort * 65_536 + toPort;
  return from.version === 4
    ? `${a},${e},${ports},${record.protocol}`
    : `${a},${b},${c},${d},${e},${f},${g},${h},${ports},${record.protocol}`;
}

function joined(a: FlowRecord, b: FlowRecord): FlowRecord {
  const [first, second] = startsConversation(a, b) ? [a, b] : [b, a];
  return {
    ...first,
    startMicros: Math.min(a.startMicros, b.startMicros),
    endMicros: Math.max(a.endMicros, b.endMicros),
    backward: second.forward,
    endReason: a.endReason === FlowEndReason.end ? a.endReason : b.endReason,
  };
}

const SYN = 2;
const ACK = 16;

function startsConversation(a: FlowRecord, b: FlowRecord): boolean {
  const [aOpens, bOpens] = [isOpening(a), isOpening(b)];
  if (aOpens !== bOpens) return aOpens;
  if (a.startMicros !== b.startMicros) return a.startMicros < b.startMicros;
  return a.sourcePort >= b.sourcePort;
}

/** A SYN without any ACK is a call without an answer. Flags are or'ed, so more can't be told of longer records. */
function isOpening({ forward }: FlowRecord): boolean {
  return (forward.tcpFlags & SYN) !== 0 && (forward.tcpFlags & ACK) === 0;
}
