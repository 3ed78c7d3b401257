/**
 * pcapng, written to an outlet: one section, interfaces as they turn up, packets with nanoseconds.
 *
 * The writer of captures (src/capture/pcapng-writer.ts) owns its file, knows its interfaces beforehand and flushes by
 * the clock, for it runs while packets come in. This one is fed from files and has none of that.
 */
import {
  BYTE_ORDER_MAGIC,
  Block,
  NameRecord,
  Option,
  padded,
  record,
} from '../../../capture/pcapng-format.js';
import type { Outlet } from '../outlet.js';

const NANOSECONDS = 9;
const UNKNOWN_LENGTH = 0xffffffff;

export class PcapngBlocks {
  readonly #outlet: Outlet;
  readonly #encoder = new TextEncoder();
  #buffer = Buffer.alloc(4096);
  #interfaces = 0;

  constructor(outlet: Outlet, comment: string | undefined) {
    this.#outlet = outlet;
    const body = Buffer.alloc(16);
    body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
    body.writeUInt16LE(1, 4);
    body.writeUInt32LE(UNKNOWN_LENGTH, 8);
    body.writeUInt32LE(UNKNOWN_LENGTH, 12);
    const comments = comment === undefined ? [] : [this.#text(Option.comment, comment)];
    this.#block(Block.sectionHeader, body, ...comments, this.#text(Option.sectionApplication, 'meshbeat'));
  }

  /** Describes an interface and returns its number. */
  interface(linkType: number, snaplen: number, name: string): number {
    const body = Buffer.alloc(8);
    body.writeUInt16LE(linkType, 0);
    body.writeUInt32LE(snaplen, 4);
    const resolution = record(Option.interfaceTimeResolution, Uint8Array.of(NANOSECONDS));
    this.#block(Block.interfaceDescription, body, this.#text(Option.interfaceName, name), resolution);
    this.#interfaces += 1;
    return this.#interfaces - 1;
  }

  /** Writes `length` bytes of `bytes` from `offset` as a packet. */
  packet(
    interfaceId: number,
    seconds: number,
    nanoseconds: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    originalLength: number,
  ): void {
    const total = 32 + padded(length);
    if (this.#buffer.length < total) this.#buffer = Buffer.alloc(2 * total);
    const buffer = this.#buffer;
    // 10^9 is 512 × 1953125, so seconds × 1953125 stays exact in a double.
    const units = seconds * 1_953_125;
    const high = Math.floor(units / 0x80_0000);
    const low = (units - high * 0x80_0000) * 512 + nanoseconds;
    const carry = low >= 2 ** 32 ? 1 : 0;
    buffer.writeUInt32LE(Block.enhancedPacket, 0);
    buffer.writeUInt32LE(total, 4);
    buffer.writeUInt32LE(interfaceId, 8);
    buffer.writeUInt32LE(high + carry, 12);
    buffer.writeUInt32LE(low - carry * 2 ** 32, 16);
    buffer.writeUInt32LE(length, 20);
    buffer.writeUInt32LE(originalLength, 24);
    buffer.set(bytes.subarray(offset, offset + length), 28);
    buffer.fill(0, 28 + length, total - 4);
    buffer.writeUInt32LE(total, total - 4);
    this.#outlet.write(buffer.subarray(0, total));
  }

  /** Names of addresses: the bytes of each, and its name. */
  names(names: readonly (readonly [address: Uint8Array, name: string])[]): void {
    if (names.length === 0) return;
    const records = names.map(([address, name]) =>
      record(
        address.length === 4 ? NameRecord.ipv4 : NameRecord.ipv6,
        Buffer.concat([address, this.#encoder.encode(`${name}\0`)]),
      ),
    );
    this.#block(Block.nameResolution, ...records);
  }

  /** What the capturing side saw and lost at an interface. */
  statistics(interfaceId: number, received: number, dropped: number): void {
    const body = Buffer.alloc(12);
    body.writeUInt32LE(interfaceId, 0);
    const count = (value: number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return bytes;
    };
    this.#block(
      Block.interfaceStatistics,
      body,
      record(Option.statisticsReceived, count(received)),
      record(Option.statisticsDropped, count(dropped)),
    );
  }

  #text(code: number, text: string): Uint8Array {
    return record(code, this.#encoder.encode(text));
  }

  /** A block of these parts, and an end of options behind them. */
  #block(type: number, ...parts: readonly Uint8Array[]): void {
    const body = Buffer.concat([...parts, record(Option.end, new Uint8Array(0))]);
    const head = Buffer.alloc(8);
    head.writeUInt32LE(type, 0);
    head.writeUInt32LE(body.length + 12, 4);
    this.#outlet.write(Buffer.concat([head, body, head.subarray(4)]));
  }
}
