/**
 * Two captures to measure readers with, made from a seed: what a probe sees of a mesh in training beside a small
 * network's ordinary traffic, and 200,000 conversations at once.
 *
 * Both are pcap files as `tcpdump -s 96` writes them: headers, and the true lengths in them. The mesh's nodes send to
 * their neighbours in a ring, all at once for two seconds in ten, segments of full size in trains as network cards
 * hand them over, each second one acknowledged. Between and beside them go short web transfers, DNS and QUIC, their
 * packets of three sizes: small, middling and full, as on the Internet.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

const SNAPLEN = 96;
const CHUNK = 1024 * 1024;
const RECORD_HEADER = 16;
const [FIN, SYN, PSH, ACK] = [1, 2, 8, 16];
const START_SECONDS = 1_700_000_000;

/** A conversation that still goes on. */
interface Talk {
  readonly protocol: 6 | 17;
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Next sequence number there and back. */
  there: number;
  back: number;
  /** Packets so far. */
  packets: number;
}

/** Frames one after another into a file. */
class Writer {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(CHUNK);
  #length = 0;
  packets = 0;
  /** Microseconds since the first. */
  micros = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
    const header = this.#buffer;
    header.writeUInt32LE(0xa1b2c3d4, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(SNAPLEN, 16);
    header.writeUInt32LE(1, 20);
    this.#length = 24;
  }

  /** One packet of a conversation, with so many bytes of payload. */
  packet(talk: Talk, isThere: boolean, flags: number, payload: number): void {
    if (this.#length + RECORD_HEADER + SNAPLEN > CHUNK) this.#flush();
    const isTcp = talk.protocol === 6;
    const headers = isTcp ? 66 : 42;
    const length = Math.max(60, headers + payload);
    const captured = Math.min(length, SNAPLEN);
    const buffer = this.#buffer;
    const at = this.#length;
    buffer.fill(0, at, at + RECORD_HEADER + captured);
    buffer.writeUInt32LE(START_SECONDS + Math.floor(this.micros / 1e6), at);
    buffer.writeUInt32LE(Math.floor(this.micros) % 1e6, at + 4);
    buffer.writeUInt32LE(captured, at + 8);
    buffer.writeUInt32LE(length, at + 12);
    const ip = at + RECORD_HEADER + 14;
    buffer[ip - 2] = 8;
    buffer[ip] = 0x45;
    buffer.writeUInt16BE(headers - 14 + payload, ip + 2);
    buffer[ip + 6] = 0x40;
    buffer[ip + 8] = 64;
    buffer[ip + 9] = talk.protocol;
    buffer.writeUInt32BE(isThere ? talk.source : talk.destination, ip + 12);
    buffer.writeUInt32BE(isThere ? talk.destination : talk.source, ip + 16);
    const transport = ip + 20;
    buffer.writeUInt16BE(isThere ? talk.sourcePort : talk.destinationPort, transport);
    buffer.writeUInt16BE(isThere ? talk.destinationPort : talk.sourcePort, transport + 2);
    if (isTcp) {
      buffer.writeUInt32BE(isThere ? talk.there : talk.back, transport + 4);
      if ((flags & ACK) !== 0) buffer.writeUInt32BE(isThere ? talk.back : talk.there, transport + 8);
      buffer[transport + 12] = 0x80;
      buffer[transport + 13] = flags;
      buffer.writeUInt16BE(502, transport + 14);
      const sent = payload + ((flags & (SYN | FIN)) === 0 ? 0 : 1);
      if (isThere) talk.there = (talk.there + sent) >>> 0;
      else talk.back = (talk.back + sent) >>> 0;
    } else buffer.writeUInt16BE(8 + payload, transport + 4);
    talk.packets += 1;
    this.packets += 1;
    this.#length = at + RECORD_HEADER + captured;
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    writeSync(this.#file, this.#buffer, 0, this.#length);
    this.#length = 0;
  }
}

/** Whole numbers in 0 … below - 1, quickly: a 32-bit xorshift. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 2 ** 32) * below);
  };
}

const talkOf = (
  protocol: 6 | 17,
  source: number,
  destination: number,
  ports: readonly [number, number],
): Talk => ({
  protocol,
  source,
  destination,
  sourcePort: ports[0],
  destinationPort: ports[1],
  there: 1000,
  back: 2000,
  packets: 0,
});

/** A mesh's bursts beside ordinary traffic; returns the number of packets. */
export function meshCapture(path: string, packets: number): number {
  const writer = new Writer(path);
  const random = numbers(1);
  const nodes = 8;
  const address = (node: number): number => 0x0a4d0001 + node;
  const ring = Array.from({ length: nodes }, (_, node) =>
    talkOf(6, address(node), address((node + 1) % nodes), [40_000 + node, 8470]),
  );
  for (const talk of ring) {
    writer.packet(talk, true, SYN, 0);
    writer.packet(talk, false, SYN | ACK, 0);
  }
  const others: Talk[] = [];
  const other = (): void => {
    if (others.length < 100) others.push(newTalk(random));
    const index = random(others.length);
    if (!ordinary(writer, others[index]!, random)) others[index] = newTalk(random);
  };
  while (writer.packets < packets) {
    const isBurst = writer.micros % 10e6 < 2e6;
    if (isBurst && random(16) > 0) {
      const talk = ring[random(nodes)]!;
      for (let left = 1 + random(20); left > 0; left--) {
        writer.packet(talk, true, ACK, 1448);
        writer.micros += 8;
        if (talk.packets % 3 === 2) writer.packet(talk, false, ACK, 0);
      }
    } else {
      other();
      writer.micros += isBurst ? 10 : 250;
    }
  }
  writer.close();
  return writer.packets;
}

/** 200,000 conversations of which any may be next; returns the number of packets. */
export function crowdCapture(path: string, packets: number, conversations = 200_000): number {
  const writer = new Writer(path);
  const random = numbers(2);
  const talks = Array.from({ length: conversations }, (_, index) =>
    talkOf(index % 3 === 0 ? 17 : 6, 0x0a000000 + random(2 ** 18), 0xc0000000 + random(2 ** 22), [
      1024 + (index % 60_000),
      443,
    ]),
  );
  while (writer.packets < packets) {
    const talk = talks[random(conversations)]!;
    const isThere = talk.packets === 0 || random(2) === 0;
    writer.packet(talk, isThere, talk.packets === 0 ? SYN : ACK, talk.packets === 0 ? 0 : sizeOf(random));
    writer.micros += 8;
  }
  writer.close();
  return writer.packets;
}

function newTalk(random: (below: number) => number): Talk {
  const kind = random(10);
  const source = 0xc0a80000 + random(60);
  const destination = 0x50000000 + random(2 ** 20);
  const port = 20_000 + random(40_000);
  if (kind < 3) return talkOf(17, source, 0x08080808, [port, 53]);
  return kind < 5
    ? talkOf(17, source, destination, [port, 443])
    : talkOf(6, source, destination, [port, 443]);
}

/** The next packet of an ordinary conversation; false when it was the last. */
function ordinary(writer: Writer, talk: Talk, random: (below: number) => number): boolean {
  const count = talk.packets;
  if (talk.destinationPort === 53) {
    writer.packet(talk, count === 0, 0, 40 + random(200));
    return count === 0;
  }
  if (talk.protocol === 17) {
    writer.packet(talk, random(3) === 0, 0, sizeOf(random));
    return random(60) > 0;
  }
  if (count < 3) writer.packet(talk, count !== 1, count === 0 ? SYN : count === 1 ? SYN | ACK : ACK, 0);
  else if (random(50) > 0) {
    const isThere = random(3) === 0;
    writer.packet(talk, isThere, PSH | ACK, isThere ? (random(2) === 0 ? 0 : 400) : sizeOf(random));
  } else {
    writer.packet(talk, true, FIN | ACK, 0);
    writer.packet(talk, false, FIN | ACK, 0);
    writer.packet(talk, true, ACK, 0);
    return false;
  }
  return true;
}

/** Payload as on the Internet: small, middling, full. */
function sizeOf(random: (below: number) => number): number {
  const kind = random(10);
  return kind < 4 ? random(40) : kind < 6 ? 100 + random(1100) : 1300;
}
