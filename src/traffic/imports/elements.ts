/**
 * The information elements that make a flow record, out of the hundreds there are.
 *
 * A template lists elements; each of those known here goes into a slot, one per thing that a record says. Several
 * elements may say the same thing with different precision (a start in seconds, in milliseconds, against the
 * exporter's uptime); where a template has more than one, the one with the highest rank is read. Elements that are not
 * here are skipped by their length.
 *
 * Numbers: IANA's "IP Flow Information Export (IPFIX) Entities"; NetFlow v9 (RFC 3954) has the same up to 127. The
 * reverse direction of a biflow has the same numbers under the enterprise number 29305 (RFC 5103).
 */

/** How the bytes of an element become a number. */
export const Encoding = {
  /** Unsigned integer of 1 to 8 bytes. */
  unsigned: 0,
  /** Seconds, milliseconds since 1970: become microseconds. */
  seconds: 1,
  millis: 2,
  /** NTP's 32.32 format since 1900 (RFC 7011, 6.1.9): becomes microseconds since 1970. */
  ntp: 3,
  /** Milliseconds of the exporter's uptime: become microseconds since 1970 once its start is known. */
  uptime: 4,
  /** Microseconds before the message was exported. */
  before: 5,
  /** Milliseconds, of a duration: become microseconds. */
  millisLong: 6,
  float: 7,
  /** 4 or 16 bytes into as many slots as words. */
  address: 8,
} as const;
export type Encoding = (typeof Encoding)[keyof typeof Encoding];

/** What a record says; each has a place in a template's array of numbers. */
export const Slot = {
  octets: 0,
  packets: 1,
  tcpFlags: 2,
  start: 3,
  end: 4,
  duration: 5,
  /** The same six of the reverse direction, REVERSE further on. */
  reverseOctets: 6,
  reversePackets: 7,
  reverseTcpFlags: 8,
  reverseStart: 9,
  reverseEnd: 10,
  reverseDuration: 11,
  protocol: 12,
  sourcePort: 13,
  destinationPort: 14,
  icmpTypeCode: 15,
  icmpType: 16,
  icmpCode: 17,
  endReason: 18,
  biflowDirection: 19,
  ipVersion: 20,
  /** Of sampling, in records or in options. */
  interval: 21,
  packetInterval: 22,
  packetSpace: 23,
  size: 24,
  population: 25,
  probability: 26,
  sampler: 27,
  /** When the exporter started, milliseconds since 1970. */
  systemInit: 28,
  source4: 29,
  destination4: 30,
  source6: 31,
  destination6: 35,
} as const;
export const SLOTS = 39;
/** From a slot of the forward direction to that of the reverse one. */
export const REVERSE = 6;

export interface Element {
  readonly slot: number;
  readonly encoding: Encoding;
  /** The higher is read where a template has several for one slot. */
  readonly rank: number;
}

type Row = readonly [id: number, slot: number, encoding: Encoding, rank?: number];

const counts: readonly Row[] = [
  [1, Slot.octets, Encoding.unsigned, 3],
  [85, Slot.octets, Encoding.unsigned, 2],
  [2, Slot.packets, Encoding.unsigned, 3],
  [86, Slot.packets, Encoding.unsigned, 2],
  [6, Slot.tcpFlags, Encoding.unsigned],
];

const times: readonly Row[] = [
  [22, Slot.start, Encoding.uptime, 1],
  [21, Slot.end, Encoding.uptime, 1],
  [150, Slot.start, Encoding.seconds, 2],
  [151, Slot.end, Encoding.seconds, 2],
  [152, Slot.start, Encoding.millis, 3],
  [153, Slot.end, Encoding.millis, 3],
  [154, Slot.start, Encoding.ntp, 5],
  [155, Slot.end, Encoding.ntp, 5],
  [156, Slot.start, Encoding.ntp, 6],
  [157, Slot.end, Encoding.ntp, 6],
  [158, Slot.start, Encoding.before, 4],
  [159, Slot.end, Encoding.before, 4],
  [161, Slot.duration, Encoding.millisLong, 1],
  [162, Slot.duration, Encoding.unsigned, 2],
];

const others: readonly Row[] = [
  // Cisco's own biflows: what the initiator and the responder sent.
  [231, Slot.octets, Encoding.unsigned, 1],
  [298, Slot.packets, Encoding.unsigned, 1],
  [232, Slot.reverseOctets, Encoding.unsigned, 1],
  [299, Slot.reversePackets, Encoding.unsigned, 1],
  [4, Slot.protocol, Encoding.unsigned],
  [7, Slot.sourcePort, Encoding.unsigned, 2],
  [180, Slot.sourcePort, Encoding.unsigned, 1],
  [182, Slot.sourcePort, Encoding.unsigned, 1],
  [11, Slot.destinationPort, Encoding.unsigned, 2],
  [181, Slot.destinationPort, Encoding.unsigned, 1],
  [183, Slot.destinationPort, Encoding.unsigned, 1],
  [32, Slot.icmpTypeCode, Encoding.unsigned],
  [139, Slot.icmpTypeCode, Encoding.unsigned],
  [176, Slot.icmpType, Encoding.unsigned],
  [178, Slot.icmpType, Encoding.unsigned],
  [177, Slot.icmpCode, Encoding.unsigned],
  [179, Slot.icmpCode, Encoding.unsigned],
  [136, Slot.endReason, Encoding.unsigned],
  [239, Slot.biflowDirection, Encoding.unsigned],
  [60, Slot.ipVersion, Encoding.unsigned],
  [34, Slot.interval, Encoding.unsigned, 1],
  [50, Slot.interval, Encoding.unsigned, 2],
  [305, Slot.packetInterval, Encoding.unsigned],
  [306, Slot.packetSpace, Encoding.unsigned],
  [309, Slot.size, Encoding.unsigned],
  [310, Slot.population, Encoding.unsigned],
  [311, Slot.probability, Encoding.float],
  [48, Slot.sampler, Encoding.unsigned, 1],
  [302, Slot.sampler, Encoding.unsigned, 2],
  [160, Slot.systemInit, Encoding.unsigned],
  [8, Slot.source4, Encoding.address],
  [12, Slot.destination4, Encoding.address],
  [27, Slot.source6, Encoding.address],
  [28, Slot.destination6, Encoding.address],
];

const REVERSE_ENTERPRISE = 29_305;

function table(rows: readonly Row[], shift = 0): ReadonlyMap<number, Element> {
  return new Map(
    rows.map(([id, slot, encoding, rank = 1]) => [id, { slot: slot + shift, encoding, rank }] as const),
  );
}

const forward = table([...counts, ...times, ...others]);
const reverse = table([...counts, ...times], REVERSE);

/** The element of this number, when a flow record has use for it; enterprise 0 is IANA's own. */
export function elementOf(enterprise: number, id: number): Element | undefined {
  if (enterprise === 0) return forward.get(id);
  return enterprise === REVERSE_ENTERPRISE ? reverse.get(id) : undefined;
}
