/**
 * A template, compiled: which bytes of a record are read, how, and into which slot.
 *
 * Records come by the million and templates by the handful, so all that can be decided once is decided here: elements
 * nobody needs are no steps at all, and of several that say the same only the best one is read. A record without
 * fields of variable length has every field at a fixed offset.
 */
import { elementOf, Encoding, Slot, SLOTS } from './elements.js';

/** Field length that says: the length stands in the record (RFC 7011, 7). */
export const VARIABLE = 65_535;

/** A field as the template names it. */
export interface Field {
  readonly enterprise: number;
  readonly id: number;
  readonly length: number;
}

/** One field to be read. */
interface Step {
  readonly slot: number;
  readonly encoding: Encoding;
  /** From the record's start; meaningless when fields of variable length come before. */
  readonly offset: number;
  readonly length: number;
}

/** When a record was exported and how long its exporter ran by then: what its times count from. */
export interface ExportClock {
  /** Microseconds since 1970-01-01 UTC. */
  readonly exportMicros: number;
  /** The exporter's uptime at that time, milliseconds; NaN when unknown. */
  readonly uptimeMillis: number;
}

export class Template {
  /** The values of the record that was read last, by slot; 0 where the template has no element for the slot. */
  readonly values = new Float64Array(SLOTS);
  /** Smallest length of a record. */
  readonly minLength: number;
  readonly #has = new Uint8Array(SLOTS);
  readonly #steps: readonly Step[];
  /** All fields, when some are of variable length: then the record must be walked. */
  readonly #fields: readonly (Step | number)[] | undefined;

  constructor(fields: readonly Field[]) {
    const best = new Map<number, { rank: number; index: number }>();
    fields.forEach((field, index) => {
      const element = elementOf(field.enterprise, field.id);
      if (element === undefined || !fits(element.encoding, element.slot, field.length)) return;
      const rank = best.get(element.slot)?.rank ?? 0;
      if (element.rank > rank) best.set(element.slot, { rank: element.rank, index });
    });
    const chosen = new Set([...best.values()].map(({ index }) => index));
    const steps: Step[] = [];
    const all: (Step | number)[] = [];
    let offset = 0;
    let minLength = 0;
    fields.forEach((field, index) => {
      const element = chosen.has(index) ? elementOf(field.enterprise, field.id) : undefined;
      if (element === undefined) {
        all.push(field.length);
      } else {
        const step = { slot: element.slot, encoding: element.encoding, offset, length: field.length };
        steps.push(step);
        all.push(step);
        this.#has[element.slot] = 1;
      }
      offset += field.length;
      minLength += field.length === VARIABLE ? 1 : field.length;
    });
    this.minLength = minLength;
    this.#steps = steps;
    this.#fields = fields.some(({ length }) => length === VARIABLE) ? all : undefined;
  }

  /** Whether records say this. */
  has(slot: number): boolean {
    return this.#has[slot] === 1;
  }

  /**
   * Reads the record at `at` into {@link values}; the caller saw to it that at least `minLength` bytes are there.
   *
   * @returns where the next record starts, or -1 when this one does not fit before `end`.
   */
  read(view: DataView, at: number, end: number, clock: ExportClock): number {
    if (this.#fields !== undefined) return this.#walk(view, at, end, clock, this.#fields);
    for (const step of this.#steps) this.#take(step, view, at + step.offset, clock);
    return at + this.minLength;
  }

  #walk(
    view: DataView,
    at: number,
    end: number,
    clock: ExportClock,
    fields: readonly (Step | number)[],
  ): number {
    for (const field of fields) {
      let length = typeof field === 'number' ? field : field.length;
      if (length === VARIABLE) {
        if (at + 1 > end) return -1;
        length = view.getUint8(at);
        at += 1;
        if (length === 255) {
          if (at + 2 > end) return -1;
          length = view.getUint16(at);
          at += 2;
        }
      }
      if (at + length > end) return -1;
      if (typeof field !== 'number') this.#take(field, view, at, clock);
      at += length;
    }
    return at;
  }

  #take(step: Step, view: DataView, at: number, clock: ExportClock): void {
    const { values } = this;
    switch (step.encoding) {
      case Encoding.unsigned:
        values[step.slot] = unsigned(view, at, step.length);
        return;
      case Encoding.seconds:
        values[step.slot] = unsigned(view, at, step.length) * 1e6;
        return;
      case Encoding.millis:
      case Encoding.millisLong:
        values[step.slot] = unsigned(view, at, step.length) * 1e3;
        return;
      case Encoding.ntp:
        values[step.slot] = ntpMicros(view.getUint32(at), view.getUint32(at + 4));
        return;
      case Encoding.uptime:
        values[step.slot] = uptimeMicros(view.getUint32(at), clock);
        return;
      case Encoding.before:
        values[step.slot] = clock.exportMicros - unsigned(view, at, step.length);
        return;
      case Encoding.float:
        values[step.slot] = step.length === 8 ? view.getFloat64(at) : view.getFloat32(at);
        return;
      case Encoding.address:
        for (let word = 0; 4 * word < step.length; word += 1) {
          values[step.slot + word] = view.getUint32(at + 4 * word);
        }
    }
  }
}

/** Whether an element of this encoding can have this length; others are skipped like unknown ones. */
function fits(encoding: Encoding, slot: number, length: number): boolean {
  switch (encoding) {
    case Encoding.ntp:
      return length === 8;
    case Encoding.uptime:
      return length === 4;
    case Encoding.float:
      return length === 8 || length === 4;
    case Encoding.address:
      return length === (slot === Slot.source4 || slot === Slot.destination4 ? 4 : 16);
    case Encoding.unsigned:
    case Encoding.seconds:
    case Encoding.millis:
    case Encoding.before:
    case Encoding.millisLong:
      // Exporters may shorten integers to what is needed (RFC 7011, 6.2).
      return length >= 1 && length <= 8;
  }
}

/** An integer in network order; above 2^53 the nearest that a double holds. */
function unsigned(view: DataView, at: number, length: number): number {
  switch (length) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at);
    case 4:
      return view.getUint32(at);
    case 8:
      return view.getUint32(at) * 4_294_967_296 + view.getUint32(at + 4);
    default: {
      let value = 0;
      for (let index = 0; index < length; index += 1) value = value * 256 + view.getUint8(at + index);
      return value;
    }
  }
}

/** Seconds from 1900 to 1970. */
const NTP_EPOCH = 2_208_988_800;

/** The format's 32-bit seconds run over in 2036; what would lie before 1968 is of the era after (RFC 4330, 3). */
function ntpMicros(seconds: number, fraction: number): number {
  const era = seconds < 0x8000_0000 ? 4_294_967_296 : 0;
  return (seconds + era - NTP_EPOCH) * 1e6 + Math.round((fraction * 1e6) / 4_294_967_296);
}

/** Uptimes run over every 50 days, so they are taken by their distance from now. */
function uptimeMicros(uptime: number, clock: ExportClock): number {
  if (Number.isNaN(clock.uptimeMillis)) return NaN;
  const agoMillis = (clock.uptimeMillis - uptime) | 0;
  return clock.exportMicros - agoMillis * 1e3;
}
