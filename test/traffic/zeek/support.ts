/** Runs hand-made packets through the tracker. */
import type { Packet } from '../../../src/capture/index.js';
import { ConnectionTracker } from '../../../src/traffic/zeek/index.js';
import type { ConnRecord, TrackerOptions } from '../../../src/traffic/zeek/index.js';
import { at, Flag, tcp } from '../../support/ip-packets.js';
import type { SegmentFields } from '../../support/ip-packets.js';

export const client = '198.18.0.1';
export const server = '1.2.3.4';

export function connectionsOf(packets: readonly Packet[], options: TrackerOptions = {}): ConnRecord[] {
  const records: ConnRecord[] = [];
  const tracker = new ConnectionTracker((record) => records.push(record), options);
  for (const packet of packets) tracker.packet(packet);
  tracker.finish();
  return records;
}

/** The only connection. */
export function connectionOf(packets: readonly Packet[], options: TrackerOptions = {}): ConnRecord {
  const records = connectionsOf(packets, options);
  if (records.length !== 1) throw new Error(`${records.length} connections`);
  return records[0]!;
}

type Fields = Omit<SegmentFields, 'flags' | 'sequence'> & { readonly sequence?: number };

/**
 * A TCP conversation a second per segment: "S", "A", "D" (100 bytes), "F", "R" and "H" (SYN and ACK) from the client,
 * small letters from the server. Sequence numbers follow each other, and each segment acknowledges all.
 */
export function conversation(letters: string, start = 0): Packet[] {
  const next = { client: 1000, server: 5000 };
  return [...letters].map((letter, index) => {
    const isClient = letter === letter.toUpperCase();
    const [me, other] = isClient ? (['client', 'server'] as const) : (['server', 'client'] as const);
    const length = letter.toUpperCase() === 'D' ? 100 : 0;
    const fields = {
      sequence: next[me],
      acknowledgement: letter === 'S' ? 0 : next[other],
      payload: length,
      flags: flagsOf(letter.toUpperCase()),
    };
    next[me] += length + ('SHF'.includes(letter.toUpperCase()) ? 1 : 0);
    return segment(start + index, isClient, fields.flags, fields);
  });
}

function flagsOf(letter: string): number {
  const flags: Record<string, number> = {
    S: Flag.syn,
    H: Flag.syn | Flag.ack,
    A: Flag.ack,
    D: Flag.ack | Flag.push,
    F: Flag.fin | Flag.ack,
    R: Flag.rst | Flag.ack,
  };
  return flags[letter]!;
}

export function segment(seconds: number, isClient: boolean, flags: number, fields: Fields = {}): Packet {
  const { sequence = 1000, ...rest } = fields;
  const ports = isClient ? { fromPort: 50_000, toPort: 9999 } : { fromPort: 9999, toPort: 50_000 };
  const ends = isClient ? { from: client, to: server } : { from: server, to: client };
  return at(seconds, tcp(ends, { ...ports, ...rest, flags, sequence }));
}
