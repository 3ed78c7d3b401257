/**
 * Tells what a file is by its first bytes, never by its name: captures by their magic numbers, flow messages by their
 * version, text by its first line.
 */
import { Block } from '../../capture/pcapng-format.js';
import { pcapMagics } from '../../capture/pcap-parser.js';
import { InputError } from '../../errors.js';

export const trafficKinds = [
  'capture',
  'flow-messages',
  'zeek-tsv',
  'zeek-json',
  'nfdump-csv',
  'nfdump-json',
  'nfdump-table',
  'meshbeat-csv',
] as const;
export type TrafficKind = (typeof trafficKinds)[number];

const allowed =
  "a pcap or pcapng capture, IPFIX or NetFlow v9 or v5 messages, Zeek's conn.log (TSV or JSON), what nfdump prints " +
  'with -o csv or -o json, or a table that meshbeat export wrote as csv (all of them compressed with gzip or zstd, too)';

const NFCAPD_MAGIC = 0x0ca5;

/** First words of the header of our own CSV. */
export const OWN_CSV = 'start,end,';

/**
 * @param head the first bytes of the file, unpacked: a few hundred, or all there are.
 * @throws InputError when it is nothing that can be read; for nfcapd's own files it says how to turn them into text.
 */
export function detect(head: Uint8Array): TrafficKind {
  if (head.length === 0) throw new InputError(`byte 0: found an empty file; allowed: ${allowed}`);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (isCapture(head)) return 'capture';
  if (head.length >= 4) {
    const version = view.getUint16(0);
    if (version === 5 || version === 9 || version === 10) return 'flow-messages';
    if (version === NFCAPD_MAGIC || view.getUint16(0, true) === NFCAPD_MAGIC) {
      throw new InputError(
        "byte 0: found a file of nfcapd, whose format is nfdump's own; allowed: what nfdump makes of it: " +
          'TZ=UTC nfdump -r FILE -o json > FILE.json (or -o csv)',
      );
    }
  }
  return detectText(head);
}

/** Whether these are the first bytes, at least four, of a capture. */
export function isCapture(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  const magic = new DataView(head.buffer, head.byteOffset, 4).getUint32(0);
  return magic === Block.sectionHeader || pcapMagics.has(magic);
}

function detectText(head: Uint8Array): TrafficKind {
  const text = Buffer.from(head).toString('latin1');
  const start = text.trimStart();
  if (start.startsWith('#') && /^#(separator|fields|path)\b/m.test(start)) return 'zeek-tsv';
  if (start.startsWith('Date first seen')) return 'nfdump-table';
  if (start.startsWith(OWN_CSV)) return 'meshbeat-csv';
  if (start.startsWith('ts,te,td,') || start.startsWith('firstSeen,')) return 'nfdump-csv';
  if (start.startsWith('{') || start.startsWith('[')) {
    if (start.includes('"id.orig_h"')) return 'zeek-json';
    if (/"(t_)?first"\s*:/.test(start)) return 'nfdump-json';
  }
  const found = /^[\t\r\n -~]{4}/.test(text)
    ? `the text "${text.slice(0, 24).replace(/[^ -~]+/g, ' ')}"`
    : `the bytes 0x${Buffer.from(head.subarray(0, 4)).toString('hex')}`;
  throw new InputError(`byte 0: found ${found}; allowed: ${allowed}`);
}
