/** Zeek's own conn.log of twelve captures, row by row and field by field. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decode, Decoded, readCapture } from '../../../src/capture/index.js';
import type { Packet } from '../../../src/capture/index.js';
import {
  connColumnNames,
  ConnectionTracker,
  connLogHeader,
  connLogRow,
  networkOf,
} from '../../../src/traffic/zeek/index.js';
import type { TrackerOptions } from '../../../src/traffic/zeek/index.js';
import { fixture } from '../../support/fixtures.js';

interface Example {
  readonly name: string;
  readonly options?: TrackerOptions;
  /** Which packets Zeek's test lets Zeek see, where it is not all. */
  readonly filter?: () => (packet: Packet) => boolean;
}

const examples: readonly Example[] = [
  { name: 'dhcp-dhcp' },
  { name: 'ftp-ipv4' },
  { name: 'ftp-ipv6' },
  { name: 'http-get' },
  { name: 'mixed-vlan-mpls', options: { ignoreChecksums: true } },
  { name: 'pop3-pop3' },
  { name: 'q-in-q' },
  { name: 'smtp', filter: droppingConnected },
  { name: 'tcp-miss_end_data' },
  {
    name: 'tcp-missing-syn',
    options: { ignoreChecksums: true, mac: true, local: [networkOf('', '125.190.109.199/32')] },
  },
  { name: 'tunnels-vxlan-encapsulated-http' },
  { name: 'wikipedia', options: { ignoreChecksums: true }, filter: changingFilter },
];

/** Zeek masks it, draws it at random, or needs the payload for it. */
const unknowable = new Set(['ts', 'uid', 'service', 'tunnel_parents']);

describe.each(examples)("Zeek's conn.log of $name", ({ name, options = {}, filter }) => {
  it('is reproduced', async () => {
    const wanted = rowsOf(readFileSync(fixture(`zeek/${name}.conn.log`), 'utf8'));
    const got = rowsOf(await logOf(name, options, filter?.()));
    expect(got.fields).toEqual(wanted.fields);
    expect(got.types).toEqual(wanted.types);
    expect(got.rows.map(known(got.fields))).toEqual(wanted.rows.map(known(wanted.fields)));
    expect(parentsByPlace(got)).toEqual(parentsByPlace(wanted));
  });
});

it('finds the VXLAN tunnel by its header', async () => {
  const { fields, rows } = rowsOf(await logOf('tunnels-vxlan-encapsulated-http', {}));
  expect(rows.map((row) => row[fields.indexOf('service')])).toEqual(['vxlan', '-']);
});

it('has the columns in the order of its list', () => {
  expect(rowsOf(connLogHeader({ json: false, mac: false }, 0)).fields).toEqual(connColumnNames);
});

async function logOf(
  name: string,
  options: TrackerOptions,
  filter = (_packet: Packet) => true,
): Promise<string> {
  const format = { json: false, mac: options.mac ?? false };
  let log = connLogHeader(format, 0);
  const tracker = new ConnectionTracker((record) => (log += connLogRow(record, format)), options);
  await readCapture(fixture(`zeek/${name}.pcap`), (packet) => {
    if (filter(packet)) tracker.packet(packet);
  });
  tracker.finish();
  return log;
}

interface Log {
  readonly fields: readonly string[];
  readonly types: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

function rowsOf(log: string): Log {
  const lines = log.split('\n').filter((line) => line !== '');
  const header = (name: string) =>
    lines
      .find((line) => line.startsWith(`#${name}\t`))!
      .split('\t')
      .slice(1);
  const rows = lines.filter((line) => !line.startsWith('#')).map((line) => line.split('\t'));
  return { fields: header('fields'), types: header('types'), rows };
}

const known = (fields: readonly string[]) => (row: readonly string[]) =>
  Object.fromEntries(fields.flatMap((name, index) => (unknowable.has(name) ? [] : [[name, row[index]]])));

/** Which row is the tunnel of which: names differ, places do not. */
function parentsByPlace({ fields, rows }: Log): (number | undefined)[] {
  const uids = rows.map((row) => row[fields.indexOf('uid')]);
  return rows.map((row) => {
    const parent = row[fields.indexOf('tunnel_parents')];
    return parent === '-' ? undefined : uids.indexOf(parent);
  });
}

/** Zeek's test of NetControl: once a connection is established, all of its caller's packets are dropped. */
function droppingConnected(): (packet: Packet) => boolean {
  const ip = new Decoded();
  const dropped = new Set<number>();
  return (packet) => {
    if (decode(packet, ip) !== 'ip') return true;
    if (dropped.has(ip.source0) || dropped.has(ip.destination0)) return false;
    const isAnswer = ip.hasTcp && (ip.tcpFlags & 18) === 18;
    if (isAnswer) dropped.add(ip.destination0);
    return true;
  };
}

/** Zeek's test of dynamic filters: all, from the second packet on only port 80, from the third only port 53. */
function changingFilter(): (packet: Packet) => boolean {
  const ip = new Decoded();
  let seen = 0;
  return (packet) => {
    if (decode(packet, ip) !== 'ip') return true;
    const port = [undefined, 80, 53][Math.min(seen, 2)];
    const isIn = port === undefined || ip.sourcePort === port || ip.destinationPort === port;
    if (isIn) seen += 1;
    return isIn;
  };
}
