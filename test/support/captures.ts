/**
 * Capture files made byte by byte, in either byte order, with what meshbeat's own writer never writes:
 * microseconds, odd clocks, obsolete and unknown blocks. The format is written out here a second time on
 * purpose, so that a mistake in the writer does not hide the same mistake in the parser.
 */

export type ByteOrder = 'little' | 'big';

/** Writes numbers one after the other: [bytes, value] each. */
export function bytesOf(
  order: ByteOrder,
  fields: readonly (readonly [1 | 2 | 4 | 8, number | bigint])[],
): Buffer {
  const parts = fields.map(([size, value]) => {
    const part = Buffer.alloc(size);
    if (size === 8) part.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
    else part.writeUIntBE(Number(value), 0, size);
    return order === 'little' ? part.reverse() : part;
  });
  return Buffer.concat(parts);
}

export interface PcapRecord {
  readonly seconds: number;
  /** Micro- or nanoseconds, as the magic number says. */
  readonly fraction: number;
  readonly data: Uint8Array;
  readonly originalLength?: number;
}

export function pcapFile(
  order: ByteOrder,
  magic: number,
  linkType: number,
  records: readonly PcapRecord[],
): Buffer {
  const header = bytesOf(order, [
    [4, magic],
    [2, 2],
    [2, 4],
    [4, 0],
    [4, 0],
    [4, 262_144],
    [4, linkType],
  ]);
  const packets = records.map(({ seconds, fraction, data, originalLength = data.length }) =>
    Buffer.concat([
      bytesOf(order, [
        [4, seconds],
        [4, fraction],
        [4, data.length],
        [4, originalLength],
      ]),
      data,
    ]),
  );
  return Buffer.concat([header, ...packets]);
}

/** A pcapng block around a body, which is padded. */
export function block(order: ByteOrder, type: number, body: Uint8Array): Buffer {
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  const length = padded.length + 12;
  const head = bytesOf(order, [
    [4, type],
    [4, length],
  ]);
  return Buffer.concat([head, padded, bytesOf(order, [[4, length]])]);
}

export function sectionHeader(order: ByteOrder): Buffer {
  const body = bytesOf(order, [
    [4, 0x1a2b3c4d],
    [2, 1],
    [2, 0],
    [8, -1],
  ]);
  return block(order, 0x0a0d0d0a, body);
}

/** An interface; `resolution` is the raw if_tsresol byte, `offset` if_tsoffset in seconds. */
export function interfaceBlock(
  order: ByteOrder,
  linkType: number,
  clock: { resolution?: number; offset?: number; snaplen?: number } = {},
): Buffer {
  const parts = [
    bytesOf(order, [
      [2, linkType],
      [2, 0],
      [4, clock.snaplen ?? 0],
    ]),
  ];
  if (clock.resolution !== undefined) {
    const option = bytesOf(order, [
      [2, 9],
      [2, 1],
      [1, clock.resolution],
    ]);
    parts.push(option, Buffer.alloc(3));
  }
  if (clock.offset !== undefined) {
    const option = bytesOf(order, [
      [2, 14],
      [2, 8],
      [8, clock.offset],
    ]);
    parts.push(option);
  }
  return block(order, 1, Buffer.concat(parts));
}

/** An enhanced packet block. */
export function packetBlock(order: ByteOrder, interfaceId: number, ticks: bigint, data: Uint8Array): Buffer {
  const head = bytesOf(order, [
    [4, interfaceId],
    [4, ticks >> 32n],
    [4, ticks & 0xffff_ffffn],
    [4, data.length],
    [4, data.length],
  ]);
  return block(order, 6, Buffer.concat([head, data]));
}
