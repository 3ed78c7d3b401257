/**
 * Puts fragments of IP packets together again.
 *
 * Zeek counts a fragmented packet once, when its last part is there, with the size it had before it was cut. Parts may
 * come in any order and more than once; what came first stays. Packets that never get whole are forgotten, the oldest
 * first, when too much is kept.
 */
import type { IpHeader } from './ip-header.js';

const MAX_KEPT_BYTES = 32 * 1024 * 1024;
const MAX_PACKET_BYTES = 65_535;

/** Bytes from `from` up to, not including, `to` of the payload. */
interface Part {
  readonly from: number;
  readonly to: number;
}

class Puzzle {
  /** IP header of the first part seen, without a fragment header. */
  header = new Uint8Array(0);
  payload = new Uint8Array(2048);
  /** In order, without overlap. */
  readonly parts: Part[] = [];
  /** 0 while the last part is missing. */
  size = 0;
  nextProtocol = 0;
  nextProtocolAt = 0;

  get keptBytes(): number {
    return this.payload.length + this.header.length + this.parts.length * 32 + 128;
  }

  /** Fills only what is not there yet. */
  add(from: number, bytes: Uint8Array, at: number, length: number): void {
    const to = from + length;
    this.#reserve(to);
    let done = from;
    const missing: Part[] = [];
    for (const part of this.parts) {
      if (part.to <= done) continue;
      if (part.from >= to) break;
      if (part.from > done) missing.push({ from: done, to: part.from });
      done = part.to;
    }
    if (done < to) missing.push({ from: done, to });
    for (const part of missing) {
      this.payload.set(bytes.subarray(at + part.from - from, at + part.to - from), part.from);
      this.parts.push(part);
    }
    this.parts.sort((a, b) => a.from - b.from);
  }

  /** Bytes that are there without a hole, when they are all. */
  wholeSize(): number | undefined {
    if (this.size === 0) return undefined;
    let done = 0;
    for (const part of this.parts) {
      if (part.from > done) break;
      done = part.to;
    }
    return done >= this.size ? done : undefined;
  }

  #reserve(size: number): void {
    if (size <= this.payload.length) return;
    const larger = new Uint8Array(Math.max(size, this.payload.length * 2));
    larger.set(this.payload);
    this.payload = larger;
  }
}

export class Fragments {
  /** Oldest first, as a Map keeps them. */
  readonly #puzzles = new Map<string, Puzzle>();
  #keptBytes = 0;

  /** @returns the whole packet, header first, if this part completes it. */
  add(ip: IpHeader, bytes: Uint8Array, at: number): Uint8Array | undefined {
    const length = ip.totalBytes - ip.headerBytes;
    const upTo = ip.fragmentOffset + length;
    if (length <= 0 || upTo > MAX_PACKET_BYTES) return undefined;
    const key = keyOf(ip);
    let puzzle = this.#puzzles.get(key);
    if (puzzle === undefined) {
      puzzle = new Puzzle();
      takeHeader(puzzle, ip, bytes, at);
      this.#puzzles.set(key, puzzle);
    } else this.#keptBytes -= puzzle.keptBytes;
    if (ip.fragmentOffset === 0) puzzle.nextProtocol = ip.protocol;
    if (!ip.hasMoreFragments || (puzzle.size > 0 && upTo > puzzle.size)) {
      puzzle.size = Math.max(puzzle.size, upTo);
    }
    puzzle.add(ip.fragmentOffset, bytes, at + ip.headerBytes, length);
    const size = puzzle.wholeSize();
    if (size === undefined) {
      this.#keptBytes += puzzle.keptBytes;
      this.#forgetOldest();
      return undefined;
    }
    this.#puzzles.delete(key);
    return assembled(puzzle, size, ip.version);
  }

  #forgetOldest(): void {
    for (const [key, puzzle] of this.#puzzles) {
      if (this.#keptBytes <= MAX_KEPT_BYTES) return;
      this.#puzzles.delete(key);
      this.#keptBytes -= puzzle.keptBytes;
    }
  }
}

/** Source, destination and identification, as Zeek has it: the protocol is not part of it. */
function keyOf(ip: IpHeader): string {
  return [
    ip.source0,
    ip.source1,
    ip.source2,
    ip.source3,
    ip.destination0,
    ip.destination1,
    ip.destination2,
    ip.destination3,
    ip.fragmentId,
  ].join(' ');
}

function takeHeader(puzzle: Puzzle, ip: IpHeader, bytes: Uint8Array, at: number): void {
  const length = ip.version === 4 ? ip.headerBytes : ip.headerBytes - 8;
  puzzle.header = bytes.slice(at, at + length);
  puzzle.nextProtocol = ip.protocol;
  puzzle.nextProtocolAt = ip.version === 4 ? 9 : ip.fragmentAnnouncedAt;
}

function assembled(puzzle: Puzzle, size: number, version: 4 | 6): Uint8Array {
  const { header } = puzzle;
  const packet = new Uint8Array(header.length + size);
  packet.set(header);
  packet.set(puzzle.payload.subarray(0, size), header.length);
  if (version === 4) {
    setUint16(packet, 2, packet.length);
    setUint16(packet, 6, 0);
  } else {
    setUint16(packet, 4, packet.length - 40);
    packet[puzzle.nextProtocolAt] = puzzle.nextProtocol;
  }
  return packet;
}

function setUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = (value >> 8) & 255;
  bytes[at + 1] = value & 255;
}
