/**
 * Our side of bench/flows.ts, a process of its own: `capture FILE` goes from the file to biflows, bursts and heartbeat;
 * `export FILE` to flow records; `both FILE` does the two in one pass; `records COUNT` counts flow records into a report. Each
 * prints one line of JSON.
 */
import { decode, Decoded, readCapture } from '../src/capture/index.js';
import { analyzeCapture, FlowEndReason, FlowMeter, TrafficAnalyzer } from '../src/traffic/index.js';
import type { FlowRecord } from '../src/traffic/index.js';

const [mode = '', argument = ''] = process.argv.slice(2);

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
function records(count: number): object {
  const analyzer = new TrafficAnalyzer({ binSeconds: 1 });
  const made = Array.from({ length: 20_000 }, (_, index): FlowRecord => {
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
  const before = process.cpuUsage();
  for (let index = 0; index < count; index++) analyzer.record(made[index % made.length]!);
  analyzer.finish();
  const { user, system } = process.cpuUsage(before);
  return { records: count, perSecond: (count * 1e6) / (user + system) };
}

const result =
  mode === 'capture'
    ? await capture(argument)
    : mode === 'records'
      ? records(Number(argument))
      : await exported(argument, mode === 'both');
process.stdout.write(`${JSON.stringify(result)}\n`);
