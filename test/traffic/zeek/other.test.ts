/** What Zeek makes of UDP, ICMP and other protocols, of fragments and of tunnels. */
import { describe, expect, it } from 'vitest';
import { LinkType } from '../../../src/capture/index.js';
import { connLogRow } from '../../../src/traffic/zeek/index.js';
import { packetOf } from '../../support/frames.js';
import { at, ethernet, icmp, ip, ipv4, ipv6, tcp, udp, udpDatagram, Flag } from '../../support/ip-packets.js';
import { client, connectionOf, connectionsOf, server } from './support.js';

const there = { from: client, to: server };
const back = { from: server, to: client };

describe('UDP', () => {
  const ask = (seconds: number, toPort = 7000) =>
    at(seconds, udp(there, { fromPort: 6000, toPort, payload: 10 }));
  const answer = (seconds: number, fromPort = 7000) =>
    at(seconds, udp(back, { fromPort, toPort: 6000, payload: 20 }));

  it('is SF both ways, S0 one way', () => {
    expect(connectionOf([ask(0), answer(0.5)])).toMatchObject({
      state: 'SF',
      history: 'Dd',
      originatorBytes: 10,
      responderBytes: 20,
      durationMicros: 500_000,
      originatorIpBytes: 38,
    });
    expect(connectionOf([ask(0), ask(1)])).toMatchObject({ state: 'S0', history: 'D', originatorBytes: 20 });
  });

  it('of a server port first is an answer, but not a broadcast', () => {
    expect(connectionOf([answer(0, 53)])).toMatchObject({ state: 'SHR', history: '^d', responderPort: 53 });
    const broadcast = udp({ from: server, to: '255.255.255.255' }, { fromPort: 67, toPort: 68 });
    expect(connectionOf([at(0, broadcast)])).toMatchObject({ state: 'S0', originatorPort: 67 });
  });

  it('ends after a minute of silence, with a port of DNS after ten seconds', () => {
    const count = (toPort: number, silence: number) =>
      connectionsOf([ask(0, toPort), ask(silence, toPort)]).length;
    expect([count(7000, 59), count(7000, 61), count(53, 8), count(53, 11)]).toEqual([1, 2, 1, 2]);
  });

  it('counts a damaged datagram as a packet, and nothing of what is in it', () => {
    const bytes = Uint8Array.from(ask(0).captured);
    bytes[bytes.length - 1]! ^= 1;
    expect(connectionOf([at(0, bytes)])).toMatchObject({
      state: 'OTH',
      history: 'C',
      originatorPackets: 1,
      durationMicros: undefined,
    });
  });
});

describe('ICMP', () => {
  it('has types for ports, and pairs request and reply', () => {
    expect(connectionOf([at(0, icmp(there, 8, 0)), at(1, icmp(back, 0, 0))])).toMatchObject({
      proto: 'icmp',
      originatorPort: 8,
      responderPort: 0,
      state: 'OTH',
      history: undefined,
      originatorBytes: 8,
      responderBytes: 8,
      protocol: 1,
    });
  });

  it('has the code of a message that no one answers', () => {
    const records = connectionsOf([at(0, icmp(there, 3, 1)), at(1, icmp(back, 3, 1))]);
    expect(records).toHaveLength(2);
    expect(records[0]).toMatchObject({ originatorPort: 3, responderPort: 1 });
  });

  it('of IPv6 pairs neighbours', () => {
    const ends = { from: 'fe80::1', to: 'fe80::2' };
    const record = connectionOf([
      at(0, icmp(ends, 135, 0, 16)),
      at(1, icmp({ from: 'fe80::2', to: 'fe80::1' }, 136, 0, 16)),
    ]);
    expect(record).toMatchObject({
      originatorPort: 135,
      responderPort: 136,
      protocol: 58,
      responderPackets: 1,
    });
  });
});

it('a protocol that Zeek does not know is unknown_transport without ports', () => {
  const igmp = ip({ from: client, to: '224.0.0.22' }, 2, new Uint8Array(8));
  expect(connectionOf([at(0, igmp), at(1, igmp)])).toMatchObject({
    proto: 'unknown_transport',
    originatorPort: 0,
    responderPort: 0,
    protocol: 2,
    originatorBytes: 0,
    originatorPackets: 2,
    isResponderLocal: true,
  });
});

describe('fragments', () => {
  const datagram = udpDatagram(there, { fromPort: 6000, toPort: 7000, payload: 1000 });
  const part = (from: number, to: number, more: boolean) =>
    ipv4(there, 17, datagram.subarray(from, to), { id: 7, offset: from, more });

  it.each([
    ['in order', [part(0, 400, true), part(400, 800, true), part(800, 1008, false)]],
    ['from the last', [part(800, 1008, false), part(400, 800, true), part(0, 400, true)]],
    ['with an overlap', [part(0, 480, true), part(400, 800, true), part(720, 1008, false)]],
    ['twice', [part(0, 400, true), part(0, 400, true), part(400, 1008, false)]],
  ])('%s are one packet of the size before', (_, parts) => {
    const record = connectionOf(parts.map((bytes, index) => at(index, bytes)));
    expect(record).toMatchObject({ originatorPackets: 1, originatorIpBytes: 1028, history: 'D' });
  });

  it('of IPv6 are, too', () => {
    const ends = { from: '2001:db8::1', to: '2001:db8::2' };
    const whole = udpDatagram(ends, { fromPort: 6000, toPort: 7000, payload: 100 });
    const fragment = (from: number, to: number, more: boolean) => {
      const header = Buffer.from([17, 0, 0, 0, 0, 0, 0, 9]);
      header.writeUInt16BE(from | (more ? 1 : 0), 2);
      return at(from, ipv6(ends, 44, Buffer.concat([header, whole.subarray(from, to)])));
    };
    const record = connectionOf([fragment(0, 64, true), fragment(64, 108, false)]);
    expect(record).toMatchObject({ originatorPackets: 1, originatorIpBytes: 148, responderPort: 7000 });
  });

  it('that never get whole are nothing', () => {
    expect(connectionsOf([at(0, part(0, 400, true))])).toEqual([]);
  });
});

describe('what is thrown away', () => {
  const good = udp(there, { fromPort: 6000, toPort: 7000, payload: 10 });

  it('a wrong checksum of IP, unless checksums are ignored', () => {
    const bytes = Uint8Array.from(good);
    bytes[8]! ^= 1;
    expect(connectionsOf([at(0, bytes)])).toEqual([]);
    expect(connectionsOf([at(0, bytes)], { ignoreChecksums: true })).toHaveLength(1);
  });

  it('a packet shorter on the wire than it says', () => {
    expect(connectionsOf([at(0, good.subarray(0, good.length - 1))])).toEqual([]);
    const cut = packetOf(good.subarray(0, good.length - 1), 0, good.length, LinkType.raw);
    expect(connectionOf([cut])).toMatchObject({ originatorIpBytes: 38 });
  });
});

describe('tunnels', () => {
  const outer = { from: '192.0.2.1', to: '192.0.2.2' };
  const inner = tcp(there, { flags: Flag.syn, sequence: 1 });
  const vxlan = Buffer.from('0800000000000100', 'hex');
  const geneve = Buffer.from('0000655800000100', 'hex');
  const gtp = (packet: Buffer) =>
    Buffer.concat([Buffer.from([0x30, 255, 0, packet.length, 0, 0, 0, 1]), packet]);
  const through = (toPort: number, payload: Buffer) => udp(outer, { fromPort: 6000, toPort, payload });

  it.each([
    ['vxlan', through(4789, Buffer.concat([vxlan, ethernet(inner)]))],
    ['geneve', through(6081, Buffer.concat([geneve, ethernet(inner)]))],
    ['gtpv1', through(2152, gtp(inner))],
  ])('%s is a connection, and the parent of what is in it', (service, packet) => {
    const records = connectionsOf([at(0, packet)]);
    const tunnel = records.find(({ originator }) => originator === outer.from)!;
    const inside = records.find(({ originator }) => originator === client)!;
    expect(tunnel).toMatchObject({ service, proto: 'udp', tunnelParents: [] });
    expect(inside).toMatchObject({ proto: 'tcp', tunnelParents: [tunnel.uid] });
  });

  it.each([
    ['IP in IP', ip(outer, 4, inner)],
    ['IPv6 in IP', ip(outer, 41, tcp({ from: '2001:db8::1', to: '2001:db8::2' }, { flags: 2, sequence: 1 }))],
    ['GRE', ip(outer, 47, Buffer.concat([Buffer.from('00000800', 'hex'), inner]))],
    ['GRE with Ethernet', ip(outer, 47, Buffer.concat([Buffer.from('00006558', 'hex'), ethernet(inner)]))],
    [
      'ERSPAN',
      ip(
        outer,
        47,
        Buffer.concat([Buffer.from('100088be0000000100000000', 'hex'), Buffer.alloc(4), ethernet(inner)]),
      ),
    ],
  ])('%s is no connection but has a name', (_, packet) => {
    const record = connectionOf([at(0, packet)]);
    expect(record.proto).toBe('tcp');
    expect(record.tunnelParents).toHaveLength(1);
  });

  it('of three levels are looked into twice', () => {
    const wrap = (packet: Buffer) => ip(outer, 4, packet);
    expect(connectionsOf([at(0, wrap(wrap(inner)))])).toHaveLength(1);
    expect(connectionsOf([at(0, wrap(wrap(wrap(inner))))])).toHaveLength(0);
  });

  it('of VXLAN too deep are marked', () => {
    const deep = ip(outer, 4, ip(outer, 4, through(4789, Buffer.concat([vxlan, ethernet(inner)]))));
    expect(connectionOf([at(0, deep)])).toMatchObject({ history: 'DX', service: undefined });
  });

  it('that break their protocol are not looked into again', () => {
    const broken = through(4789, Buffer.alloc(60));
    const good = through(4789, Buffer.concat([vxlan, ethernet(inner)]));
    expect(connectionsOf([at(0, broken), at(1, good)])).toHaveLength(1);
  });
});

describe('a row', () => {
  const record = connectionOf([at(1.5, udp(there, { fromPort: 6000, toPort: 7000, payload: 10 }))]);

  it('is text with tabs', () => {
    const fields = connLogRow(record, { json: false, mac: false }).trimEnd().split('\t');
    expect(fields.slice(2)).toEqual([
      client,
      '6000',
      server,
      '7000',
      'udp',
      '-',
      '-',
      '-',
      '-',
      'S0',
      'T',
      'F',
      '0',
      'D',
      '1',
      '38',
      '0',
      '0',
      '-',
      '17',
    ]);
    expect(fields[0]).toBe('1.500000');
    expect(fields[1]).toMatch(/^C[0-9A-Za-z]{10,17}$/);
  });

  it('is JSON without what is unset', () => {
    const document = JSON.parse(connLogRow(record, { json: true, mac: false })) as object;
    expect(document).toMatchObject({
      ts: 1.5,
      'id.orig_h': client,
      conn_state: 'S0',
      local_orig: true,
      ip_proto: 17,
    });
    expect(Object.keys(document)).not.toContain('duration');
  });
});
