/**
 * Our side of bench/flows.ts, a process of its own: `capture FILE` goes from the file to biflows, bursts and heartbeat;
 * `export FILE` to flow records; `both FILE` does the two in one pass; `records COUNT` counts flow records into a report,
 * `ipfix COUNT` reads them from messages of IPFIX first. Each prints one line of JSON.
 */
import { decode, Decoded, readCapture } from '../src/capture/index.js';
import { analyzeCapture, FlowEndReason, FlowMeter, TrafficAnalyzer } from '../src/traffic/index.js';
import type { FlowRecord } from '../src/traffic/index.js';
import type { Outlet } from '../src/traffic/exports/index.js';

const [mode = '', argument = ''] = process.argv.slice(2);
/** As files are read. */
const CHUNK_BYTES = 512 * 1024;

async function capture(file: string): Promise<object> {
  const { packets, flows, heartbeat } = await analyzeCapture(file);
  return { packets, flows: flows.length, periodSeconds: heartbeat.heartbeat?.periodSeconds ?? null };
}

async function exported(file: string, isBoth: boolean): Promise<object> {
  let records = 0;
  const meter = new FlowMeter({ onRecord: () => (records += 1) });
  const analyzer = new TrafficAnalyzer();
  const decoded = new Decoded();
  const { packets } = await readCapture(file, (packet) => {
    const outcome = decode(packet, decoded);
    if (isBoth) analyzer.decoded(packet, outcome, decoded);
    if (outcome === 'ip') meter.packet(packet, decoded);
  });
  meter.finish();
  if (isBoth) analyzer.finish();
  return { packets, records };
}

/** Records of 20,000 conversations between 1000 hosts, from a tenth of a second to a minute long. */
function someRecords(): readonly FlowRecord[] {
  return Array.from({ length: 20_000 }, (_, index): FlowRecord => {
    const seconds = index % 10 === 0 ? 60 : (index % 7) + 0.1;
    return {
      source: { version: 4, words: [0x0a000000 + (index % 1000), 0, 0, 0] },
      destination: { version: 4, words: [0xc0a80000 + ((index * 7) % 997), 0, 0, 0] },
      sourcePort: 1024 + index,
      destinationPort: 443,
      protocol: index % 3 === 0 ? 17 : 6,
      startMicros: 1_700_000_000_000_000 + index * 5000,
      endMicros: 1_700_000_000_000_000 + index * 5000 + seconds * 1e6,
      forward: { packets: 10, octets: 9000, tcpFlags: 27 },
      backward: { packets: 6, octets: 400, tcpFlags: 27 },
      endReason: FlowEndReason.idle,
      samplingRate: 1,
    };
  });
}

function records(count: number): object {
  const made = someRecords();
  return timed(count, (analyzer) => {
    for (let index = 0; index < count; index++) analyzer.record(made[index % made.length]!);
  });
}

/** The same records, as a file of IPFIX holds them. */
async function ipfix(count: number): Promise<object> {
  // What the other modes don't need is not loaded there.
  const { ipfixSink } = await import('../src/traffic/exports/ipfix.js');
  const { MessageImport } = await import('../src/traffic/imports/index.js');
  const { unsampled } = await import('../src/traffic/sampling/index.js');
  const made = someRecords();
  const chunks: Uint8Array[] = [];
  const outlet: Outlet = {
    isCollector: false,
    write: (bytes) => void chunks.push(bytes.slice()),
    drain: () => undefined,
    close: () => undefined,
  };
  const settings = { activeTimeoutSeconds: 60, idleTimeoutSeconds: 15, sampling: unsampled, biflow: true };
  const options = { messageBytes: undefined, domain: 1, templateEvery: 20, microseconds: false };
  const writer = ipfixSink({ settings, outlet }, options);
  for (const record of made) writer.record(record);
  void writer.finish();
  const file = Buffer.concat(chunks);
  return timed(count, (analyzer) => {
    const reader = new MessageImport((record) => {
      analyzer.record(record);
    });
    for (let done = 0; done < count; done += made.length)
      for (let at = 0; at < file.length; at += CHUNK_BYTES) reader.push(file.subarray(at, at + CHUNK_BYTES));
  });
}

function timed(count: number, feed: (analyzer: TrafficAnalyzer) => void): object {
  const analyzer = new TrafficAnalyzer({ binSeconds: 1 });
  const before = process.cpuUsage();
  feed(analyzer);
  const { records: taken } = analyzer.finish();
  const { user, system } = process.cpuUsage(before);
  if (taken !== count) throw new Error(`found ${taken} records; allowed: ${count}`);
  return { records: count, perSecond: (count * 1e6) / (user + system) };
}

const modes: Readonly<Record<string, () => object | Promise<object>>> = {
  capture: () => capture(argument),
  export: () => exported(argument, false),
  both: () => exported(argument, true),
  records: () => records(Number(argument)),
  ipfix: () => ipfix(Number(argument)),
};
const run = modes[mode];
if (run === undefined) throw new Error(`found mode "${mode}"; allowed: ${Object.keys(modes).join(', ')}`);
process.stdout.write(`${JSON.stringify(await run())}\n`);
