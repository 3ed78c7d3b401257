/**
 * One captured packet, as a view.
 *
 * Think of it as a cursor: a parser owns a single Packet and points it at one packet after the other
 * inside its own buffer. So reading ten million packets allocates nothing per packet; the price is that a
 * callback which wants to keep something must copy it before it returns.
 *
 * Time is kept as two exact integers (seconds and nanoseconds), for a float64 of seconds since 1970
 * resolves only 240 ns. `timestampNs` makes the bigint for those who want it; `secondsSince` gives the
 * float64 that analysis computes with, exact to well below a nanosecond near its origin.
 */
export class Packet {
  #bytes: Uint8Array = new Uint8Array(0);
  /** The same bytes: numbers of several bytes are read from it in one go. */
  view: DataView = new DataView(this.#bytes.buffer);
  offset = 0;
  /** Bytes that were captured. */
  length = 0;
  /** Bytes of the packet on the wire, at least `length`. */
  originalLength = 0;
  /** LINKTYPE_ number of the interface: see {@link LinkType}. */
  linkType = 0;
  /** Number of the interface within its section; 0 in a pcap file. */
  interfaceId = 0;
  /** Whole seconds since 1970-01-01 UTC. */
  seconds = 0;
  nanoseconds = 0;

  /** The parser's buffer; only `length` bytes from `offset` belong to this packet. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  set bytes(bytes: Uint8Array) {
    if (bytes === this.#bytes) return;
    this.#bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The captured bytes, valid until the callback returns. */
  get captured(): Uint8Array {
    return this.bytes.subarray(this.offset, this.offset + this.length);
  }

  /** Nanoseconds since 1970-01-01 UTC. */
  get timestampNs(): bigint {
    return BigInt(this.seconds) * 1_000_000_000n + BigInt(this.nanoseconds);
  }

  /** Seconds from the given instant to this packet; negative when the packet is the earlier. */
  secondsSince(seconds: number, nanoseconds: number): number {
    return this.seconds - seconds + (this.nanoseconds - nanoseconds) / 1e9;
  }
}

/** Called for each packet; the packet is only valid until the call returns. */
export type PacketHandler = (packet: Packet) => void;

/** The link types that link.ts can strip; numbers of tcpdump.org/linktypes.html. */
export const LinkType = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  /** Raw IP under the numbers that some BSDs write. */
  rawBsd: 12,
  rawOpenBsd: 14,
  pppHdlc: 50,
  pppoe: 51,
  raw: 101,
  ciscoHdlc: 104,
  loop: 108,
  linuxSll: 113,
  ipv4: 228,
  ipv6: 229,
  linuxSll2: 276,
} as const;

/**
 * The largest captured length believed. tcpdump's own limit is 256 KiB; a longer claim is a damaged or
 * hostile file, and believing it would let the file choose how much memory is used.
 */
export const MAX_CAPTURED_LENGTH = 262_144 + 4096;
