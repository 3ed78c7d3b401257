/** What nfpcapd makes of a capture and nfdump tells of it: a line each record, and ours as the same line. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Decoded, decode, formatAddress, readCapture } from '../../src/capture/index.js';
import { asNfpcapd, FlowMeter } from '../../src/traffic/flows/meter.js';
import type { FlowRecord } from '../../src/traffic/flows/record.js';

/** Start, end, protocol, source, its port, destination, its port, TCP flags, packets, bytes; sorted. */
export function nfpcapdRecords(file: string, active: number, idle: number): string[] {
  const output = mkdtempSync(path.join(tmpdir(), 'meshbeat-nfpcapd-'));
  try {
    // With one window of a day there is one file.
    const words = ['-r', file, '-w', output, '-e', `${active},${idle}`, '-t', '86400'];
    execFileSync('nfpcapd', words, { stdio: 'ignore' });
    const format = 'fmt:%ts,%te,%pr,%sa,%sp,%da,%dp,%flg,%pkt,%byt';
    const text = execFileSync('nfdump', ['-R', output, '-q', '-6', '-N', '-o', format], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 2 ** 28,
    });
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map(asLine)
      .sort();
  } finally {
    rmSync(output, { recursive: true });
  }
}

function asLine(row: string): string {
  const fields = row.split(',').map((field) => field.trim());
  const flags = [...'UAPRSF'].reduce(
    (bits, letter, at) => bits | (fields[7]!.includes(letter) ? 32 >> at : 0),
    0,
  );
  const [type, code] = fields[6]!.split('.');
  const port = code === undefined ? type : Number(type) * 256 + Number(code);
  return [...fields.slice(0, 6), port, flags, ...fields.slice(8)].join(',');
}

/** Our record as such a line. */
export function recordLine(record: FlowRecord): string {
  const time = (micros: number) =>
    new Date(Math.floor(micros / 1000)).toISOString().replace('T', ' ').slice(0, -1);
  return [
    time(record.startMicros),
    time(record.endMicros),
    record.protocol,
    formatAddress(record.source),
    record.sourcePort,
    formatAddress(record.destination),
    record.destinationPort,
    record.forward.tcpFlags & 0x3f,
    record.forward.packets,
    record.forward.octets,
  ].join(',');
}

/** What our meter makes of the capture with the same timeouts, as such lines; sorted. */
export async function recordsAsNfpcapd(file: string, active: number, idle: number): Promise<string[]> {
  const lines: string[] = [];
  const meter = new FlowMeter({
    ...asNfpcapd,
    activeTimeoutSeconds: active,
    idleTimeoutSeconds: idle,
    onRecord: (record) => lines.push(recordLine(record)),
  });
  const decoded = new Decoded();
  await readCapture(file, (packet) => {
    if (decode(packet, decoded) === 'ip') meter.packet(packet, decoded);
  });
  meter.finish();
  return lines.sort();
}
