/**
 * The classic pcap format (draft-ietf-opsawg-pcap): one 24-byte file header, then a 16-byte header before
 * each packet. Both byte orders, microsecond and nanosecond stamps, and the variant of old Linux kernels ("modified
 * tcpdump") whose packet headers are 8 bytes longer.
 *
 * It is a push parser: see parser.ts. It knows nothing of what is inside the packets.
 */
import { InputError } from '../errors.js';
import { Chunks } from './chunks.js';
import { MAX_CAPTURED_LENGTH, Packet } from './packet.js';
import type { PacketHandler } from './packet.js';
import type { CaptureInterface, FormatParser } from './parser.js';

const FILE_HEADER_LENGTH = 24;
const PACKET_HEADER_LENGTH = 16;
/** With interface index, protocol and packet type behind the usual fields. */
const MODIFIED_HEADER_LENGTH = 24;

/** Magic numbers as read in big-endian order. */
export const pcapMagics: ReadonlyMap<
  number,
  { readonly littleEndian: boolean; readonly nanoseconds: boolean; readonly modified?: true }
> = new Map([
  [0xa1b2c3d4, { littleEndian: false, nanoseconds: false }],
  [0xa1b23c4d, { littleEndian: false, nanoseconds: true }],
  [0xd4c3b2a1, { littleEndian: true, nanoseconds: false }],
  [0x4d3cb2a1, { littleEndian: true, nanoseconds: true }],
  [0xa1b2cd34, { littleEndian: false, nanoseconds: false, modified: true }],
  [0x34cdb2a1, { littleEndian: true, nanoseconds: false, modified: true }],
]);

export class PcapParser implements FormatParser {
  readonly format = 'pcap';
  readonly names: ReadonlyMap<string, string> = new Map();
  readonly comments = [];
  readonly interfaces: CaptureInterface[] = [];
  readonly #chunks = new Chunks();
  readonly #packet = new Packet();
  readonly #onPacket: PacketHandler;
  #littleEndian = false;
  #nanosecondsPerUnit = 1000;
  #headerLength = PACKET_HEADER_LENGTH;

  constructor(onPacket: PacketHandler) {
    this.#onPacket = onPacket;
  }

  get started(): boolean {
    return this.interfaces.length > 0;
  }

  get offset(): number {
    return this.#chunks.offset;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.feed(chunk, this.#readAll);
  }

  readonly #readAll = (): void => {
    if (!this.started) {
      if (this.#chunks.available < FILE_HEADER_LENGTH) return;
      this.#readFileHeader();
    }
    this.#readPackets();
  };

  finish(): number | undefined {
    return this.#chunks.available > 0 ? this.#chunks.offset : undefined;
  }

  #readFileHeader(): void {
    const { view, position } = this.#chunks;
    const magic = view.getUint32(position);
    const kind = pcapMagics.get(magic);
    if (kind === undefined) {
      throw new InputError(`byte 0: found magic 0x${magic.toString(16)}; allowed: a pcap magic number`);
    }
    const major = view.getUint16(position + 4, kind.littleEndian);
    if (major !== 2) throw new InputError(`byte 4: found pcap version ${major}; allowed: 2`);
    this.#littleEndian = kind.littleEndian;
    this.#nanosecondsPerUnit = kind.nanoseconds ? 1 : 1000;
    if (kind.modified) this.#headerLength = MODIFIED_HEADER_LENGTH;
    const snaplen = view.getUint32(position + 16, kind.littleEndian);
    // The upper half of the word tells the length of the frame check sequence, not the link type.
    const linkType = view.getUint32(position + 20, kind.littleEndian) & 0xffff;
    this.interfaces.push({ linkType, snaplen });
    this.#packet.linkType = linkType;
    this.#chunks.position += FILE_HEADER_LENGTH;
  }

  /** Reads the packets that have come whole. */
  #readPackets(): void {
    const chunks = this.#chunks;
    const packet = this.#packet;
    const littleEndian = this.#littleEndian;
    const headerLength = this.#headerLength;
    const nanosecondsPerUnit = this.#nanosecondsPerUnit;
    const { view, end } = chunks;
    let at = chunks.position;
    packet.bytes = chunks.bytes;
    while (end - at >= headerLength) {
      const captured = view.getUint32(at + 8, littleEndian);
      if (captured > MAX_CAPTURED_LENGTH) {
        throw new InputError(
          `byte ${chunks.offset + 8}: found a packet of ${captured} captured bytes; allowed: up to ${MAX_CAPTURED_LENGTH}`,
        );
      }
      const offset = at + headerLength;
      if (end - offset < captured) return;
      packet.seconds = view.getUint32(at, littleEndian);
      packet.nanoseconds = view.getUint32(at + 4, littleEndian) * nanosecondsPerUnit;
      packet.offset = offset;
      packet.length = captured;
      const originalLength = view.getUint32(at + 12, littleEndian);
      packet.originalLength = originalLength > captured ? originalLength : captured;
      at = offset + captured;
      chunks.position = at;
      this.#onPacket(packet);
    }
  }
}
