/**
 * What an analysis says: plain data, ready for JSON. Bytes are frame bytes as on the wire unless a name
 * says payload; times are seconds since the capture's first packet; absent measurements are null.
 */
import type { Evicted } from './flow-table.js';
import type { HeartbeatReport } from './heartbeat.js';

export interface HostReport {
  readonly address: string;
  /** From the capture's name records. */
  readonly name: string | null;
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  /** Mean egress rate in equal slices of the capture's whole time, bit/s: a sparkline. */
  readonly egressRates: readonly number[];
}

export interface DirectionReport {
  readonly packets: number;
  readonly bytes: number;
  readonly maxPacketBytes: number;
  /** Transport payload; bytes of a TCP stream are counted once. */
  readonly payloadBytes: number;
  /** TCP payload that was captured again. */
  readonly retransmittedBytes: number;
  /** TCP payload that by the sequence numbers was sent and is not in the capture. */
  readonly missingBytes: number;
}

export interface FlowReport {
  readonly protocol: string;
  readonly source: { readonly address: string; readonly name: string | null; readonly port: number };
  readonly destination: { readonly address: string; readonly name: string | null; readonly port: number };
  readonly firstSeconds: number;
  readonly lastSeconds: number;
  /** SYN to SYN-ACK: round trip from the capture point to the destination. */
  readonly synAckSeconds: number | null;
  /** SYN to the ACK that ends the handshake: round trip between the two hosts. */
  readonly handshakeSeconds: number | null;
  readonly forward: DirectionReport;
  readonly backward: DirectionReport;
}

export interface TrafficReport {
  /** Packets given, and their frame bytes. */
  readonly packets: number;
  readonly bytes: number;
  /** Packets that are not IP, and packets that could not be decoded: cut off or contradicting themselves. */
  readonly otherPackets: number;
  readonly undecodedPackets: number;
  /** Nanoseconds since 1970-01-01 UTC of the first packet, as a decimal string; null without packets. */
  readonly originNs: string | null;
  /** From the earliest packet to the latest. */
  readonly durationSeconds: number;
  /** Width of the bins in which rates were kept; grows when a capture is too long for the memory allowed. */
  readonly binSeconds: number;
  /** Those with the most bytes first. */
  readonly hosts: readonly HostReport[];
  readonly flows: readonly FlowReport[];
  /** Flows and hosts that were dropped from full tables; their packets are in the totals above only. */
  readonly evictedFlows: Evicted;
  readonly evictedHosts: number;
  readonly heartbeat: HeartbeatReport;
}
