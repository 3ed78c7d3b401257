/** nfdump's tables for people: `-o line` (the default), `-o long`, `-o extended`. */
import type { LineFormat, LineOutcome } from './line-import.js';
import { nfdumpRecord } from './nfdump.js';

/** `2011-03-18 19:06:08.853     00:00:00.000 UDP  10.0.0.1:43927 ->  10.0.0.2:53  ........   0   1   66   1` */
const row =
  /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\s+(?:(\d+):(\d\d):)?(\d+\.\d{3})\s+(\S+)\s+(\S+)\s+<?->\s+(\S+)\s+([A-Z.]{6,8}|0x[0-9a-f]+)?\s*(.*)$/i;

export class NfdumpTableFormat implements LineFormat {
  #header = '';

  line(line: string): LineOutcome {
    if (line.startsWith('Date first seen')) this.#header = line;
    if (!/^\d{4}-/.test(line)) return undefined;
    const match = row.exec(line);
    if (match === null) return 'lines that are no flow';
    const [
      ,
      first = '',
      hours = '0',
      minutes = '0',
      seconds = '0',
      protocol = '',
      from = '',
      to = '',
      flags = '',
    ] = match;
    const rest = numbersOf(match[9] ?? '');
    if (this.#header.includes('Tos')) rest.shift();
    const [source, sourcePort] = endpoint(from);
    const [destination, destinationPort] = endpoint(to);
    const duration = String(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
    const [packets = '', octets = ''] = rest;
    const counts = { packets, octets, backPackets: '', backOctets: '' };
    const flow = {
      first,
      last: '',
      duration,
      protocol,
      flags,
      source,
      sourcePort,
      destination,
      destinationPort,
    };
    return nfdumpRecord({ ...flow, ...counts });
  }
}

/** Address and port: `10.0.0.1:80`, `2001:db8::1.80`, for ICMP `10.0.0.1:8.0`. */
function endpoint(text: string): [address: string, port: string] {
  const isIpv4 = /^[\d.]+:/.test(text);
  const at = isIpv4 ? text.indexOf(':') : text.lastIndexOf('.');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** The numbers of a table's row; large ones are printed as `1.2 M`, in units of 1000. */
function numbersOf(text: string): string[] {
  const factors: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 };
  return [...text.matchAll(/([\d.]+)(?: ([KMGT])(?= |$))?/g)].map(([, number = '', unit = '']) =>
    String(Math.round(Number(number) * (factors[unit] ?? 1))),
  );
}
