/**
 * `node dist/bench/exports.js`: how many flow records per second are written as IPFIX and NetFlow v9, and how many packets
 * are sampled: on one core, in processor time, which a busy machine spoils least. Nothing is sent or stored: the encoders
 * alone are measured.
 */
import Table from 'cli-table3';
import { ipfixSink } from '../src/traffic/exports/ipfix.js';
import { netflow9Sink } from '../src/traffic/exports/netflow9.js';
import type { ExportSettings, Outlet } from '../src/traffic/exports/index.js';
import type { FlowRecord } from '../src/traffic/flows/record.js';
import { samplerOf, samplingMethods, unsampled } from '../src/traffic/sampling/index.js';

const RECORDS = 2_000_000;
const PACKETS = 20_000_000;
const REPEATS = 5;

class Nowhere implements Outlet {
  readonly isCollector = true;
  bytes = 0;
  write(bytes: Uint8Array): void {
    this.bytes += bytes.length;
  }
  drain(): undefined {
    return undefined;
  }
  close(): void {
    // Nothing was opened.
  }
}

/** Connections of a mesh and of others, every eighth over IPv6. */
const records: readonly FlowRecord[] = Array.from({ length: 4096 }, (_, index) => {
  const version = index % 8 === 0 ? 6 : 4;
  const words = (last: number): [number, number, number, number] =>
    version === 6 ? [0x20010db8, 0, 0, last] : [0x0a000000 + last, 0, 0, 0];
  const startMicros = 1_790_000_000_000_000 + index * 17_321;
  return {
    source: { version, words: words(index) },
    destination: { version, words: words(index * 7 + 1) },
    sourcePort: 32_768 + index,
    destinationPort: 443,
    protocol: 6,
    startMicros,
    endMicros: startMicros + 4_200_000,
    forward: { packets: 1000 + index, octets: 1_350_000 + index, tcpFlags: 27 },
    backward: { packets: 500, octets: 26_000, tcpFlags: 27 },
    endReason: 3,
    samplingRate: 1,
  };
});

/** Times per second of processor time: the best of a few repeats. */
function best(count: number, work: () => void): number {
  work();
  const seconds = Array.from({ length: REPEATS }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  });
  return count / Math.min(...seconds);
}

const common = { activeTimeoutSeconds: 60, idleTimeoutSeconds: 15, sampling: unsampled };
const options = { messageBytes: undefined, domain: 1, templateEvery: 20, microseconds: false };

function encode(sink: typeof ipfixSink | typeof netflow9Sink, biflow: boolean): number {
  const settings: ExportSettings = { ...common, biflow };
  const count = biflow ? RECORDS : RECORDS / 2;
  const written = best(count, () => {
    const writer = sink({ settings, outlet: new Nowhere() }, options);
    for (let index = 0; index < count; index += 1) writer.record(records[index & 4095]!);
    void writer.finish();
  });
  return biflow ? written : 2 * written;
}

const millions = (perSecond: number) => `${(perSecond / 1e6).toPrecision(3)} M/s`;
const table = new Table({ head: ['what', 'per second of processor time'] });
table.push(['IPFIX biflows', millions(encode(ipfixSink, true))]);
table.push(['IPFIX records of one direction', millions(encode(ipfixSink, false))]);
table.push(['NetFlow v9 records', millions(encode(netflow9Sink, false))]);
for (const method of samplingMethods) {
  const packets = best(PACKETS, () => {
    const sampler = samplerOf({ rate: 100, method, seed: 1 });
    for (let packet = 0; packet < PACKETS; packet += 1) sampler.take();
  });
  table.push([`packets sampled 1:100, ${method}`, millions(packets)]);
}
process.stdout.write(`${table.toString()}\n`);
