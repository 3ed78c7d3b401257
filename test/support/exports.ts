/** What tests of exports share: an outlet that keeps what is written, made-up records, and datagrams as a capture. */
import fc from 'fast-check';
import type { FlowRecord } from '../../src/traffic/flows/record.js';
import { FlowEndReason } from '../../src/traffic/flows/record.js';
import type { ExportSettings, Outlet } from '../../src/traffic/exports/index.js';
import { unsampled } from '../../src/traffic/sampling/index.js';
import { pcapFile } from './captures.js';

/** Keeps each write. */
export class MemoryOutlet implements Outlet {
  readonly written: Buffer[] = [];

  constructor(readonly isCollector = true) {}

  write(bytes: Uint8Array): void {
    this.written.push(Buffer.from(bytes));
  }

  drain(): undefined {
    return undefined;
  }

  close(): void {
    // Nothing to close.
  }
}

export const settings: ExportSettings = {
  activeTimeoutSeconds: 60,
  idleTimeoutSeconds: 15,
  biflow: true,
  sampling: unsampled,
};

const word = fc.nat(0xffffffff);
const zero = fc.constant(0);
const addresses = fc.oneof(
  fc
    .record({ version: fc.constant(4 as const), words: fc.tuple(word, zero, zero, zero) })
    .map((address) => address),
  fc.record({ version: fc.constant(6 as const), words: fc.tuple(word, word, word, word) }),
);
const counts = (least: number) =>
  fc.record({
    packets: fc.integer({ min: least, max: 2 ** 40 }),
    octets: fc.nat(2 ** 50),
    tcpFlags: fc.nat(255),
  });
const nothing = fc.constant({ packets: 0, octets: 0, tcpFlags: 0 });

/** Records with times in whole milliseconds, which is what exports keep of them, of the year 2026. */
export const records: fc.Arbitrary<FlowRecord> = fc
  .record({
    ends: fc.tuple(addresses, addresses).filter(([a, b]) => a.version === b.version),
    ports: fc.tuple(fc.nat(65_535), fc.nat(65_535)),
    protocol: fc.constantFrom(1, 6, 17, 47, 58, 132),
    startMillis: fc.integer({ min: 1_767_225_600_000, max: 1_798_761_600_000 }),
    lengthMillis: fc.nat(300_000),
    forward: counts(1),
    backward: fc.oneof(nothing, counts(1)),
    endReason: fc.constantFrom(...Object.values(FlowEndReason)),
  })
  .map(({ ends, ports, startMillis, lengthMillis, ...rest }) => ({
    source: ends[0],
    destination: ends[1],
    sourcePort: [1, 58].includes(rest.protocol) ? 0 : ports[0],
    destinationPort: ports[1],
    startMicros: startMillis * 1000,
    endMicros: (startMillis + lengthMillis) * 1000,
    samplingRate: 1,
    ...rest,
  }));

/** A pcap file of raw IPv4 with one UDP datagram per message. */
export function datagramsAsPcap(messages: readonly Uint8Array[], port: number): Buffer {
  const rawIp = 101;
  const packets = messages.map((message, index) => {
    const header = Buffer.alloc(28);
    header.writeUInt16BE(0x4500, 0);
    header.writeUInt16BE(28 + message.length, 2);
    header.writeUInt16BE(index & 0xffff, 4);
    header[8] = 64;
    header[9] = 17;
    header.set([127, 0, 0, 1, 127, 0, 0, 1], 12);
    header.writeUInt16BE(50_000, 20);
    header.writeUInt16BE(port, 22);
    header.writeUInt16BE(8 + message.length, 24);
    return { seconds: 1_790_000_000, fraction: index, data: Buffer.concat([header, message]) };
  });
  return pcapFile('little', 0xa1b2c3d4, rawIp, packets);
}
