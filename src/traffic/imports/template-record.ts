/**
 * From the values that a template read to a flow record.
 *
 * Exporters differ in what they leave out. A record needs addresses and a time; everything else has an honest
 * default (no second direction, no flags, an end inferred from them).
 */
import type { Address } from '../../capture/index.js';
import { FlowEndReason } from '../flows/record.js';
import type { FlowCounts, FlowRecord } from '../flows/record.js';
import { REVERSE, Slot } from './elements.js';
import type { Template } from './template.js';

export const NO_ADDRESSES = 'records without IP addresses';
export const NO_TIME = 'records without a time (or one that counts from a start that is not told)';

const ICMP = 1;
const ICMP6 = 58;
const REVERSE_INITIATOR = 2;

/**
 * The record in the template's values, or why it makes none: {@link NO_ADDRESSES} or {@link NO_TIME}.
 *
 * @param samplingRate one of so many packets was observed.
 */
export function recordOf(template: Template, samplingRate: number): FlowRecord | string {
  const version = versionOf(template);
  if (version === undefined) return NO_ADDRESSES;
  const { values } = template;
  const start = startOf(template, 0);
  const end = endOf(template, 0, start);
  const backStart = startOf(template, REVERSE);
  // Comparisons with NaN are false: a direction without times changes nothing.
  const startMicros = backStart < start ? backStart : start;
  const backEnd = endOf(template, REVERSE, backStart);
  const endMicros = backEnd > end ? backEnd : end;
  if (!(startMicros >= 0 && Number.isSafeInteger(startMicros) && Number.isSafeInteger(endMicros))) {
    return NO_TIME;
  }
  // Exporters may give any integer eight bytes; what no port or protocol can be is cut to what can.
  const protocol = values[Slot.protocol]! & 0xff;
  const isIcmp = protocol === ICMP || protocol === ICMP6;
  const forward = countsOf(values, 0);
  const backward = countsOf(values, REVERSE);
  const source = addressOf(values, version, Slot.source4, Slot.source6);
  const destination = addressOf(values, version, Slot.destination4, Slot.destination6);
  const sourcePort = isIcmp ? 0 : values[Slot.sourcePort]! & 0xffff;
  const destinationPort = (isIcmp ? icmpOf(values) : values[Slot.destinationPort]!) & 0xffff;
  // Some exporters order a biflow by its addresses: then the one who alone sent something is the second.
  const isTurned =
    values[Slot.biflowDirection] === REVERSE_INITIATOR || (forward.packets === 0 && backward.packets > 0);
  return {
    source: isTurned ? destination : source,
    destination: isTurned ? source : destination,
    sourcePort: isTurned && !isIcmp ? destinationPort : sourcePort,
    destinationPort: isTurned && !isIcmp ? sourcePort : destinationPort,
    protocol,
    startMicros,
    endMicros: endMicros < startMicros ? startMicros : endMicros,
    forward: isTurned ? backward : forward,
    backward: isTurned ? forward : backward,
    endReason: endReasonOf(values[Slot.endReason]!, forward.tcpFlags | backward.tcpFlags),
    samplingRate,
  };
}

/** Templates of some exporters have both kinds of address, one of them all zero. */
function versionOf(template: Template): 4 | 6 | undefined {
  const { values } = template;
  const has4 = template.has(Slot.source4) && template.has(Slot.destination4);
  const has6 = template.has(Slot.source6) && template.has(Slot.destination6);
  if (has4 !== has6) return has4 ? 4 : 6;
  if (!has4) return undefined;
  if (template.has(Slot.ipVersion)) return values[Slot.ipVersion] === 6 ? 6 : 4;
  return values[Slot.source4] !== 0 || values[Slot.destination4] !== 0 ? 4 : 6;
}

function startOf(template: Template, direction: number): number {
  const { values } = template;
  if (template.has(Slot.start + direction)) return values[Slot.start + direction]!;
  if (!template.has(Slot.end + direction)) return NaN;
  return values[Slot.end + direction]! - values[Slot.duration + direction]!;
}

function endOf(template: Template, direction: number, start: number): number {
  const { values } = template;
  if (template.has(Slot.end + direction)) return values[Slot.end + direction]!;
  return start + values[Slot.duration + direction]!;
}

function countsOf(values: Float64Array, direction: number): FlowCounts {
  return {
    packets: values[Slot.packets + direction]!,
    octets: values[Slot.octets + direction]!,
    tcpFlags: values[Slot.tcpFlags + direction]! & 0xff,
  };
}

function addressOf(values: Float64Array, version: 4 | 6, slot4: number, slot6: number): Address {
  return version === 4
    ? { version, words: [values[slot4]!, 0, 0, 0] }
    : { version, words: [values[slot6]!, values[slot6 + 1]!, values[slot6 + 2]!, values[slot6 + 3]!] };
}

/** Type and code of ICMP, 256 × type + code: from an element of its own, or where NetFlow has them, in the port. */
function icmpOf(values: Float64Array): number {
  return (
    values[Slot.icmpTypeCode]! ||
    values[Slot.icmpType]! * 256 + values[Slot.icmpCode]! ||
    values[Slot.destinationPort]!
  );
}

const FIN_OR_RST = 5;

/** The reason as told, or what TCP's flags let one think. */
export function endReasonOf(told: number, tcpFlags: number): FlowEndReason {
  switch (told) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
      return told;
    default:
      return (tcpFlags & FIN_OR_RST) === 0 ? FlowEndReason.idle : FlowEndReason.end;
  }
}
