/** A TCP segment's header, filled again and again. */
import { uint16, uint32 } from '../../capture/bytes.js';

const MIN_HEADER = 20;

export class Segment {
  syn = false;
  fin = false;
  rst = false;
  ack = false;
  sequence = 0;
  acknowledgement = 0;
  window = 0;
  /** Bytes of payload, by the headers. */
  length = 0;
  /** All of the payload was captured. */
  isCaptured = false;
  headerBytes = 0;

  /** What it takes of sequence numbers: payload, SYN and FIN; a RST's payload is no part of the stream. */
  get sequenceLength(): number {
    return (this.rst ? 0 : this.length) + (this.syn ? 1 : 0) + (this.fin ? 1 : 0);
  }

  /** Reads the first 20 bytes, which must be there. */
  readFixed(bytes: Uint8Array, at: number): void {
    this.sequence = uint32(bytes, at + 4);
    this.acknowledgement = uint32(bytes, at + 8);
    this.headerBytes = (bytes[at + 12]! >> 4) * 4;
    const flags = bytes[at + 13]!;
    this.fin = (flags & 1) !== 0;
    this.syn = (flags & 2) !== 0;
    this.rst = (flags & 4) !== 0;
    this.ack = (flags & 16) !== 0;
    this.window = uint16(bytes, at + 14);
  }

  /**
   * Sets the lengths. False when header and lengths contradict each other.
   *
   * @param length bytes of header and payload by IP. @param captured of them, or more with Ethernet's padding.
   */
  fit(length: number, captured: number): boolean {
    if (this.headerBytes < MIN_HEADER || this.headerBytes > length || this.headerBytes > captured)
      return false;
    this.length = length - this.headerBytes;
    this.isCaptured = captured >= length;
    return true;
  }
}
