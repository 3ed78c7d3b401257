/**
 * What nfdump prints of a flow, whatever the dialect: `-o csv` (nfdump-csv.ts), its table (nfdump-table.ts), and JSON
 * (nfdump-json.ts).
 *
 * nfdump prints local time without saying which; we read UTC, so run it as `TZ=UTC nfdump`. Its CSV (1.7.1) has whole
 * seconds and a duration in milliseconds, the other two have milliseconds: prefer JSON where starts matter. Bytes and
 * packets are already multiplied by the sampling rate there (nfdump does so when it collects), so records read here
 * say rate 1. What was paired to biflows by `-B` has its second direction in the out columns.
 */
import type { FlowRecord } from '../flows/record.js';
import { endReasonOf } from './template-record.js';
import { addressOf, parseCount, parseDate, parseFlags, parsePort, parseProtocol } from './text.js';

/** A flow as text, whatever the dialect; empty where it says nothing. */
export interface NfdumpFlow {
  readonly first: string;
  readonly last: string;
  /** Seconds. */
  readonly duration: string;
  readonly protocol: string;
  readonly source: string;
  readonly sourcePort: string;
  readonly destination: string;
  /** For ICMP `type.code`, or NetFlow's number. */
  readonly destinationPort: string;
  readonly flags: string;
  readonly packets: string;
  readonly octets: string;
  readonly backPackets: string;
  readonly backOctets: string;
}

/** The flow's record, or why there is none. */
export function nfdumpRecord(flow: NfdumpFlow): FlowRecord | string {
  const source = addressOf(flow.source.trim());
  const destination = addressOf(flow.destination.trim());
  if (source === undefined || destination === undefined)
    return "records whose addresses can't be read (nfdump shortens IPv6 in its tables: use -o csv or -6)";
  const startMicros = parseDate(flow.first);
  // Its CSV has ends in whole seconds, and a duration that is exact.
  const endMicros =
    flow.duration === '' ? parseDate(flow.last) : startMicros + Math.round(Number(flow.duration) * 1e6);
  const protocol = parseProtocol(flow.protocol);
  const isIcmp = protocol === 1 || protocol === 58;
  const destinationPort = portOf(flow.destinationPort);
  const count = (text: string) => (text === '' ? 0 : parseCount(text));
  const tcpFlags = protocol === 6 ? parseFlags(flow.flags.trim()) : 0;
  const sourcePort = flow.sourcePort === '' || isIcmp ? 0 : parsePort(flow.sourcePort);
  const forward = { packets: count(flow.packets), octets: count(flow.octets), tcpFlags };
  const backward = { packets: count(flow.backPackets), octets: count(flow.backOctets), tcpFlags: 0 };
  const sum = forward.packets + forward.octets + backward.packets + backward.octets;
  if (!(startMicros >= 0 && endMicros >= startMicros && Number.isSafeInteger(endMicros)))
    return 'records without a time';
  if (protocol === undefined || !(sourcePort + destinationPort + sum >= 0))
    return "records whose protocol, ports or counts can't be read";
  return {
    source,
    destination,
    sourcePort,
    destinationPort,
    protocol,
    startMicros,
    endMicros,
    forward,
    backward,
    endReason: endReasonOf(0, tcpFlags),
    samplingRate: 1,
  };
}

function portOf(text: string): number {
  if (text === '') return 0;
  const [type, code] = text.split('.');
  return parsePort(code === undefined ? text : String(Number(type) * 256 + Number(code)));
}
