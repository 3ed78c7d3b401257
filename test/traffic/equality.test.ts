import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { analyzeCapture } from '../../src/traffic/index.js';
import { conversations, ipFrame, pcapOf, udpBody } from '../support/conversations.js';
import type { Frame } from '../support/conversations.js';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { describeWith } from '../support/requires.js';

const folder = scratchFolder();

/** A datagram in three fragments, whole and out of order. */
function fragments(): Frame[] {
  const body = udpBody(7000, 7001, 2972);
  return [0, 1480, 2960, 1480, 0, 2960].map((offset, index) => {
    const fragment = (offset < 2960 ? 0x2000 : 0) | (offset / 8);
    const data = ipFrame({
      source: '10.9.0.1',
      destination: '10.9.0.2',
      protocol: 17,
      identification: index < 3 ? 5 : 6,
      fragment,
      body: body.subarray(offset, offset + 1480),
    });
    return { micros: 1_700_000_000_000_000 + index * 1000, data };
  });
}

function written(name: string, frames: readonly Frame[]): string {
  const file = join(folder, `${name}.pcap`);
  writeFileSync(file, pcapOf(frames));
  return file;
}

const run = (program: string, ...words: string[]): string =>
  execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 28 });

describeWith(['tshark', 'capinfos'], 'the same counts as Wireshark has', () => {
  const captures = {
    'generated 1': () => written('one', conversations(21, 300)),
    'generated 2': () => written('two', conversations(22, 300)),
    fragments: () => written('fragments', fragments()),
    'http-get': () => fixture('zeek/http-get.pcap'),
    'mixed-vlan-mpls': () => fixture('zeek/mixed-vlan-mpls.pcap'),
    'ftp-ipv6': () => fixture('zeek/ftp-ipv6.pcap'),
    'q-in-q': () => fixture('zeek/q-in-q.pcap'),
  };

  test.each(Object.entries(captures))('%s', async (name, make) => {
    const file = make();
    const report = await analyzeCapture(file);
    const [, packets, bytes] = run('capinfos', '-M', '-T', '-r', '-c', '-d', file)
      .trim()
      .split('\t')
      .map(Number);
    expect([report.packets, report.bytes]).toEqual([packets, bytes]);

    for (const protocol of ['tcp', 'udp']) {
      // Wireshark shows the fragments' datagrams whole, we each fragment.
      if (name === 'fragments') break;
      const ours = report.flows
        .filter((flow) => flow.protocol === protocol)
        .map(({ source, destination, forward, backward }) =>
          conversation(
            `${source.address}:${source.port}`,
            `${destination.address}:${destination.port}`,
            forward,
            backward,
          ),
        );
      expect(ours.sort()).toEqual(tsharkConversations(file, protocol));
    }

    const pairs = new Map<string, { ends: [string, string]; counts: [number, number, number, number] }>();
    for (const { source, destination, forward, backward } of report.flows) {
      const ends: [string, string] = [source.address, destination.address].sort() as [string, string];
      const [up, down] = ends[0] === source.address ? [forward, backward] : [backward, forward];
      const pair = pairs.get(ends.join(' ')) ?? { ends, counts: [0, 0, 0, 0] };
      [up.packets, up.bytes, down.packets, down.bytes].forEach((count, at) => (pair.counts[at]! += count));
      pairs.set(ends.join(' '), pair);
    }
    const ours = [...pairs.values()].map(({ ends, counts }) =>
      conversation(
        ends[0],
        ends[1],
        { packets: counts[0], bytes: counts[1] },
        { packets: counts[2], bytes: counts[3] },
      ),
    );
    const theirs = [...tsharkConversations(file, 'ip'), ...tsharkConversations(file, 'ipv6')];
    expect(ours.sort()).toEqual(theirs.sort());
  });
});

interface Counts {
  readonly packets: number;
  readonly bytes: number;
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

/** What `tshark -z conv,KIND` says: ends, frames and bytes each way. */
function tsharkConversations(file: string, kind: string): string[] {
  const text = run('tshark', '-n', '-q', '-r', file, '-z', `conv,${kind}`);
  const line = /^(\S+)\s+<->\s+(\S+)\s+(\d+)\s+(\d+ \w+)\s+(\d+)\s+(\d+ \w+)/;
  return text
    .split('\n')
    .map((row) => line.exec(row))
    .filter((match) => match !== null)
    .map(([, one = '', other = '', backPackets, backBytes, packets, bytes]) =>
      one < other
        ? `${one} ${other} ${packets} ${bytes} ${backPackets} ${backBytes}`
        : `${other} ${one} ${backPackets} ${backBytes} ${packets} ${bytes}`,
    )
    .sort();
}
