/**
 * Unpacks a zstd stream (RFC 8878) as it comes, piece by piece.
 *
 * The decoder is zstd's own, compiled to WebAssembly (package zstddec; Node 20 has none built in). The package's streaming call
 * wants all input at hand and does not look at errors, so this speaks to the functions beneath it, as zstd's manual
 * says: any number of frames after each other, checksums verified, and a window of at most 128 MiB, which is what
 * `zstd -d` grants a file, too.
 */
import { ZSTDDecoder } from 'zstddec/stream';
import { InputError } from '../errors.js';

/** What of the library is used: zstd.h; pointers and sizes are 32 bits. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(bytes: number): number;
  free(pointer: number): void;
  ZSTD_createDCtx(): number;
  ZSTD_freeDCtx(context: number): number;
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

/** Error codes of zstd_errors.h that say more than "damaged". */
const ERROR_UNKNOWN_FRAME = 10;
const ERROR_WINDOW_TOO_LARGE = 16;
const ERROR_CHECKSUM = 22;
/** Returned sizes above this, as unsigned 32 bits, are negated error codes (ZSTD_isError). */
const MAX_ERROR_CODE = 120;

const INPUT_BYTES = 128 * 1024;
const OUTPUT_BYTES = 256 * 1024;
/** A buffer as zstd takes it: pointer, size, position. */
const BUFFER_STRUCT_BYTES = 12;

let loading: Promise<Exports> | undefined;

/** The library, compiled once for all streams. */
async function loadLibrary(): Promise<Exports> {
  const decoder = new ZSTDDecoder();
  const initialize: (result: unknown) => void = decoder._init.bind(decoder);
  return new Promise((resolve, reject) => {
    decoder._init = (result: { readonly instance: { readonly exports: unknown } }) => {
      initialize(result);
      resolve(result.instance.exports as Exports);
    };
    decoder.init().catch(reject);
  });
}

/** Opens a stream; `onChunk` gets what is unpacked, valid during the call only. */
export async function openZstd(onChunk: (chunk: Uint8Array) => void): Promise<ZstdStream> {
  return new ZstdStream(await (loading ??= loadLibrary()), onChunk);
}

export class ZstdStream {
  readonly #library: Exports;
  readonly #onChunk: (chunk: Uint8Array) => void;
  readonly #context: number;
  /** One allocation: input bytes, output bytes, and the two structs. */
  readonly #block: number;
  /** Bytes of the stream taken before the current piece. */
  #taken = 0;
  #isWithinFrame = false;

  constructor(library: Exports, onChunk: (chunk: Uint8Array) => void) {
    this.#library = library;
    this.#onChunk = onChunk;
    this.#context = library.ZSTD_createDCtx();
    this.#block = library.malloc(INPUT_BYTES + OUTPUT_BYTES + 2 * BUFFER_STRUCT_BYTES);
  }

  /**
   * Unpacks the next bytes; the chunk may be reused by the caller afterwards.
   *
   * @throws InputError naming the byte offset in the packed stream.
   */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += INPUT_BYTES) {
      const piece = chunk.subarray(at, at + INPUT_BYTES);
      this.#unpack(piece);
      this.#taken += piece.length;
    }
  }

  /** Whether the stream, which has ended, was cut off within a frame. */
  get isCut(): boolean {
    return this.#isWithinFrame;
  }

  /** Gives memory back; nothing may be pushed afterwards. */
  close(): void {
    this.#library.ZSTD_freeDCtx(this.#context);
    this.#library.free(this.#block);
  }

  #unpack(piece: Uint8Array): void {
    const { memory } = this.#library;
    const output = this.#block + INPUT_BYTES;
    const inputStruct = output + OUTPUT_BYTES;
    const outputStruct = inputStruct + BUFFER_STRUCT_BYTES;
    new Uint8Array(memory.buffer).set(piece, this.#block);
    let read = 0;
    for (;;) {
      // Memory may have grown and moved since, so views are made anew.
      const words = new Uint32Array(memory.buffer, inputStruct, 6);
      words.set([this.#block, piece.length, read, output, OUTPUT_BYTES, 0]);
      const hint = this.#library.ZSTD_decompressStream(this.#context, outputStruct, inputStruct);
      const [, , position = 0, , , written = 0] = new Uint32Array(memory.buffer, inputStruct, 6);
      const code = -(hint | 0);
      if (code > 0 && code <= MAX_ERROR_CODE) this.#fail(position, code);
      // Between frames it hopes for another header; a stream may end there.
      if (position > read || written > 0) this.#isWithinFrame = hint !== 0;
      read = position;
      if (written > 0) this.#onChunk(new Uint8Array(memory.buffer, output, written));
      // A full output buffer may mean that more is ready.
      if (read === piece.length && written < OUTPUT_BYTES) return;
    }
  }

  #fail(position: number, code: number): never {
    const at = `byte ${this.#taken + position} of the zstd stream`;
    switch (code) {
      case ERROR_WINDOW_TOO_LARGE:
        throw new InputError(
          `${at}: found a frame that needs a window of more than 128 MiB; allowed: up to 128 MiB`,
        );
      case ERROR_UNKNOWN_FRAME:
        throw new InputError(`${at}: found something that is no zstd frame; allowed: zstd frames only`);
      case ERROR_CHECKSUM:
        throw new InputError(`${at}: found a checksum that does not fit the data; allowed: undamaged data`);
      default:
        throw new InputError(`${at}: found damaged zstd data; allowed: undamaged data`);
    }
  }
}
