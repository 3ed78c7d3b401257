/**
 * Control messages as they are on the wire here: a header that says how long the message is and how long an
 * answer it wants, and noise, so that neither end needs to know what the message would mean, and no compression
 * on the way makes it smaller.
 */
import { randomBytes } from 'node:crypto';

/** Two 32-bit numbers: bytes of the message, header included, and bytes of the answer. */
export const HEADER_BYTES = 8;

const pool = randomBytes(1 << 18);
/** Where in the pool the next noise begins: elsewhere each time, by a prime. */
let start = 0;
const STRIDE = 4099;

/** At most so many bytes of noise at once. */
export const LARGEST_NOISE = pool.length / 2;

/** Random bytes; a view of what others get too, so not to be changed. */
export function noise(bytes: number): Buffer {
  if (bytes > LARGEST_NOISE) throw new RangeError(`noise of ${bytes} bytes; at most ${LARGEST_NOISE}`);
  start = (start + STRIDE) % (pool.length - LARGEST_NOISE);
  return pool.subarray(start, start + bytes);
}

/** A message of `request` bytes that asks for `response` bytes. Throws a RangeError if it can't hold its header. */
export function message(request: number, response: number): Buffer {
  if (request < HEADER_BYTES) throw new RangeError(`a message of ${request} bytes; at least ${HEADER_BYTES}`);
  const bytes = Buffer.from(noise(request));
  bytes.writeUInt32BE(request, 0);
  bytes.writeUInt32BE(response, 4);
  return bytes;
}

/** Bytes that a datagram asks for; 0 for one that is an answer itself, or nothing of ours. */
export const wantedBy = (datagram: Buffer): number =>
  datagram.length < HEADER_BYTES ? 0 : datagram.readUInt32BE(4);

/** Finds the messages in a stream of bytes, however it is cut. */
export class MessageReader {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  /** Of the message that is coming, after its header. */
  #left = 0;

  /** The answers, in bytes, that are due to messages which end in this piece of the stream; 0 for none wanted. */
  read(piece: Buffer): number[] {
    const due: number[] = [];
    let at = 0;
    while (at < piece.length) {
      if (this.#headerBytes < HEADER_BYTES) {
        const taken = piece.copy(this.#header, this.#headerBytes, at, at + HEADER_BYTES - this.#headerBytes);
        this.#headerBytes += taken;
        at += taken;
        if (this.#headerBytes < HEADER_BYTES) break;
        this.#left = Math.max(0, this.#header.readUInt32BE(0) - HEADER_BYTES);
      }
      const taken = Math.min(this.#left, piece.length - at);
      this.#left -= taken;
      at += taken;
      if (this.#left > 0) break;
      due.push(this.#header.readUInt32BE(4));
      this.#headerBytes = 0;
    }
    return due;
  }
}
