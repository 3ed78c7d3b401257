/**
 * A window over a byte stream that arrives in pieces.
 *
 * The parsers think in whole blocks, a file is read in chunks, and blocks do not end where chunks do. This
 * holds the current chunk and, when one ends inside a block, the rest of it until more has come. It copies
 * the block that lies in two chunks and nothing else, and never holds more than one unfinished block and one chunk.
 */
const BRIDGE_BYTES = 4096;

export class Chunks {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** Where the next unread byte lies in `bytes`, and where `bytes` ends to be valid. */
  position = 0;
  end = 0;
  #own: Uint8Array = new Uint8Array(0);
  /** Offset in the stream of `bytes[0]`. */
  #base = 0;

  /** Offset in the stream of the next unread byte. */
  get offset(): number {
    return this.#base + this.position;
  }

  /** Bytes that have come and are not read yet. */
  get available(): number {
    return this.end - this.position;
  }

  /**
   * Takes the next chunk and has what can be read of it read; the caller may have the chunk back afterwards.
   *
   * @param read reads as many whole blocks as are available, moving `position`.
   */
  feed(chunk: Uint8Array, read: () => void): void {
    let taken = 0;
    // A block that began in the last chunk is completed with as little of this one as will do.
    for (let step = BRIDGE_BYTES; this.available > 0 && taken < chunk.length; step *= 2) {
      const part = chunk.subarray(taken, taken + step);
      this.#append(part);
      taken += part.length;
      read();
      if (this.available <= part.length) {
        // What is left over lies in the chunk as well; there it is read in place.
        taken -= this.available;
        this.end = this.position;
      }
    }
    if (taken < chunk.length) {
      this.#base += this.position;
      this.#use(taken === 0 ? chunk : chunk.subarray(taken), chunk.length - taken);
      read();
    }
    this.#settle();
  }

  /** Adds a part of a chunk to what is unread. */
  #append(part: Uint8Array): void {
    const rest = this.available;
    const needed = rest + part.length;
    this.#base += this.position;
    if (this.#own.length < needed) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#own.length));
      grown.set(this.bytes.subarray(this.position, this.end));
      this.#own = grown;
    } else this.#own.set(this.bytes.subarray(this.position, this.end));
    this.#own.set(part, rest);
    this.#use(this.#own, needed);
  }

  /** Takes a copy of what is unread, so that the caller may have its chunk back. */
  #settle(): void {
    const rest = this.available;
    if (this.bytes === this.#own || rest === 0) return;
    if (this.#own.length < rest) this.#own = new Uint8Array(Math.max(rest, 65_536));
    this.#own.set(this.bytes.subarray(this.position, this.end));
    this.#base += this.position;
    this.#use(this.#own, rest);
  }

  #use(bytes: Uint8Array, end: number): void {
    if (this.bytes !== bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.position = 0;
    this.end = end;
  }
}
