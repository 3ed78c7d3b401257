/**
 * A flow record: what an exporter says of one conversation, or of a part of it that a timeout cut off.
 *
 * Think of it as the currency of the house. The flow meter (meter.ts) makes records of packets; files of IPFIX,
 * NetFlow, Zeek and nfdump are read into them; every export is written from them; and whoever has no packets can be
 * told only what they hold. So they hold what exporters agree on: a record has two directions (a biflow, RFC 5103),
 * and one that was seen one way only has an empty second direction.
 *
 * Counts are those observed. Where packets were sampled, `samplingRate` says of how many one was looked at, and who
 * wants an estimate multiplies.
 */
import type { Address } from '../../capture/index.js';

/** Why a record ended, as IPFIX numbers it (flowEndReason, information element 136). */
export const FlowEndReason = {
  /** No packet for the idle timeout. */
  idle: 1,
  /** The conversation goes on, but its record was as old as the active timeout. */
  active: 2,
  /** Its protocol said so: FIN both ways and their acknowledgements, or RST. */
  end: 3,
  /** The meter was told to finish. */
  forced: 4,
  /** It had to make way in a full table. */
  resources: 5,
} as const;
export type FlowEndReason = (typeof FlowEndReason)[keyof typeof FlowEndReason];

/** What went one way. */
export interface FlowCounts {
  packets: number;
  /** Bytes of IP packets, headers and all: what octetDeltaCount and nfdump's bytes are. */
  octets: number;
  /** All TCP flags that were seen, or'ed; 0 for other protocols. */
  tcpFlags: number;
}

export interface FlowRecord {
  /** Who sent the first packet, or the SYN. */
  readonly source: Address;
  readonly destination: Address;
  /** Of TCP, UDP, SCTP and DCCP; 0 else, but for ICMP: there the destination's is 256 × type + code, as in NetFlow. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Number of the IP header. */
  readonly protocol: number;
  /** First and last packet of either direction, microseconds since 1970-01-01 UTC: whole numbers, exact in a double. */
  readonly startMicros: number;
  readonly endMicros: number;
  readonly forward: Readonly<FlowCounts>;
  readonly backward: Readonly<FlowCounts>;
  readonly endReason: FlowEndReason;
  /** One of so many packets was observed; 1 for all. */
  readonly samplingRate: number;
}

/** Called for each record. */
export type FlowHandler = (record: FlowRecord) => void;
