/** Which packets go into a cut of a capture: by time, host and port. */
import { addressFrom, decode, Decoded } from '../../../capture/index.js';
import type { Address, Packet } from '../../../capture/index.js';
import { InputError } from '../../../errors.js';
import { parseDate } from '../../imports/text.js';

/** An instant of time, or one that counts from the capture's first packet. */
export interface Instant {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly isRelative: boolean;
}

/** What is asked for; what is undefined or empty is not asked. */
export interface Selection {
  /** The first instant that counts, and the first that does not any more. */
  readonly from: Instant | undefined;
  readonly until: Instant | undefined;
  /** One of these is the source or the destination. */
  readonly hosts: readonly Address[];
  /** One of these is the source's or the destination's port. */
  readonly ports: readonly number[];
}

/** Tells which packets are selected; fed in order, for relative times count from the first it sees. */
export class Selector {
  readonly #selection: Selection;
  readonly #ports: ReadonlySet<number>;
  readonly #decoded = new Decoded();
  #first: { seconds: number; nanoseconds: number } | undefined;

  constructor(selection: Selection) {
    this.#selection = selection;
    this.#ports = new Set(selection.ports);
  }

  takes(packet: Packet): boolean {
    this.#first ??= { seconds: packet.seconds, nanoseconds: packet.nanoseconds };
    const { from, until, hosts } = this.#selection;
    if (from !== undefined && this.#since(packet, from) < 0) return false;
    if (until !== undefined && this.#since(packet, until) >= 0) return false;
    if (hosts.length === 0 && this.#ports.size === 0) return true;
    const decoded = this.#decoded;
    if (decode(packet, decoded) !== 'ip') return false;
    if (hosts.length > 0 && !hosts.some((host) => isEnd(decoded, host))) return false;
    return (
      this.#ports.size === 0 ||
      this.#ports.has(decoded.sourcePort) ||
      this.#ports.has(decoded.destinationPort)
    );
  }

  #since(packet: Packet, instant: Instant): number {
    if (!instant.isRelative) return packet.secondsSince(instant.seconds, instant.nanoseconds);
    const { seconds, nanoseconds } = this.#first!;
    return packet.secondsSince(seconds + instant.seconds, nanoseconds + instant.nanoseconds);
  }
}

function isEnd(decoded: Decoded, { version, words: [a, b, c, d] }: Address): boolean {
  if (decoded.version !== version) return false;
  const { source0, source1, source2, source3 } = decoded;
  if (source0 === a && source1 === b && source2 === c && source3 === d) return true;
  const { destination0, destination1, destination2, destination3 } = decoded;
  return destination0 === a && destination1 === b && destination2 === c && destination3 === d;
}

/**
 * `+12.5` (seconds after the first packet), `1300475167.1` (seconds since 1970) or `2011-03-18T19:06:07Z`.
 *
 * @throws InputError naming the option.
 */
export function parseInstant(option: string, text: string): Instant {
  const number = /^(\+?)(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text);
  if (number !== null) {
    const [, sign, seconds, fraction = ''] = number;
    return {
      seconds: Number(seconds),
      nanoseconds: Number(fraction.padEnd(9, '0')),
      isRelative: sign === '+',
    };
  }
  const micros = parseDate(text);
  if (micros >= 0) {
    const seconds = Math.floor(micros / 1e6);
    return { seconds, nanoseconds: (micros - seconds * 1e6) * 1000, isRelative: false };
  }
  throw new InputError(
    `${option}: found "${text}"; allowed: +SECONDS after the first packet, seconds since 1970, ` +
      'or a date and time like 2011-03-18T19:06:07Z',
  );
}

/** @throws InputError naming the option. */
export function parseHosts(option: string, text: string): Address[] {
  return text.split(',').map((word) => addressFrom(option, word.trim()));
}

/** @throws InputError naming the option. */
export function parsePorts(option: string, text: string): number[] {
  return text.split(',').map((word) => {
    const port = /^\d+$/.test(word.trim()) ? Number(word) : NaN;
    if (port <= 65_535) return port;
    throw new InputError(`${option}: found "${word.trim()}"; allowed: 0 to 65535, with commas between`);
  });
}
