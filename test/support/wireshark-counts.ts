/**
 * What capinfos and tshark count in a capture, beside what our report has of it: packets and bytes in all, and frames and
 * bytes each way of every conversation.
 */
import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';
import type { FlowReport, TrafficReport } from '../../src/traffic/index.js';

const KINDS = ['tcp', 'udp', 'ip', 'ipv6'] as const;
type Kind = (typeof KINDS)[number];

/**
 * Fails unless all counts are the same.
 *
 * @param kinds of conversations that are compared. Of fragments tshark shows datagrams, whole, under tcp and udp.
 */
export function expectWiresharkCounts(
  file: string,
  report: Pick<TrafficReport, 'packets' | 'bytes' | 'flows'>,
  kinds: readonly Kind[] = KINDS,
): void {
  expect([report.packets, report.bytes], 'capinfos').toEqual(capinfosCounts(file));
  const theirs = tsharkConversations(file, kinds);
  for (const kind of kinds.filter((name) => name === 'tcp' || name === 'udp')) {
    expect(transportConversations(report.flows, kind), kind).toEqual(theirs.get(kind));
  }
  // One row for each two hosts, whatever they say to each other.
  const hosts = [...(theirs.get('ip') ?? []), ...(theirs.get('ipv6') ?? [])].sort();
  if (kinds.includes('ip')) expect(hostConversations(report.flows), 'hosts').toEqual(hosts);
}

/** Packets and their bytes on the wire. */
export function capinfosCounts(file: string): [packets: number, bytes: number] {
  const [, packets = '', bytes = ''] = run('capinfos', '-M', '-T', '-r', '-c', '-d', file).trim().split('\t');
  return [Number(packets), Number(bytes)];
}

const run = (program: string, ...words: string[]): string =>
  execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 28 });

interface Counts {
  readonly packets: number;
  readonly bytes: number;
}

function transportConversations(flows: readonly FlowReport[], protocol: 'tcp' | 'udp'): string[] {
  return flows
    .filter((flow) => flow.protocol === protocol)
    .map(({ source, destination, forward, backward }) =>
      conversation(
        `${source.address}:${source.port}`,
        `${destination.address}:${destination.port}`,
        forward,
        backward,
      ),
    )
    .sort();
}

function hostConversations(flows: readonly FlowReport[]): string[] {
  const pairs = new Map<string, { ends: [string, string]; counts: [number, number, number, number] }>();
  for (const { source, destination, forward, backward } of flows) {
    const ends: [string, string] = [source.address, destination.address].sort() as [string, string];
    const [up, down] = ends[0] === source.address ? [forward, backward] : [backward, forward];
    const pair = pairs.get(ends.join(' ')) ?? { ends, counts: [0, 0, 0, 0] };
    [up.packets, up.bytes, down.packets, down.bytes].forEach((count, at) => (pair.counts[at]! += count));
    pairs.set(ends.join(' '), pair);
  }
  return [...pairs.values()]
    .map(({ ends: [low, high], counts: [up, upBytes, down, downBytes] }) =>
      conversation(low, high, { packets: up, bytes: upBytes }, { packets: down, bytes: downBytes }),
    )
    .sort();
}

/** A conversation as text, the same whichever end comes first. */
function conversation(one: string, other: string, forward: Counts, backward: Counts): string {
  const [low, high, up, down] =
    one < other ? [one, other, forward, backward] : [other, one, backward, forward];
  return `${low} ${high} ${up.packets} ${size(up.bytes)} ${down.packets} ${size(down.bytes)}`;
}

/** Bytes as precisely as tshark tells them: from 10,000 on in thousands, from ten millions on in millions. */
const size = (bytes: number): string =>
  bytes < 10_000
    ? `${bytes} bytes`
    : bytes < 10_000_000
      ? `${Math.floor(bytes / 1000)} kB`
      : `${Math.floor(bytes / 1e6)} MB`;

const TITLES: Readonly<Record<Kind, string>> = {
  tcp: 'TCP Conversations',
  udp: 'UDP Conversations',
  ip: 'IPv4 Conversations',
  ipv6: 'IPv6 Conversations',
};

/** What `tshark -z conv,KIND` says of each kind: ends, frames and bytes each way. */
function tsharkConversations(file: string, kinds: readonly Kind[]): Map<Kind, string[]> {
  const text = run('tshark', '-n', '-q', '-r', file, ...kinds.flatMap((kind) => ['-z', `conv,${kind}`]));
  const line = /^(\S+)\s+<->\s+(\S+)\s+(\d+)\s+(\d+ \w+)\s+(\d+)\s+(\d+ \w+)/;
  const found = new Map<Kind, string[]>(kinds.map((kind) => [kind, []]));
  let kind: Kind | undefined;
  for (const row of text.split('\n')) {
    kind = kinds.find((name) => row.startsWith(TITLES[name])) ?? kind;
    const [, one = '', other = '', backPackets, backBytes, packets, bytes] = line.exec(row) ?? [];
    if (kind === undefined || one === '') continue;
    found
      .get(kind)!
      .push(
        one < other
          ? `${one} ${other} ${packets} ${bytes} ${backPackets} ${backBytes}`
          : `${other} ${one} ${backPackets} ${backBytes} ${packets} ${bytes}`,
      );
  }
  for (const rows of found.values()) rows.sort();
  return found;
}
