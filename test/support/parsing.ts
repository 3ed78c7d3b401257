/** Parses capture bytes and keeps what came out, for comparing. */
import { CaptureParser } from '../../src/capture/index.js';
import type { Packet } from '../../src/capture/index.js';

export interface Seen {
  readonly ns: bigint;
  readonly data: string;
  readonly originalLength: number;
  readonly linkType: number;
  readonly interfaceId: number;
}

function seen(packet: Packet): Seen {
  const { timestampNs: ns, originalLength, linkType, interfaceId } = packet;
  return { ns, data: Buffer.from(packet.captured).toString('hex'), originalLength, linkType, interfaceId };
}

/** Parses a file given in chunks of the given size. */
export function parse(
  file: Uint8Array,
  chunk = file.length,
): { packets: Seen[]; parser: CaptureParser; cut?: number } {
  const packets: Seen[] = [];
  const parser = new CaptureParser((packet) => packets.push(seen(packet)));
  for (let at = 0; at < file.length; at += chunk) {
    // The parser must not rely on a chunk once push returns, so each is wiped.
    const bytes = Uint8Array.from(file.subarray(at, at + chunk));
    parser.push(bytes);
    bytes.fill(0xee);
  }
  const cut = parser.finish();
  return { packets, parser, ...(cut === undefined ? {} : { cut }) };
}
