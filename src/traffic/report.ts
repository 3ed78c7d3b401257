/**
 * What an analysis says: plain data, ready for JSON. Bytes are frame bytes as on the wire unless a name
 * says payload (of flow records they are those of IP packets); times are seconds since the capture's first packet; absent measurements are null.
 */
import { Protocol, TcpFlag } from '../capture/index.js';
import type { Evicted, FlowTable } from './flow-table.js';
import type { HeartbeatReport } from './heartbeat.js';
import type { Host } from './hosts.js';
import type { SeriesPool } from './series.js';

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
  /** All TCP flags that were seen, or'ed; 0 for other protocols. */
  readonly tcpFlags: number;
}

/**
 * How far a TCP connection came, by the flags seen: `attempt` (a SYN without answer), `refused` (answered by RST),
 * `midstream` (its SYN is not in the capture), `established`, `closing` (a FIN from one side), `closed` (from both),
 * `reset`.
 */
export type TcpState = 'attempt' | 'refused' | 'midstream' | 'established' | 'closing' | 'closed' | 'reset';

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
  /** Null for other protocols. */
  readonly tcpState: TcpState | null;
  readonly forward: DirectionReport;
  readonly backward: DirectionReport;
}

export interface TrafficReport {
  /** Packets, and their frame bytes; estimates where not all packets were observed. */
  readonly packets: number;
  readonly bytes: number;
  /** Flow records given; 0 when packets were. */
  readonly records: number;
  /** Packets that were observed themselves or by whoever made the records. */
  readonly observedPackets: number;
  /** One of so many packets was observed; the highest of what records say. 1 for all. */
  readonly samplingRate: number;
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

/** What is said of hosts; their rates are those of equal slices of the time from the first packet to the last. */
export function hostReports(
  hosts: readonly Host[],
  names: ReadonlyMap<string, string>,
  pool: SeriesPool,
  time: { readonly firstSeconds: number; readonly lastSeconds: number; readonly slices: number },
): HostReport[] {
  const first = Math.floor(time.firstSeconds / pool.binSeconds);
  const last = Math.floor(time.lastSeconds / pool.binSeconds);
  const factor = Math.max(1, Math.ceil((last - first + 1) / time.slices));
  const binSeconds = factor * pool.binSeconds;
  const sums = new Float64Array(Math.ceil((last - first + 1) / factor));
  return hosts.map((host) => {
    pool.addTo(sums.fill(0), host.egress, first, factor);
    // There may be thousands of hosts, and this is three times as fast as Array.from, ten times as spreading.
    const egressRates = new Array<number>(sums.length);
    for (let slice = 0; slice < sums.length; slice++) egressRates[slice] = (8 * sums[slice]!) / binSeconds;
    return {
      address: host.address,
      name: names.get(host.address) ?? null,
      sentPackets: host.sentPackets,
      sentBytes: host.sentBytes,
      receivedPackets: host.receivedPackets,
      receivedBytes: host.receivedBytes,
      egressRates,
    };
  });
}

/** What is said of the flow in a row of the table. */
export function flowReport(
  flows: FlowTable,
  row: number,
  source: string,
  destination: string,
  names: ReadonlyMap<string, string>,
): FlowReport {
  const protocol = flows.protocol(row);
  const { first, last, synAck, handshake } = flows.times(row);
  const forward = flows.direction(row, true);
  const backward = flows.direction(row, false);
  return {
    protocol: protocolNames.get(protocol) ?? String(protocol),
    source: { address: source, name: names.get(source) ?? null, port: flows.sourcePort(row) },
    destination: {
      address: destination,
      name: names.get(destination) ?? null,
      port: flows.destinationPort(row),
    },
    firstSeconds: first,
    lastSeconds: last,
    synAckSeconds: orNull(synAck),
    handshakeSeconds: orNull(handshake),
    tcpState: protocol === Protocol.tcp ? tcpState(forward.tcpFlags, backward.tcpFlags) : null,
    forward,
    backward,
  };
}

function tcpState(forward: number, backward: number): TcpState {
  const hasSyn = (forward & TcpFlag.syn) !== 0;
  const isAnswered = (backward & TcpFlag.syn) !== 0;
  if (((forward | backward) & TcpFlag.rst) !== 0)
    return hasSyn && !isAnswered && (backward & TcpFlag.rst) !== 0 ? 'refused' : 'reset';
  const fins = (forward & TcpFlag.fin) + (backward & TcpFlag.fin);
  if (fins > 0) return fins === 2 ? 'closed' : 'closing';
  if (!hasSyn && !isAnswered) return 'midstream';
  return isAnswered ? 'established' : 'attempt';
}

/** To the nanosecond: finer digits are noise of the subtraction. */
function orNull(seconds: number): number | null {
  return Number.isNaN(seconds) ? null : Math.round(seconds * 1e9) / 1e9;
}

const protocolNames = new Map<number, string>(
  Object.entries(Protocol).map(([name, number]) => [number, name]),
);
