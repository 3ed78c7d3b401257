/**
 * The elements that records are made of, in IPFIX and in NetFlow v9: a number, a length, and how a flow record fills it.
 *
 * A template is a list of elements, and the writer of a record walks the same list. So what a template announces and what
 * follows it can't disagree. Numbers are those of IANA's registry of IPFIX information elements, whose first 127 are
 * NetFlow v9's.
 */
import type { Address } from '../../../capture/index.js';
import type { FlowRecord } from '../../flows/record.js';

/** The enterprise number under which RFC 5103 has the elements of a biflow's second direction. */
export const REVERSE = 29305;

/** What an element is filled from: the record, and what is known of it outside. */
export interface Filling {
  record: FlowRecord;
  /** Number of the sampler that chose its packets. */
  sampler: number;
  /** NetFlow v9's clock: its zero, in milliseconds since 1970. */
  bootMillis: number;
}

/** An element of records made of a `T`. */
export interface Element<T> {
  readonly id: number;
  /** IANA's name. */
  readonly name: string;
  readonly length: number;
  /** Of those that aren't IANA's own. */
  readonly enterprise?: number;
  readonly put: (view: DataView, at: number, from: T) => void;
}

type RecordElement = Element<Filling>;

/** Writes a whole number of up to 53 bits in 8 bytes. */
export function putUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 4, value >>> 0);
}

function putAddress(view: DataView, at: number, { version, words }: Address): void {
  view.setUint32(at, words[0]);
  if (version === 4) return;
  view.setUint32(at + 4, words[1]);
  view.setUint32(at + 8, words[2]);
  view.setUint32(at + 12, words[3]);
}

const address = (id: number, name: string, length: 4 | 16, end: 'source' | 'destination'): RecordElement => ({
  id,
  name,
  length,
  put:
    end === 'source'
      ? (view, at, { record }) => putAddress(view, at, record.source)
      : (view, at, { record }) => putAddress(view, at, record.destination),
});

const sourceAddress = {
  4: address(8, 'sourceIPv4Address', 4, 'source'),
  6: address(27, 'sourceIPv6Address', 16, 'source'),
};
const destinationAddress = {
  4: address(12, 'destinationIPv4Address', 4, 'destination'),
  6: address(28, 'destinationIPv6Address', 16, 'destination'),
};

const ports: readonly RecordElement[] = [
  {
    id: 7,
    name: 'sourceTransportPort',
    length: 2,
    put: (view, at, { record }) => view.setUint16(at, record.sourcePort),
  },
  {
    id: 11,
    name: 'destinationTransportPort',
    length: 2,
    put: (view, at, { record }) => view.setUint16(at, record.destinationPort),
  },
  {
    id: 4,
    name: 'protocolIdentifier',
    length: 1,
    put: (view, at, { record }) => view.setUint8(at, record.protocol),
  },
];

const tcpFlags: RecordElement = {
  id: 6,
  name: 'tcpControlBits',
  length: 1,
  put: (view, at, { record }) => view.setUint8(at, record.forward.tcpFlags),
};

const counts: readonly RecordElement[] = [
  {
    id: 2,
    name: 'packetDeltaCount',
    length: 8,
    put: (view, at, { record }) => putUint64(view, at, record.forward.packets),
  },
  {
    id: 1,
    name: 'octetDeltaCount',
    length: 8,
    put: (view, at, { record }) => putUint64(view, at, record.forward.octets),
  },
];

const endReason: RecordElement = {
  id: 136,
  name: 'flowEndReason',
  length: 1,
  put: (view, at, { record }) => view.setUint8(at, record.endReason),
};

const reversed: readonly RecordElement[] = [
  {
    id: 6,
    name: 'reverseTcpControlBits',
    length: 1,
    enterprise: REVERSE,
    put: (view, at, { record }) => view.setUint8(at, record.backward.tcpFlags),
  },
  {
    id: 2,
    name: 'reversePacketDeltaCount',
    length: 8,
    enterprise: REVERSE,
    put: (view, at, { record }) => putUint64(view, at, record.backward.packets),
  },
  {
    id: 1,
    name: 'reverseOctetDeltaCount',
    length: 8,
    enterprise: REVERSE,
    put: (view, at, { record }) => putUint64(view, at, record.backward.octets),
  },
];

/** The record's source is who began: biflowDirection `initiator`. */
const INITIATOR = 1;
const biflowDirection: RecordElement = {
  id: 239,
  name: 'biflowDirection',
  length: 1,
  put: (view, at) => view.setUint8(at, INITIATOR),
};

/** Both with milliseconds since 1970. */
const millis: readonly RecordElement[] = [
  {
    id: 152,
    name: 'flowStartMilliseconds',
    length: 8,
    put: (view, at, { record }) => putUint64(view, at, Math.floor(record.startMicros / 1000)),
  },
  {
    id: 153,
    name: 'flowEndMilliseconds',
    length: 8,
    put: (view, at, { record }) => putUint64(view, at, Math.floor(record.endMicros / 1000)),
  },
];

/** Seconds from 1900, where NTP counts from, to 1970. */
const NTP_EPOCH = 2_208_988_800;

/**
 * dateTimeMicroseconds of RFC 7011, 6.1.9: NTP's 32.32 bits, of which the last eleven should be 0, being finer than a
 * microsecond. Rounded up, so that a reader that rounds down gets the same microsecond.
 */
function putNtp(view: DataView, at: number, micros: number): void {
  const seconds = Math.floor(micros / 1e6);
  const fraction = Math.ceil(((micros - seconds * 1e6) * 0x1_0000_0000) / 1e6 / 2048) * 2048;
  view.setUint32(at, seconds + NTP_EPOCH);
  view.setUint32(at + 4, fraction);
}

const micros: readonly RecordElement[] = [
  {
    id: 154,
    name: 'flowStartMicroseconds',
    length: 8,
    put: (view, at, { record }) => putNtp(view, at, record.startMicros),
  },
  {
    id: 155,
    name: 'flowEndMicroseconds',
    length: 8,
    put: (view, at, { record }) => putNtp(view, at, record.endMicros),
  },
];

/** NetFlow v9's times are milliseconds of the exporter's uptime. */
const switched: readonly RecordElement[] = [
  {
    id: 22,
    name: 'flowStartSysUpTime',
    length: 4,
    put: (view, at, { record, bootMillis }) =>
      view.setUint32(at, Math.floor(record.startMicros / 1000) - bootMillis),
  },
  {
    id: 21,
    name: 'flowEndSysUpTime',
    length: 4,
    put: (view, at, { record, bootMillis }) =>
      view.setUint32(at, Math.floor(record.endMicros / 1000) - bootMillis),
  },
];

const selectorId: RecordElement = {
  id: 302,
  name: 'selectorId',
  length: 2,
  put: (view, at, { sampler }) => view.setUint16(at, sampler),
};
const flowSampler: RecordElement = {
  id: 48,
  name: 'samplerId',
  length: 1,
  put: (view, at, { sampler }) => view.setUint8(at, sampler),
};

/** The elements of an IPFIX record. */
export function ipfixElements(
  version: 4 | 6,
  isBiflow: boolean,
  precision: 'ms' | 'us',
): readonly RecordElement[] {
  return [
    sourceAddress[version],
    destinationAddress[version],
    ...ports,
    tcpFlags,
    ...counts,
    ...(precision === 'us' ? micros : millis),
    endReason,
    selectorId,
    ...(isBiflow ? [...reversed, biflowDirection] : []),
  ];
}

/** The elements of a NetFlow v9 record. */
export function netflow9Elements(version: 4 | 6): readonly RecordElement[] {
  return [
    sourceAddress[version],
    destinationAddress[version],
    ...ports,
    tcpFlags,
    ...counts,
    ...switched,
    flowSampler,
  ];
}
