/** What softflowd makes of a capture and sends to us, record by record beside what our own meter makes of it. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Decoded, decode, formatAddress, LinkType, readCapture } from '../../src/capture/index.js';
import { FlowMeter } from '../../src/traffic/flows/meter.js';
import { eachDirection } from '../../src/traffic/exports/uniflow.js';
import type { FlowRecord } from '../../src/traffic/flows/record.js';
import { readTraffic } from '../../src/traffic/source.js';
import { pcapFile } from '../support/captures.js';
import { conversations, ipOf } from '../support/conversations.js';
import { scratchFolder } from '../support/files.js';
import { describeWith } from '../support/requires.js';

const folder = scratchFolder();
const NEVER_SECONDS = 1_000_000;
const TIMEOUTS = ['general', 'tcp', 'tcp.fin', 'tcp.rst', 'udp', 'icmp', 'maxlife'];

/** Conversations as IP packets without a link: of an Ethernet frame softflowd counts the padding, too. */
function capture(seed: number): string {
  const records = conversations(seed, 150).map(({ micros, data }) => ({
    seconds: Math.floor(micros / 1e6),
    fraction: micros % 1e6,
    data: ipOf(data),
  }));
  const file = join(folder, `${seed}.pcap`);
  writeFileSync(file, pcapFile('little', 0xa1b2c3d4, LinkType.raw, records));
  return file;
}

/** Has softflowd send its records of the capture here, each flow whole, and reads them. */
async function softflowd(file: string, ...words: string[]): Promise<FlowRecord[]> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 2 ** 20 });
  const messages: Buffer[] = [];
  socket.on('message', (message) => messages.push(message));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  try {
    const place = `127.0.0.1:${socket.address().port}`;
    const timeouts = TIMEOUTS.flatMap((name) => ['-t', `${name}=${NEVER_SECONDS}`]);
    const options = ['-r', file, '-n', place, '-d', '-6', '-m', '100000', ...timeouts, ...words];
    const [status] = (await once(spawn('softflowd', options, { stdio: 'ignore' }), 'close')) as [number];
    expect(status).toBe(0);
    for (let before = -1; before < messages.length; await delay(200)) before = messages.length;
  } finally {
    socket.close();
  }
  const flows = `${file}.messages`;
  writeFileSync(flows, Buffer.concat(messages));
  const records: FlowRecord[] = [];
  await readTraffic(flows, {
    onPacket: () => expect.fail('a packet of a flow file'),
    onRecord: (record) => records.push(record),
  });
  return records;
}

/** Ours, cut as rarely. */
async function metered(file: string, onRecord: (record: FlowRecord) => void): Promise<void> {
  const timeouts = { activeTimeoutSeconds: NEVER_SECONDS, idleTimeoutSeconds: NEVER_SECONDS };
  const meter = new FlowMeter({ ...timeouts, tcpEnd: 'never', onRecord });
  const decoded = new Decoded();
  await readCapture(file, (packet) => {
    if (decode(packet, decoded) === 'ip') meter.packet(packet, decoded);
  });
  meter.finish();
}

/** A record as text, to the millisecond; whichever of the two comes first, for softflowd goes by the addresses. */
function line({ source, destination, forward, backward, ...record }: FlowRecord, withTimes: boolean): string {
  const end = (address: string, port: number, { packets, octets, tcpFlags }: FlowRecord['forward']) =>
    `${address} ${port}: ${packets} packets, ${octets} bytes, flags ${tcpFlags}`;
  const ends = [
    end(formatAddress(source), record.sourcePort, forward),
    end(formatAddress(destination), record.destinationPort, backward),
  ];
  const times = [record.startMicros, record.endMicros].map((micros) => Math.floor(micros / 1000));
  return [...(withTimes ? times : []), record.protocol, ...ends.sort()].join('; ');
}

/** A ping and its answer are two flows of softflowd, by their types, and one of ours. */
const isNoPing = ({ protocol }: FlowRecord) => protocol !== 1 && protocol !== 58;

/** All records but pings as such lines, sorted. */
const linesOf = (records: readonly FlowRecord[], withTimes: boolean): string[] =>
  records
    .filter(isNoPing)
    .map((record) => line(record, withTimes))
    .sort();

function totals(records: readonly FlowRecord[]): [packets: number, octets: number] {
  const sum = (key: 'packets' | 'octets') =>
    records.reduce((total, { forward, backward }) => total + forward[key] + backward[key], 0);
  return [sum('packets'), sum('octets')];
}

describeWith(['softflowd'], 'softflowd', () => {
  test.each([31, 32])('its IPFIX biflows are our records (%i)', async (seed) => {
    const file = capture(seed);
    const theirs = await softflowd(file, '-v', '10', '-A', 'milli', '-b');
    const ours: FlowRecord[] = [];
    await metered(file, (record) => ours.push(record));
    expect(ours.length).toBeGreaterThan(100);
    expect(totals(ours)).toEqual(totals(theirs));
    expect(linesOf(ours, true)).toEqual(linesOf(theirs, true));
  });

  test('its NetFlow v9 records are our directions, but for times', async () => {
    // With -a the times that softflowd 1.1.0 tells are all off by the same part of a second.
    const file = capture(33);
    const theirs = await softflowd(file, '-v', '9', '-a');
    const ours: FlowRecord[] = [];
    await metered(
      file,
      eachDirection((record) => ours.push(record)),
    );
    expect(totals(ours)).toEqual(totals(theirs));
    expect(linesOf(ours, false)).toEqual(linesOf(theirs, false));
  });
});
