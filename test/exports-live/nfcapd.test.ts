/** IPFIX and NetFlow v9, sent to a real nfcapd and read back by nfdump, are what was sent. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress } from '../../src/capture/index.js';
import { CollectorOutlet, exportFormatNamed, exportTraffic } from '../../src/traffic/exports/index.js';
import type { ExportSettings } from '../../src/traffic/exports/index.js';
import { ipfixSink } from '../../src/traffic/exports/ipfix.js';
import { netflow9Sink } from '../../src/traffic/exports/netflow9.js';
import { eachDirection } from '../../src/traffic/exports/uniflow.js';
import type { FlowRecord } from '../../src/traffic/flows/record.js';
import { MemoryOutlet, records, settings } from '../support/exports.js';
import { fixture } from '../support/fixtures.js';
import { describeWith } from '../support/requires.js';
import { collected } from './collector.js';
import type { CollectedFlow } from './collector.js';

const RATE = 20e6;
const options = { messageBytes: undefined, domain: 1, templateEvery: 20, microseconds: false };

/** A record as nfdump tells it, counts multiplied. */
function asCollected(record: FlowRecord, times = 1): CollectedFlow {
  return {
    start: Math.floor(record.startMicros / 1000),
    end: Math.floor(record.endMicros / 1000),
    source: formatAddress(record.source),
    destination: formatAddress(record.destination),
    sourcePort: record.sourcePort,
    destinationPort: record.destinationPort,
    protocol: record.protocol,
    packets: times * record.forward.packets,
    octets: times * record.forward.octets,
    packetsBack: times * record.backward.packets,
    octetsBack: times * record.backward.octets,
  };
}

const sorted = (flows: readonly CollectedFlow[]) => flows.map((flow) => JSON.stringify(flow)).sort();

async function send(list: readonly FlowRecord[], sink: typeof ipfixSink | typeof netflow9Sink, port: number) {
  const outlet = await CollectorOutlet.open({ host: '127.0.0.1', port, rate: RATE });
  try {
    const writer = sink({ settings: { ...settings, biflow: sink === ipfixSink }, outlet }, options);
    for (const record of list) writer.record(record);
    await writer.finish();
  } finally {
    await outlet.close();
  }
}

/** The records that a format gets of a capture. */
async function recordsOf(capture: string, more: Partial<ExportSettings>): Promise<FlowRecord[]> {
  const list: FlowRecord[] = [];
  const keep = {
    ...exportFormatNamed('jsonl'),
    eats: 'records',
    open: () => ({ record: (one: FlowRecord) => void list.push(one), finish: () => undefined }),
  } as const;
  await exportTraffic(fixture(`zeek/${capture}.pcap`), keep, {
    settings: { ...settings, ...more },
    outlet: new MemoryOutlet(),
  });
  return list;
}

describeWith(['nfcapd', 'nfdump'], 'nfcapd', () => {
  // nfdump shows ICMP's type and code in another way.
  const made = fc
    .sample(records, { numRuns: 3000, seed: 7 })
    .filter(({ protocol }) => ![1, 58].includes(protocol));

  test('reads thousands of IPFIX biflows as they were sent, and misses no message', async () => {
    const { flows, log } = await collected((port) => send(made, ipfixSink, port));
    // All is there, so no message was lost. nfcapd 1.7.1 says that some were, for messages with records of options;
    // RFC 7011 does, and tshark (test/traffic/exports/tshark.test.ts) agrees.
    expect(sorted(flows)).toEqual(sorted(made.map((record) => asCollected(record))));
    expect(log).toContain('Bad Packets: 0');
  });

  test('reads thousands of NetFlow v9 records as they were sent, and misses no message', async () => {
    const directions: FlowRecord[] = [];
    // A year of records would have the exporter start anew again and again; here it runs for three weeks.
    const near = made.map((record) => {
      const startMicros = 1_767_225_600_000_000 + (record.startMicros % 1_814_400_000_000);
      return { ...record, startMicros, endMicros: startMicros + record.endMicros - record.startMicros };
    });
    for (const record of near) eachDirection((one) => directions.push(one))(record);
    const { flows, log } = await collected((port) => send(near, netflow9Sink, port));
    expect(sorted(flows)).toEqual(sorted(directions.map((record) => asCollected(record))));
    expect(log).toContain('Sequence Errors: 0, Bad Packets: 0');
  });

  test.each(['ipfix', 'netflow9'])(
    'reads %s of captures; sampled, its counts are multiplied by the rate',
    async (format) => {
      const more = {
        biflow: format === 'ipfix',
        sampling: { rate: 2, method: 'systematic', seed: 1 },
      } as const;
      for (const capture of ['ftp-ipv6', 'http-get']) {
        const sent = await recordsOf(capture, more);
        // nfcapd 1.7.1 takes no notice of options that tell a rate, ours or softflowd's: its own option has to.
        const { flows } = await collected(
          async (port) => {
            const outlet = await CollectorOutlet.open({ host: '127.0.0.1', port, rate: RATE });
            const context = { settings: { ...settings, ...more }, outlet };
            await exportTraffic(fixture(`zeek/${capture}.pcap`), exportFormatNamed(format), context);
            await outlet.close();
          },
          ['-s', '2'],
        );
        expect(sorted(flows)).toEqual(sorted(sent.map((record) => asCollected(record, 2))));
        expect(sent.length).toBeGreaterThan(0);
      }
    },
  );
});

test('a collector that is not there is an error, not a silence', async () => {
  const list = fc.sample(records, { numRuns: 2000, seed: 8 });
  const discard = 9;
  await expect(send(list, ipfixSink, discard)).rejects.toThrow(
    'cannot send to 127.0.0.1:9: nobody listens there',
  );
});
