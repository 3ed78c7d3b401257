/**
 * NetFlow v5 (Cisco's "NetFlow Export Datagram Format"): no templates, IPv4 only, 48 bytes a record. Times count from
 * the exporter's start, which the header tells by its own two clocks; it tells the sampling interval, too.
 */
import type { Address } from '../../capture/index.js';
import type { FlowHandler } from '../flows/record.js';
import { endReasonOf } from './template-record.js';

export const V5_HEADER = 24;
export const V5_RECORD = 48;
const ICMP = 1;

/** Reads the message of `count` records at `at`; the caller saw to it that all of it is there. */
export function readNetflow5(view: DataView, at: number, count: number, onRecord: FlowHandler): void {
  const uptime = view.getUint32(at + 4);
  const nowMicros = view.getUint32(at + 8) * 1e6 + Math.floor(view.getUint32(at + 12) / 1000);
  // Two bits of sampling mode, fourteen of interval; 0 for none.
  const samplingRate = Math.max(1, view.getUint16(at + 22) & 0x3fff);
  const micros = (time: number) => nowMicros - ((uptime - time) | 0) * 1000;
  at += V5_HEADER;
  for (let index = 0; index < count; index += 1, at += V5_RECORD) {
    const protocol = view.getUint8(at + 38);
    const tcpFlags = view.getUint8(at + 37);
    const startMicros = Math.max(0, micros(view.getUint32(at + 24)));
    onRecord({
      source: ipv4(view.getUint32(at)),
      destination: ipv4(view.getUint32(at + 4)),
      sourcePort: protocol === ICMP ? 0 : view.getUint16(at + 32),
      destinationPort: view.getUint16(at + 34),
      protocol,
      startMicros,
      endMicros: Math.max(startMicros, micros(view.getUint32(at + 28))),
      forward: { packets: view.getUint32(at + 16), octets: view.getUint32(at + 20), tcpFlags },
      backward: { packets: 0, octets: 0, tcpFlags: 0 },
      endReason: endReasonOf(0, tcpFlags),
      samplingRate,
    });
  }
}

function ipv4(word: number): Address {
  return { version: 4, words: [word, 0, 0, 0] };
}
