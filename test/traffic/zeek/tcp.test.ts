/** What Zeek makes of TCP: conn_state, history, sizes, gaps, and when a connection is over. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, Flag, tcp } from '../../support/ip-packets.js';
import { client, connectionOf, connectionsOf, conversation, segment, server } from './support.js';

describe('conn_state and history', () => {
  it.each([
    ['S', 'S0', 'S'],
    ['ShA', 'S1', 'ShA'],
    ['ShADadFfA', 'SF', 'ShADadFf'],
    ['ShADadfAFa', 'SF', 'ShADadfF'],
    ['ShAF', 'S2', 'ShAF'],
    ['ShAf', 'S3', 'ShAf'],
    ['Sr', 'REJ', 'Sr'],
    ['ShADR', 'RSTO', 'ShADR'],
    ['ShADr', 'RSTR', 'ShADr'],
    ['SR', 'RSTOS0', 'SR'],
    ['SF', 'SH', 'SF'],
    ['SADF', 'SH', 'SADF'],
    ['Dd', 'OTH', 'Dd'],
    ['A', 'OTH', 'A'],
    // A reset after both have closed is only tidying up.
    ['ShAFfR', 'SF', 'ShAFfR'],
    // Closed by FIN, then reset, and the other closes normally.
    ['ShAFRf', 'SF', 'ShAFRf'],
  ] as const)('of %s is %s, %s', (letters, state, history) => {
    const record = connectionOf(conversation(letters));
    expect([record.state, record.history]).toEqual([state, history]);
  });

  it.each([
    ['SHR', Flag.fin | Flag.ack, '^hf'],
    ['RSTRH', Flag.rst, '^hr'],
  ])('%s: a server answers and ends, and its caller is not seen', (state, flags, history) => {
    const ports = { fromPort: 80, toPort: 50_000, acknowledgement: 8 };
    const ends = { from: server, to: client };
    const record = connectionOf([
      at(0, tcp(ends, { ...ports, flags: Flag.syn | Flag.ack, sequence: 1 })),
      at(1, tcp(ends, { ...ports, flags, sequence: 2 })),
    ]);
    expect(record).toMatchObject({ state, history, responder: server, responderPackets: 2 });
  });

  it('i is a segment with FIN and RST, q one with SYN and one of them', () => {
    const record = connectionOf([
      segment(0, true, Flag.syn | Flag.fin),
      segment(1, true, Flag.fin | Flag.rst, { sequence: 1002 }),
    ]);
    expect(record.history).toBe('QI');
  });

  it('S, H, F and R come again only with another sequence number', () => {
    const same = [segment(0, true, Flag.syn), segment(1, true, Flag.syn), segment(2, true, Flag.syn)];
    expect(connectionOf(same)).toMatchObject({ history: 'S', originatorPackets: 3 });
    const resets = [segment(0, true, Flag.syn), segment(1, false, Flag.rst | Flag.ack, { sequence: 0 })];
    const another = segment(2, false, Flag.rst | Flag.ack, { sequence: 9 });
    expect(connectionOf([...resets, another]).history).toBe('Srr');
  });
});

describe('letters by decades', () => {
  const established = conversation('ShA');
  const retransmission = (index: number) =>
    segment(3 + index / 1000, true, Flag.ack, { sequence: 1001, acknowledgement: 5001, payload: 100 });

  it.each([
    [1, 'ShAD'],
    [2, 'ShADT'],
    [10, 'ShADT'],
    [11, 'ShADTT'],
    [101, 'ShADTTT'],
  ])('the same data sent %i times is %s', (times, history) => {
    const sent = Array.from({ length: times }, (_, index) => retransmission(index));
    expect(connectionOf([...established, ...sent]).history).toBe(history);
  });

  it('zero windows', () => {
    const shut = Array.from({ length: 10 }, (_, index) =>
      segment(3 + index, true, Flag.ack, { sequence: 1001, acknowledgement: 5001, window: 0 }),
    );
    expect(connectionOf([...established, ...shut]).history).toBe('ShAWW');
  });

  it('damaged segments are told, and else not counted', () => {
    const damaged = conversation('Dd', 3).map((packet, index) => {
      const bytes = Uint8Array.from(packet.captured);
      bytes[bytes.length - 1]! ^= 1;
      return at(3 + index, bytes);
    });
    const packets = [...established, ...damaged];
    expect(connectionOf(packets)).toMatchObject({
      history: 'ShACc',
      originatorPackets: 2,
      responderPackets: 1,
    });
    const believed = connectionOf(packets, { ignoreChecksums: true });
    expect(believed).toMatchObject({ history: 'ShADd', originatorPackets: 3, responderPackets: 2 });
  });
});

describe('who called', () => {
  const pair = (fromPort: number, toPort: number, flags: number) =>
    connectionOf([at(0, tcp({ from: client, to: server }, { fromPort, toPort, flags, sequence: 1 }))]);

  it.each([
    ['no SYN, from a server port', 80, 50_000, Flag.ack, true],
    ['no SYN, to a server port', 50_000, 80, Flag.ack, false],
    ['no SYN, both server ports, from the lower', 80, 443, Flag.ack, true],
    ['no SYN, both server ports, from the higher', 443, 80, Flag.ack, false],
    ['SYN-ACK, both server ports', 80, 443, Flag.syn | Flag.ack, false],
    ['SYN-ACK, from a server port', 80, 50_000, Flag.syn | Flag.ack, true],
    ['SYN, from a server port', 80, 50_000, Flag.syn, false],
  ])('%s', (_, fromPort, toPort, flags, isFlipped) => {
    const record = pair(fromPort, toPort, flags);
    expect(record.responder).toBe(isFlipped ? client : server);
    expect(record.history!.startsWith('^')).toBe(isFlipped);
  });

  it('a SYN after its SYN-ACK says so', () => {
    const record = connectionOf([
      segment(0, false, Flag.syn | Flag.ack, { sequence: 5000, acknowledgement: 1001 }),
      segment(0.1, true, Flag.syn),
      segment(0.2, true, Flag.ack, { sequence: 1001, acknowledgement: 5001 }),
    ]);
    expect(record).toMatchObject({ originator: client, state: 'S1', history: 'Hs^A' });
  });
});

describe('sizes', () => {
  it('come from sequence numbers, not from what was seen', () => {
    const record = connectionOf([
      ...conversation('ShA'),
      segment(3, true, Flag.ack, { sequence: 50_001, acknowledgement: 5001, payload: 10 }),
    ]);
    expect(record).toMatchObject({ originatorBytes: 49_010, originatorIpBytes: 40 + 40 + 50 });
  });

  it('count past 4 GiB', () => {
    const step = 2 ** 30;
    const data = Array.from({ length: 6 }, (_, index) =>
      segment(3 + index, true, Flag.ack, {
        sequence: 1001 + index * step,
        acknowledgement: 5001,
        payload: 1,
      }),
    );
    expect(connectionOf([...conversation('ShA'), ...data]).originatorBytes).toBe(5 * step + 1);
  });

  it('are missing when the connection took no time', () => {
    const record = connectionOf([segment(5, true, Flag.ack, { payload: 9 })]);
    expect(record).toMatchObject({
      durationMicros: undefined,
      originatorBytes: undefined,
      originatorPackets: 1,
    });
  });

  it('of a SYN that met a half-open connection are none', () => {
    const record = connectionOf([
      segment(0, true, Flag.syn),
      segment(1, false, Flag.ack, { sequence: 77, acknowledgement: 900_000 }),
      segment(2, true, Flag.rst, { sequence: 900_000 }),
    ]);
    expect(record.originatorBytes).toBe(0);
  });
});

describe('gaps', () => {
  it('are data that was acknowledged and never seen', () => {
    const record = connectionOf([
      ...conversation('ShAD'),
      segment(4, true, Flag.ack, { sequence: 1301, acknowledgement: 5001, payload: 100 }),
      segment(5, false, Flag.ack, { sequence: 5001, acknowledgement: 1401 }),
    ]);
    expect(record).toMatchObject({ missedBytes: 200, history: 'ShADaG', originatorBytes: 400 });
  });

  it('are none when the data only came late', () => {
    const record = connectionOf([
      ...conversation('ShA'),
      segment(3, true, Flag.ack, { sequence: 1101, acknowledgement: 5001, payload: 100 }),
      segment(4, true, Flag.ack, { sequence: 1001, acknowledgement: 5001, payload: 100 }),
      segment(5, false, Flag.ack, { sequence: 5001, acknowledgement: 1201 }),
    ]);
    expect(record).toMatchObject({ missedBytes: 0, history: 'ShADTa' });
  });

  it('count every byte that is acknowledged and in no segment, whatever the order', () => {
    const chunk = 50;
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(19), { maxLength: 20 }),
        fc.integer({ min: 1, max: 20 }),
        (chunks, acknowledged) => {
          const data = chunks.map((index, place) =>
            segment(3 + place, true, Flag.ack, {
              sequence: 1001 + index * chunk,
              acknowledgement: 5001,
              payload: chunk,
            }),
          );
          const answer = segment(60, false, Flag.ack, {
            sequence: 5001,
            acknowledgement: 1001 + acknowledged * chunk,
          });
          const { missedBytes } = connectionOf([...conversation('ShA'), ...data, answer]);
          const seen = chunks.filter((index) => index < acknowledged).length;
          expect(missedBytes).toBe((acknowledged - seen) * chunk);
        },
      ),
    );
  });
});

describe('the end', () => {
  const tick = (seconds: number) =>
    at(seconds, tcp({ from: '9.9.9.9', to: '8.8.8.8' }, { flags: Flag.syn, sequence: 1 }));
  const times = (letters: string, gap: number) => {
    const after = conversation('S', 100 + gap);
    const first = conversation(letters, 100);
    return connectionsOf([...first, tick(100 + gap - 0.001), ...after]).filter(
      ({ originator }) => originator === client,
    ).length;
  };

  it('is five seconds after both have closed: till then, a SYN of the same number is a late one', () => {
    expect(
      connectionsOf([...conversation('ShAFf'), segment(8, true, Flag.ack, { sequence: 1002 })]),
    ).toHaveLength(1);
    expect(
      connectionsOf([...conversation('ShAFf'), segment(9.5, true, Flag.ack, { sequence: 1002 })]),
    ).toHaveLength(2);
  });

  it('is five seconds after a SYN without an answer', () => {
    expect(times('S', 4.9)).toBe(1);
    expect(times('S', 5.1)).toBe(2);
  });

  it('is five minutes of silence once established, an hour for interactive ports', () => {
    const idle = (toPort: number, silence: number) => {
      const there = { from: client, to: server };
      const back = { from: server, to: client };
      const fields = { fromPort: 50_000, toPort };
      return connectionsOf([
        at(0, tcp(there, { ...fields, flags: Flag.syn, sequence: 1 })),
        at(1, tcp(back, { fromPort: toPort, toPort: 50_000, flags: 18, sequence: 1, acknowledgement: 2 })),
        at(2, tcp(there, { ...fields, flags: Flag.ack, sequence: 2, acknowledgement: 2 })),
        at(2 + silence, tcp(there, { ...fields, flags: Flag.ack, sequence: 2, acknowledgement: 2 })),
      ]).length;
    };
    expect([idle(9999, 299), idle(9999, 301), idle(22, 3599), idle(22, 3601)]).toEqual([1, 2, 1, 2]);
  });

  it('comes early when a SYN with another sequence number reuses the ports', () => {
    const again = segment(3, true, Flag.syn, { sequence: 777 });
    const records = connectionsOf([...conversation('ShA'), again]);
    expect(records.map(({ history }) => history)).toEqual(['ShA', 'S']);
  });

  it('of one side only leaves the connection open for the other', () => {
    const record = connectionOf([
      ...conversation('ShAF'),
      segment(60, false, Flag.ack, { sequence: 5001, acknowledgement: 1002 }),
    ]);
    expect(record).toMatchObject({ state: 'S2', history: 'ShAFa' });
  });

  it('tells what ends first, first; and what is open at the end by address', () => {
    const one = (from: string) => at(0, tcp({ from, to: '1.1.1.1' }, { flags: Flag.ack, sequence: 1 }));
    const records = connectionsOf([one('7.7.7.7'), one('3.3.3.3'), ...conversation('Sr'), tick(10)]);
    expect(records.map(({ originator }) => originator)).toEqual([client, '9.9.9.9', '3.3.3.3', '7.7.7.7']);
  });
});
