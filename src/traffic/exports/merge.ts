/**
 * Several captures as one, in order of time: a merge of k streams.
 *
 * Each capture is read by its own reader, which stops after a chunk until the merge has used its packets up. So a
 * chunk of each file is all that is in memory. Packets that are out of order within a file stay so, as with mergecap;
 * of two at the same time the one of the file named first comes first.
 */
import { Packet, readCapture } from '../../capture/index.js';
import type { CaptureInfo, PacketHandler, ReadOptions } from '../../capture/index.js';

/** Interface i of file f has the number f × this + i. */
export const INTERFACES_PER_FILE = 4096;

/**
 * Reads the files and calls `onPacket` for each packet; valid during the call only. Returns the facts of each file.
 *
 * @throws InputError, RunError as readCapture does.
 */
export async function mergeCaptures(
  files: readonly string[],
  onPacket: PacketHandler,
  options: Pick<ReadOptions, 'signal' | 'pause'> = {},
): Promise<CaptureInfo[]> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const streams = files.map((file, index) => new Stream(file, index, signal));
  try {
    for (;;) {
      for (const stream of streams) if (stream.isEmpty) await stream.fill();
      let used = false;
      // As long as all have packets, the earliest of their first ones is the earliest of all.
      while (!streams.some((stream) => stream.isEmpty && !stream.isOver)) {
        const next = earliest(streams);
        if (next === undefined) return await Promise.all(streams.map((stream) => stream.info));
        onPacket(next.take());
        used = true;
      }
      if (used) await options.pause?.();
    }
  } finally {
    stop.abort();
    for (const stream of streams) stream.release();
    await Promise.allSettled(streams.map((stream) => stream.info));
  }
}

function earliest(streams: readonly Stream[]): Stream | undefined {
  let best: Stream | undefined;
  for (const stream of streams) {
    if (stream.isEmpty) continue;
    if (best === undefined || stream.head.secondsSince(best.head.seconds, best.head.nanoseconds) < 0) {
      best = stream;
    }
  }
  return best;
}

/** A capture's packets, to be taken one by one: a chunk of them is kept. */
class Stream {
  readonly info: Promise<CaptureInfo>;
  isOver = false;
  #packets: Packet[] = [];
  #next = 0;
  /** Lets the reader go on. */
  #resume: (() => void) | undefined;
  /** Tells who waits that there are packets, or that none will come. */
  #notify: (() => void) | undefined;

  constructor(file: string, index: number, signal: AbortSignal) {
    const keep: PacketHandler = (packet) => this.#packets.push(copyOf(packet, index));
    this.info = readCapture(file, keep, { signal, pause: () => this.#pause() }).finally(() => {
      this.isOver = true;
      this.#notify?.();
    });
    // Whoever fills or asks for the facts gets the error; until then it is nobody's.
    this.info.catch(() => undefined);
  }

  get isEmpty(): boolean {
    return this.#next >= this.#packets.length;
  }

  /** The next packet. */
  get head(): Packet {
    return this.#packets[this.#next]!;
  }

  take(): Packet {
    return this.#packets[this.#next++]!;
  }

  /** Resolves when there is a packet again, or the file is over. */
  async fill(): Promise<void> {
    while (this.isEmpty && !this.isOver) {
      this.#packets = [];
      this.#next = 0;
      const filled = new Promise<void>((resolve) => (this.#notify = resolve));
      this.release();
      await filled;
    }
    if (this.isOver) await this.info;
  }

  release(): void {
    this.#resume?.();
    this.#resume = undefined;
  }

  #pause(): Promise<void> | undefined {
    if (this.isEmpty) return undefined;
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#notify?.();
    });
  }
}

function copyOf(packet: Packet, index: number): Packet {
  const copy = new Packet();
  copy.bytes = Uint8Array.from(packet.captured);
  copy.length = packet.length;
  copy.originalLength = packet.originalLength;
  copy.linkType = packet.linkType;
  copy.interfaceId = index * INTERFACES_PER_FILE + packet.interfaceId;
  copy.seconds = packet.seconds;
  copy.nanoseconds = packet.nanoseconds;
  return copy;
}
