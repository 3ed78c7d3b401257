/**
 * The pcapng format (draft-ietf-opsawg-pcapng), read.
 *
 * It is a push parser: see parser.ts. Sections in either byte order, any number of interfaces with clocks
 * of their own, all three kinds of packet block, name records, statistics and comments are read; every other block
 * (secrets, custom ones) is skipped by its length. What is counted or kept is bounded, for a file can be made to
 * claim anything.
 */
import { InputError } from '../errors.js';
import { formatAddress, readAddress } from './address.js';
import { Chunks } from './chunks.js';
import { MAX_CAPTURED_LENGTH, Packet } from './packet.js';
import type { PacketHandler } from './packet.js';
import type { CaptureComment, CaptureDrops, CaptureInterface, CaptureMaker, FormatParser } from './parser.js';
import { PcapngFacts } from './pcapng-facts.js';
import { InterfaceClock } from './pcapng-clock.js';
import { Block, BYTE_ORDER_MAGIC, MAX_BLOCK_LENGTH, NameRecord, Option, padded } from './pcapng-format.js';

const MAX_INTERFACES = 4096;
/** A drop count of the obsolete packet block that says nothing. */
const DROPS_UNKNOWN = 0xffff;
const MICROSECONDS = 6;

interface Interface {
  readonly linkType: number;
  readonly snaplen: number;
  readonly clock: InterfaceClock;
}

export class PcapngParser implements FormatParser {
  readonly format = 'pcapng';
  readonly interfaces: CaptureInterface[] = [];
  readonly #facts = new PcapngFacts();
  readonly #chunks = new Chunks();
  readonly #packet = new Packet();
  readonly #onPacket: PacketHandler;
  #started = false;
  #littleEndian = false;
  /** Interfaces of the current section. */
  #section: Interface[] = [];
  #packets = 0;

  constructor(onPacket: PacketHandler) {
    this.#onPacket = onPacket;
  }

  get started(): boolean {
    return this.#started;
  }

  get offset(): number {
    return this.#chunks.offset;
  }

  get names(): ReadonlyMap<string, string> {
    return this.#facts.names;
  }

  get comments(): readonly CaptureComment[] {
    return this.#facts.comments;
  }

  get maker(): CaptureMaker | undefined {
    return this.#facts.maker;
  }

  get drops(): CaptureDrops | undefined {
    return this.#facts.drops(this.#packets);
  }

  push(chunk: Uint8Array): void {
    this.#chunks.feed(chunk, this.#readBlocks);
  }

  finish(): number | undefined {
    return this.#chunks.available > 0 ? this.#chunks.offset : undefined;
  }

  readonly #readBlocks = (): void => {
    while (this.#readBlock());
  };

  /** Reads one block; false when it has not come whole yet. */
  #readBlock(): boolean {
    const chunks = this.#chunks;
    if (chunks.available < 12) return false;
    const { view, position } = chunks;
    const isSection = view.getUint32(position) === Block.sectionHeader;
    if (isSection) this.#readByteOrder(view.getUint32(position + 8));
    else if (!this.#started)
      this.#fail(0, 'a block before the section header', 'a section header block first');
    const littleEndian = this.#littleEndian;
    const length = view.getUint32(position + 4, littleEndian);
    if (length < 12 || length > MAX_BLOCK_LENGTH || length % 4 !== 0) {
      this.#fail(4, `a block length of ${length}`, `multiples of 4 from 12 to ${MAX_BLOCK_LENGTH}`);
    }
    if (chunks.available < length) return false;
    const trailer = view.getUint32(position + length - 4, littleEndian);
    if (trailer !== length) {
      this.#fail(length - 4, `a trailing block length of ${trailer}`, `${length}, as at the block's start`);
    }
    this.#readBody(view.getUint32(position, littleEndian), position + 8, position + length - 4);
    chunks.position = position + length;
    return true;
  }

  #readByteOrder(magic: number): void {
    if (magic === BYTE_ORDER_MAGIC) this.#littleEndian = false;
    else if (magic === 0x4d3c2b1a) this.#littleEndian = true;
    else this.#fail(8, `a byte-order magic of 0x${magic.toString(16)}`, '0x1a2b3c4d in either byte order');
  }

  /** @param at, end where the body lies in the chunk. */
  #readBody(type: number, at: number, end: number): void {
    switch (type) {
      case Block.sectionHeader:
        return this.#readSection(at, end);
      case Block.interfaceDescription:
        return this.#readInterface(at, end);
      case Block.enhancedPacket:
        return this.#readPacket(at, end, this.#uint32(at, end));
      case Block.packet:
        this.#need(at, end, 4);
        return this.#readObsoletePacket(at, end);
      case Block.simplePacket:
        return this.#readSimplePacket(at, end);
      case Block.nameResolution:
        return this.#readNames(at, end);
      case Block.interfaceStatistics:
        return this.#readStatistics(at, end);
    }
  }

  #readSection(at: number, end: number): void {
    this.#need(at, end, 16);
    const major = this.#chunks.view.getUint16(at + 4, this.#littleEndian);
    if (major !== 1) this.#fail(12, `pcapng version ${major}`, '1');
    const maker: { hardware?: string; os?: string; application?: string } = {};
    this.#readOptions(at + 16, end, (code, start, length) => {
      if (code === Option.comment) this.#facts.comment(this.#bytes(start, length));
      if (code === Option.sectionHardware) maker.hardware = this.#text(start, length);
      if (code === Option.sectionOs) maker.os = this.#text(start, length);
      if (code === Option.sectionApplication) maker.application = this.#text(start, length);
    });
    if (Object.keys(maker).length > 0) this.#facts.maker ??= maker;
    this.#section = [];
    this.#started = true;
  }

  #readInterface(at: number, end: number): void {
    this.#need(at, end, 8);
    if (this.interfaces.length >= MAX_INTERFACES) {
      this.#fail(0, `more than ${MAX_INTERFACES} interfaces`, `up to ${MAX_INTERFACES}`);
    }
    const { view } = this.#chunks;
    const linkType = view.getUint16(at, this.#littleEndian);
    const snaplen = this.#uint32(at + 4, end);
    let resolution = MICROSECONDS;
    let offset = 0n;
    const texts: { name?: string; description?: string; filter?: string } = {};
    this.#readOptions(at + 8, end, (code, start, length) => {
      if (code === Option.interfaceTimeResolution && length === 1) resolution = view.getUint8(start);
      if (code === Option.interfaceTimeOffset && length === 8)
        offset = view.getBigInt64(start, this.#littleEndian);
      if (code === Option.interfaceName) texts.name = this.#text(start, length);
      if (code === Option.interfaceDescription) texts.description = this.#text(start, length);
      // The filter's first byte tells its kind: 0 is text.
      if (code === Option.interfaceFilter && length > 1 && view.getUint8(start) === 0)
        texts.filter = this.#text(start + 1, length - 1);
      if (code === Option.comment) this.#facts.comment(this.#bytes(start, length));
    });
    this.#section.push({ linkType, snaplen, clock: new InterfaceClock(resolution, offset) });
    this.interfaces.push({ linkType, snaplen, ...texts });
  }

  #readPacket(at: number, end: number, interfaceId: number): void {
    this.#need(at, end, 20);
    const packet = this.#packet;
    const clock = this.#select(interfaceId).clock;
    clock.stamp(packet, this.#uint32(at + 4, end), this.#uint32(at + 8, end));
    const captured = this.#uint32(at + 12, end);
    // Comments are about the packet whose number is next.
    const options = at + 20 + padded(captured);
    if (end - options >= 4) this.#readPacketOptions(options, end);
    this.#emit(at + 20, end, captured, this.#uint32(at + 16, end));
  }

  #readPacketOptions(at: number, end: number): void {
    this.#readOptions(at, end, (code, start, length) => {
      if (code === Option.comment) this.#facts.comment(this.#bytes(start, length), this.#packets + 1);
      if (code === Option.packetDrops && length === 8)
        this.#facts.lost(Number(this.#chunks.view.getBigUint64(start, this.#littleEndian)));
    });
  }

  /** This block has a 16-bit interface number and a drop count where the new one has 32 bits of number. */
  #readObsoletePacket(at: number, end: number): void {
    const { view } = this.#chunks;
    const drops = view.getUint16(at + 2, this.#littleEndian);
    if (drops !== DROPS_UNKNOWN) this.#facts.lost(drops);
    this.#readPacket(at, end, view.getUint16(at, this.#littleEndian));
  }

  /** A simple packet block has no time stamp: the packet gets the time of the one before it. */
  #readSimplePacket(at: number, end: number): void {
    const original = this.#uint32(at, end);
    const { snaplen } = this.#select(0);
    const captured = snaplen === 0 ? original : Math.min(original, snaplen);
    this.#emit(at + 4, end, captured, original);
  }

  #select(interfaceId: number): Interface {
    const selected = this.#section[interfaceId];
    if (selected === undefined) {
      const known = this.#section.length;
      return this.#fail(
        8,
        `interface ${interfaceId}`,
        known === 0 ? 'none described yet' : `0 to ${known - 1}`,
      );
    }
    this.#packet.interfaceId = interfaceId;
    this.#packet.linkType = selected.linkType;
    return selected;
  }

  #emit(at: number, end: number, captured: number, original: number): void {
    const allowed = Math.min(end - at, MAX_CAPTURED_LENGTH);
    if (captured > allowed) this.#fail(0, `a packet of ${captured} captured bytes`, `up to ${allowed} here`);
    const packet = this.#packet;
    packet.bytes = this.#chunks.bytes;
    packet.offset = at;
    packet.length = captured;
    packet.originalLength = Math.max(captured, original);
    this.#packets += 1;
    this.#onPacket(packet);
  }

  #readNames(at: number, end: number): void {
    const { view } = this.#chunks;
    while (end - at >= 4) {
      const type = view.getUint16(at, this.#littleEndian);
      const length = view.getUint16(at + 2, this.#littleEndian);
      if (type === NameRecord.end) return;
      this.#need(at + 4, end, length);
      const version = type === NameRecord.ipv4 ? 4 : type === NameRecord.ipv6 ? 6 : undefined;
      const addressLength = version === 4 ? 4 : 16;
      if (version !== undefined && length > addressLength) {
        const address = formatAddress(readAddress(view, at + 4, version));
        this.#facts.name(address, this.#bytes(at + 4 + addressLength, length - addressLength));
      }
      at += 4 + padded(length);
    }
  }

  #readStatistics(at: number, end: number): void {
    this.#need(at, end, 12);
    const id = this.#uint32(at, end);
    if (id >= this.#section.length) return;
    const first = this.interfaces.length - this.#section.length;
    let received = 0;
    let dropped = 0;
    this.#readOptions(at + 12, end, (code, start, length) => {
      if (length !== 8) return;
      const count = Number(this.#chunks.view.getBigUint64(start, this.#littleEndian));
      if (code === Option.statisticsReceived) received = count;
      if (code === Option.statisticsDropped) dropped = count;
      this.#facts.statistics(first + id, { received, dropped });
    });
  }

  #readOptions(at: number, end: number, each: (code: number, start: number, length: number) => void): void {
    const { view } = this.#chunks;
    while (end - at >= 4) {
      const code = view.getUint16(at, this.#littleEndian);
      const length = view.getUint16(at + 2, this.#littleEndian);
      if (code === Option.end) return;
      this.#need(at + 4, end, length);
      each(code, at + 4, length);
      at += 4 + padded(length);
    }
  }

  #bytes(start: number, length: number): Uint8Array {
    return this.#chunks.bytes.subarray(start, start + length);
  }

  #text(start: number, length: number): string {
    return this.#facts.short(this.#bytes(start, length));
  }

  #uint32(at: number, end: number): number {
    this.#need(at, end, 4);
    return this.#chunks.view.getUint32(at, this.#littleEndian);
  }

  #need(at: number, end: number, length: number): void {
    if (end - at < length) {
      this.#fail(
        at - this.#chunks.position,
        `${Math.max(0, end - at)} bytes left in the block`,
        `at least ${length}`,
      );
    }
  }

  /** @param inBlock offset of the trouble within the current block. */
  #fail(inBlock: number, found: string, allowed: string): never {
    throw new InputError(`byte ${this.#chunks.offset + inBlock}: found ${found}; allowed: ${allowed}`);
  }
}
