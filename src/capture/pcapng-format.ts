/**
 * The numbers of the pcapng format (draft-ietf-opsawg-pcapng), shared by its writer and its parser.
 *
 * A pcapng file is a chain of blocks: type, total length, body padded to 32 bits, total length again. A
 * section header opens a section and fixes its byte order; interface descriptions follow, and packets
 * refer to them by number.
 */
export const Block = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  packet: 2,
  simplePacket: 3,
  nameResolution: 4,
  interfaceStatistics: 5,
  enhancedPacket: 6,
} as const;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** Option codes; a code means what the kind of its block says. */
export const Option = {
  end: 0,
  comment: 1,
  sectionHardware: 2,
  sectionOs: 3,
  sectionApplication: 4,
  interfaceName: 2,
  interfaceDescription: 3,
  interfaceTimeResolution: 9,
  interfaceFilter: 11,
  interfaceTimeOffset: 14,
  packetDrops: 4,
  statisticsStart: 2,
  statisticsEnd: 3,
  statisticsReceived: 4,
  statisticsDropped: 5,
} as const;

export const NameRecord = { end: 0, ipv4: 1, ipv6: 2 } as const;

/** Blocks longer than this are refused: no honest packet or name list comes near it. */
export const MAX_BLOCK_LENGTH = 16 * 1024 * 1024;

/** Length with the padding to 32 bits. */
export function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** An option or name record, little-endian: code, length, value padded to 32 bits. */
export function record(code: number, value: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(4 + padded(value.length));
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  bytes.set(value, 4);
  return bytes;
}
