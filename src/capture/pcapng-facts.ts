/**
 * What a pcapng file says beside its packets: names, comments, who made it, what was lost.
 *
 * It will all be kept until the file ends and then meet a terminal, so amounts are bounded and whatever could steer a
 * terminal is replaced.
 */
import type { CaptureComment, CaptureDrops, CaptureMaker } from './parser.js';

const MAX_NAMES = 65_536;
const MAX_NAME_LENGTH = 255;
const MAX_COMMENTS = 1000;
const MAX_COMMENT_LENGTH = 1000;

export class PcapngFacts {
  /** Address -> name. */
  readonly names = new Map<string, string>();
  readonly comments: CaptureComment[] = [];
  maker: CaptureMaker | undefined;
  /** The latest statistics of each interface, which count from its start on. */
  readonly #statistics = new Map<number, CaptureDrops>();
  readonly #text = new TextDecoder();
  /** Packets lost before others, as packet blocks tell it. */
  #lost = 0;

  comment(bytes: Uint8Array, packet?: number): void {
    if (this.comments.length >= MAX_COMMENTS) return;
    const text = this.#string(bytes.subarray(0, MAX_COMMENT_LENGTH));
    this.comments.push({ ...(packet === undefined ? {} : { packet }), text });
  }

  /** @param bytes names that end in 0, of which the first is taken. */
  name(address: string, bytes: Uint8Array): void {
    if (this.names.size >= MAX_NAMES) return;
    const end = bytes.indexOf(0);
    const name = this.short(end < 0 ? bytes : bytes.subarray(0, end));
    if (name !== '') this.names.set(address, name);
  }

  /** @param counts packets that interface `id`, counted over all sections, saw and lost up to now. */
  statistics(id: number, counts: CaptureDrops): void {
    this.#statistics.set(id, counts);
  }

  lost(packets: number): void {
    this.#lost += packets;
  }

  /** From the statistics; from the packet blocks, if there are none but losses. */
  drops(packets: number): CaptureDrops | undefined {
    if (this.#statistics.size === 0) {
      return this.#lost === 0 ? undefined : { received: packets + this.#lost, dropped: this.#lost };
    }
    let received = 0;
    let dropped = 0;
    for (const counts of this.#statistics.values()) {
      received += counts.received;
      dropped += counts.dropped;
    }
    return { received, dropped };
  }

  /** A short text, such as a name. */
  short(bytes: Uint8Array): string {
    return this.#string(bytes.subarray(0, MAX_NAME_LENGTH));
  }

  #string(bytes: Uint8Array): string {
    return this.#text.decode(bytes).replace(/\s+/gu, ' ').replace(/\p{C}/gu, '\ufffd');
  }
}
