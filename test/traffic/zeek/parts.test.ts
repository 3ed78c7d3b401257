/** The tracker's parts: timers, local networks, bounds; and that no packet can upset it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCapture } from '../../../src/capture/index.js';
import { InputError } from '../../../src/errors.js';
import { ConnectionTracker } from '../../../src/traffic/zeek/index.js';
import { isWithin, networkOf, privateNetworks } from '../../../src/traffic/zeek/local.js';
import { Timers } from '../../../src/traffic/zeek/timers.js';
import { fixture } from '../../support/fixtures.js';
import { packetOf } from '../../support/frames.js';
import { at, Flag, tcp, udp } from '../../support/ip-packets.js';
import { connectionsOf } from './support.js';

describe('timers', () => {
  it('run in order of time, those of one time as they were set, and none that was cancelled', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ time: fc.nat(50), isCancelled: fc.boolean() }), { maxLength: 3000 }),
        (wanted) => {
          const timers = new Timers<number>();
          const set = wanted.map(({ time }, index) => timers.add(time, 'idle', index));
          wanted.forEach(({ isCancelled }, index) => {
            if (isCancelled) timers.cancel(set[index]!);
          });
          const got: (number | undefined)[] = [];
          for (let timer = timers.take(40); timer !== undefined; timer = timers.take(40))
            got.push(timer.owner);
          const due = wanted
            .map((item, index) => ({ ...item, index }))
            .filter(({ time, isCancelled }) => time <= 40 && !isCancelled);
          expect(got).toEqual(due.sort((a, b) => a.time - b.time).map(({ index }) => index));
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('local networks', () => {
  const isPrivate = (address: string) => isWithin(privateNetworks, networkOf('', address).words);

  it.each([
    '10.9.8.7',
    '172.31.255.255',
    '100.64.0.1',
    '224.0.0.251',
    '255.255.255.255',
    '::',
    'fe80::1',
    'fd00::1',
  ])('%s is', (address) => expect(isPrivate(address)).toBe(true));
  it.each(['2002:a00:1::1', '2002:c0a8:101::'])('%s, 6to4 of one that is, is', (address) =>
    expect(isPrivate(address)).toBe(true),
  );
  it.each(['11.0.0.1', '172.32.0.0', '224.0.1.1', 'ff02::fb', '2002:b00::', '2001:470::1'])(
    '%s is not',
    (address) => expect(isPrivate(address)).toBe(false),
  );
  it.each(['10.0.0.0/33', '300.1.1.1', 'x', '::1/129', '1.2.3.4/8/8', '1.2.3.4/', ''])(
    '"%s" is no network',
    (text) => expect(() => networkOf('--local', text)).toThrow(InputError),
  );
});

it('a full table tells the oldest early', () => {
  const packets = Array.from({ length: 10 }, (_, index) =>
    at(index / 10, udp({ from: `9.0.0.${index}`, to: '8.8.8.8' }, { fromPort: 1, toPort: 2 })),
  );
  const records = connectionsOf(packets, { maxConnections: 3 });
  expect(records.map(({ originator }) => originator)).toEqual(packets.map((_, index) => `9.0.0.${index}`));
  const tracker = new ConnectionTracker(() => undefined, { maxConnections: 3 });
  for (const packet of packets) tracker.packet(packet);
  expect(tracker.open).toBe(3);
});

it('time that goes back does not upset it', () => {
  const ends = { from: '9.0.0.1', to: '8.8.8.8' };
  const records = connectionsOf([
    at(100, tcp(ends, { flags: Flag.syn, sequence: 1 })),
    at(50, tcp(ends, { flags: Flag.ack, sequence: 2 })),
  ]);
  expect(records).toMatchObject([{ durationMicros: undefined, originatorPackets: 2 }]);
});

it('takes every packet once or not at all, however damaged', async () => {
  const frames: Uint8Array[] = [];
  for (const name of ['tunnels-vxlan-encapsulated-http', 'mixed-vlan-mpls', 'ftp-ipv6', 'dhcp-dhcp']) {
    await readCapture(fixture(`zeek/${name}.pcap`), (packet) =>
      frames.push(Uint8Array.from(packet.captured)),
    );
  }
  const linkTypes = [0, 1, 9, 50, 101, 105, 108, 113, 127, 228, 229, 239, 276];
  const change = fc.record({ place: fc.nat(120), byte: fc.nat(255) });
  const damaged = fc.record({
    frame: fc.nat(frames.length - 1),
    changes: fc.array(change, { maxLength: 4 }),
    cut: fc.nat(2000),
    linkType: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, fc.constantFrom(...linkTypes)),
    seconds: fc.nat(4000),
  });
  fc.assert(
    fc.property(fc.array(damaged, { maxLength: 60 }), fc.boolean(), (packets, ignoreChecksums) => {
      const records = connectionsOf(
        packets.map(({ frame, changes, cut, linkType, seconds }) => {
          const bytes = Uint8Array.from(frames[frame]!);
          for (const { place, byte } of changes) bytes[place % bytes.length] = byte;
          return packetOf(
            bytes.subarray(0, Math.max(1, bytes.length - cut)),
            seconds,
            bytes.length,
            linkType,
          );
        }),
        { ignoreChecksums, mac: true },
      );
      const counted = records.reduce(
        (sum, record) => sum + record.originatorPackets + record.responderPackets,
        0,
      );
      // A tunnelled packet counts for its tunnel and for what is in it.
      expect(counted).toBeLessThanOrEqual(packets.length * 3);
      expect(new Set(records.map(({ uid }) => uid)).size).toBe(records.length);
    }),
    { numRuns: 150 },
  );
});
