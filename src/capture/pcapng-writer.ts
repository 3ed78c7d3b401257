/**
 * The pcapng format, written.
 *
 * The writer is synchronous and owns its file: blocks gather in a buffer and leave it whole, once there is
 * about a megabyte of them or a second has passed between packets, so a process that is killed leaves a file
 * that any tool reads up to its last second. It runs in a process that also shapes packets, hence few
 * system calls and no allocation per packet.
 *
 * It writes one section: its header, the interfaces, the names of addresses, packets with nanosecond
 * stamps, and statistics at the close.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { messageOf, RunError } from '../errors.js';
import { addressBytes, parseAddress } from './address.js';
import { Block, BYTE_ORDER_MAGIC, NameRecord, Option, padded, record } from './pcapng-format.js';

const FLUSH_AT = 1024 * 1024;
const FLUSH_AFTER_NS = 1_000_000_000n;
const NANOSECONDS = 9;
const NO_SECTION_LENGTH = 0xffffffff;

export interface InterfaceDescription {
  readonly name: string;
  readonly description?: string;
  /** LINKTYPE_ number: see LinkType in packet.ts. */
  readonly linkType: number;
  /** Largest number of bytes kept of a packet; longer ones are cut. Default and limit: 262144. */
  readonly snaplen?: number;
}

export interface PcapngOptions {
  /** At least one; packets name theirs by position. */
  readonly interfaces: readonly InterfaceDescription[];
  /** Name and version of the program that writes. */
  readonly application?: string;
  readonly comment?: string;
  /** IPv4 address -> name, shown by Wireshark in place of the address. */
  readonly names?: ReadonlyMap<string, string>;
}

/** What the capturing side counted, written as interface statistics. */
export interface CaptureCounts {
  /** Packets seen, dropped ones included. Default: those written. */
  readonly received?: number;
  /** Packets lost before they reached the writer. */
  readonly dropped?: number;
}

const MAX_SNAPLEN = 262_144;

export class PcapngWriter {
  readonly #file: string;
  readonly #snaplens: readonly number[];
  readonly #packets: number[];
  readonly #encoder = new TextEncoder();
  #fd: number | undefined;
  #buffer = Buffer.allocUnsafe(FLUSH_AT + MAX_SNAPLEN + 65_536);
  #used = 0;
  #written = 0;
  #failure: RunError | undefined;
  #lastNs = 0n;
  /** Time of the packet that was flushed last. */
  #flushedNs = 0n;

  /**
   * Creates or empties the file and writes everything that comes before the first packet, to disk too.
   *
   * @throws RunError naming the file when it cannot be written.
   */
  constructor(file: string, options: PcapngOptions) {
    this.#file = file;
    this.#snaplens = options.interfaces.map(({ snaplen }) => Math.min(snaplen ?? MAX_SNAPLEN, MAX_SNAPLEN));
    this.#packets = options.interfaces.map(() => 0);
    try {
      this.#fd = openSync(file, 'w');
    } catch (error) {
      throw new RunError(`cannot create the capture ${file}: ${messageOf(error)}`);
    }
    try {
      this.#writeSection(options);
      options.interfaces.forEach((description, id) => this.#writeInterface(description, this.#snaplens[id]!));
      if (options.names !== undefined && options.names.size > 0) this.#writeNames(options.names);
      this.flush();
    } catch (error) {
      this.#closeFile();
      throw error;
    }
  }

  /** Packets written so far, over all interfaces. */
  get packets(): number {
    return this.#packets.reduce((sum, count) => sum + count, 0);
  }

  /** Bytes of the file so far, those still in the buffer included. */
  get bytes(): number {
    return this.#written + this.#used;
  }

  /**
   * Adds a packet.
   *
   * @param timestampNs nanoseconds since 1970-01-01 UTC.
   * @param data the packet from its link-layer header on; cut at the interface's snaplen.
   * @param originalLength its bytes on the wire.
   * @throws RunError naming the file when a full buffer cannot be written (disk full, for one).
   */
  write(timestampNs: bigint, data: Uint8Array, originalLength: number, interfaceId = 0): void {
    const snaplen = this.#snaplens[interfaceId];
    if (snaplen === undefined) throw new RangeError(`interface ${interfaceId} of ${this.#snaplens.length}`);
    const captured = Math.min(data.length, snaplen);
    const length = 32 + padded(captured);
    const at = this.#open(Block.enhancedPacket, length);
    const buffer = this.#buffer;
    buffer.writeUInt32LE(interfaceId, at);
    buffer.writeUInt32LE(Number(BigInt.asUintN(32, timestampNs >> 32n)), at + 4);
    buffer.writeUInt32LE(Number(BigInt.asUintN(32, timestampNs)), at + 8);
    buffer.writeUInt32LE(captured, at + 12);
    buffer.writeUInt32LE(originalLength, at + 16);
    buffer.set(captured === data.length ? data : data.subarray(0, captured), at + 20);
    buffer.fill(0, at + 20 + captured, at + 20 + padded(captured));
    this.#lastNs = timestampNs;
    this.#packets[interfaceId]! += 1;
    if (this.#used < FLUSH_AT && timestampNs - this.#flushedNs < FLUSH_AFTER_NS) return;
    this.flush();
    this.#flushedNs = timestampNs;
  }

  /**
   * Writes out what the buffer holds.
   *
   * @throws RunError naming the file; after one failure every later call throws the same.
   */
  flush(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#fd === undefined) throw new RunError(`the capture ${this.#file} is closed`);
    let done = 0;
    try {
      while (done < this.#used) done += writeSync(this.#fd, this.#buffer, done, this.#used - done);
    } catch (error) {
      this.#failure = new RunError(`cannot write the capture ${this.#file}: ${messageOf(error)}`);
      this.#cutAtLastFlush(this.#fd);
      throw this.#failure;
    }
    this.#written += this.#used;
    this.#used = 0;
  }

  /**
   * Writes the statistics and closes the file; the file is closed also when that fails. Closing twice
   * does nothing the second time.
   */
  close(counts: CaptureCounts = {}): void {
    if (this.#fd === undefined) return;
    try {
      if (this.#failure !== undefined) return;
      this.#packets.forEach((packets, id) => this.#writeStatistics(id, packets, id === 0 ? counts : {}));
      this.flush();
    } finally {
      this.#closeFile();
    }
  }

  #closeFile(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Takes back a block that was written in part, so that the file stays readable to its end. */
  #cutAtLastFlush(fd: number): void {
    try {
      ftruncateSync(fd, this.#written);
    } catch {
      // A pipe cannot be cut. The failure to write is already being reported.
    }
  }

  #writeSection({ application, comment }: PcapngOptions): void {
    const options = [
      this.#option(Option.comment, comment),
      this.#option(Option.sectionApplication, application ?? 'meshbeat'),
    ];
    const body = Buffer.alloc(16);
    body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
    body.writeUInt16LE(1, 4);
    body.writeUInt32LE(NO_SECTION_LENGTH, 8);
    body.writeUInt32LE(NO_SECTION_LENGTH, 12);
    this.#writeBlock(Block.sectionHeader, [body, ...options, endOfOptions]);
  }

  #writeInterface({ name, description, linkType }: InterfaceDescription, snaplen: number): void {
    const body = Buffer.alloc(8);
    body.writeUInt16LE(linkType, 0);
    body.writeUInt32LE(snaplen, 4);
    this.#writeBlock(Block.interfaceDescription, [
      body,
      this.#option(Option.interfaceName, name),
      this.#option(Option.interfaceDescription, description),
      record(Option.interfaceTimeResolution, Uint8Array.of(NANOSECONDS)),
      endOfOptions,
    ]);
  }

  #writeNames(names: ReadonlyMap<string, string>): void {
    const records = [...names].map(([address, name]) => {
      const parsed = parseAddress(address);
      if (parsed?.version !== 4)
        throw new RangeError(`name record for "${address}", which is no IPv4 address`);
      const text = this.#encoder.encode(`${name}\0`);
      return record(NameRecord.ipv4, Buffer.concat([addressBytes(parsed), text]));
    });
    this.#writeBlock(Block.nameResolution, [...records, record(NameRecord.end, new Uint8Array(0))]);
  }

  #writeStatistics(id: number, packets: number, { received, dropped }: CaptureCounts): void {
    const body = Buffer.alloc(12);
    body.writeUInt32LE(id, 0);
    body.writeUInt32LE(Number(BigInt.asUintN(32, this.#lastNs >> 32n)), 4);
    body.writeUInt32LE(Number(BigInt.asUintN(32, this.#lastNs)), 8);
    const count = (code: number, value: number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return record(code, bytes);
    };
    const options = [count(Option.statisticsReceived, received ?? packets)];
    if (dropped !== undefined) options.push(count(Option.statisticsDropped, dropped));
    this.#writeBlock(Block.interfaceStatistics, [body, ...options, endOfOptions]);
  }

  #option(code: number, text: string | undefined): Uint8Array {
    return text === undefined ? new Uint8Array(0) : record(code, this.#encoder.encode(text));
  }

  #writeBlock(type: number, parts: readonly Uint8Array[]): void {
    const body = Buffer.concat(parts);
    this.#buffer.set(body, this.#open(type, 12 + body.length));
  }

  /** Makes room for a block of `length` bytes, writes its frame and returns where its body starts. */
  #open(type: number, length: number): number {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#used + length > this.#buffer.length) {
      this.flush();
      if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(length);
    }
    const at = this.#used;
    this.#buffer.writeUInt32LE(type, at);
    this.#buffer.writeUInt32LE(length, at + 4);
    this.#buffer.writeUInt32LE(length, at + length - 4);
    this.#used += length;
    return at + 8;
  }
}

const endOfOptions = record(Option.end, new Uint8Array(0));
