/**
 * A parser for either capture format: it waits for the first four bytes, tells the format by them and
 * hands everything on. See parser.ts for what a push parser is.
 */
import { InputError } from '../errors.js';
import type { PacketHandler } from './packet.js';
import type { CaptureComment, CaptureDrops, CaptureInterface, CaptureMaker, FormatParser } from './parser.js';
import { pcapMagics, PcapParser } from './pcap-parser.js';
import { Block } from './pcapng-format.js';
import { PcapngParser } from './pcapng-parser.js';

const allowed = 'a pcap or pcapng capture';

export class CaptureParser implements FormatParser {
  readonly #onPacket: PacketHandler;
  #parser: FormatParser | undefined;
  /** The first bytes, while they are too few to tell the format. */
  #head: Uint8Array = new Uint8Array(0);

  constructor(onPacket: PacketHandler) {
    this.#onPacket = onPacket;
  }

  get format(): 'pcap' | 'pcapng' {
    return this.#known().format;
  }

  get started(): boolean {
    return this.#parser?.started ?? false;
  }

  get offset(): number {
    return this.#parser?.offset ?? 0;
  }

  get interfaces(): readonly CaptureInterface[] {
    return this.#known().interfaces;
  }

  get names(): ReadonlyMap<string, string> {
    return this.#known().names;
  }

  get comments(): readonly CaptureComment[] {
    return this.#known().comments;
  }

  get maker(): CaptureMaker | undefined {
    return this.#known().maker;
  }

  get drops(): CaptureDrops | undefined {
    return this.#known().drops;
  }

  push(chunk: Uint8Array): void {
    if (this.#parser === undefined) {
      this.#head = Buffer.concat([this.#head, chunk]);
      if (this.#head.length < 4) return;
      this.#parser = this.#choose();
      chunk = this.#head;
      this.#head = new Uint8Array(0);
    }
    this.#parser.push(chunk);
  }

  /** @throws InputError when there was nothing, or less than a format's header. */
  finish(): number | undefined {
    if (this.#parser === undefined) {
      const found = this.#head.length === 0 ? 'an empty file' : `only ${this.#head.length} bytes`;
      throw new InputError(`byte 0: found ${found}; allowed: ${allowed}`);
    }
    const truncatedAt = this.#parser.finish();
    if (!this.#parser.started) {
      throw new InputError(
        `byte 0: found a ${this.#parser.format} header that is cut off; allowed: ${allowed}`,
      );
    }
    return truncatedAt;
  }

  #known(): FormatParser {
    if (this.#parser === undefined) throw new InputError(`byte 0: found too few bytes; allowed: ${allowed}`);
    return this.#parser;
  }

  #choose(): FormatParser {
    const magic = new DataView(this.#head.buffer, this.#head.byteOffset).getUint32(0);
    if (magic === Block.sectionHeader) return new PcapngParser(this.#onPacket);
    if (pcapMagics.has(magic)) return new PcapParser(this.#onPacket);
    const found = `0x${magic.toString(16).padStart(8, '0')}`;
    throw new InputError(
      `byte 0: found the bytes ${found}; allowed: ${allowed} (compressed by gzip or zstd, too)`,
    );
  }
}
