/**
 * What the two capture formats have in common: bytes are pushed in, packets and facts come out.
 *
 * A push parser owns no file and no stream, so the same code reads a file on disk, a gzip stream and the
 * pipe of a live tcpdump. It is strict where a lie would cost memory or meaning (lengths, magic numbers)
 * and lenient where a format allows growth (unknown blocks, unknown options).
 */

/** One capture interface, as the file describes it. */
export interface CaptureInterface {
  readonly linkType: number;
  /** Largest captured length; 0 for no limit. */
  readonly snaplen: number;
  readonly name?: string;
  readonly description?: string;
  /** What packets had to match to be captured, in the words of tcpdump. */
  readonly filter?: string;
}

/** Packets that the capturing machine says it saw and lost, over all interfaces. */
export interface CaptureDrops {
  readonly received: number;
  readonly dropped: number;
}

/** A comment of the file; about a packet if it has that packet's number, which counts from 1 as Wireshark does. */
export interface CaptureComment {
  readonly packet?: number;
  readonly text: string;
}

/** What made the file, in its own words. */
export interface CaptureMaker {
  readonly hardware?: string;
  readonly os?: string;
  readonly application?: string;
}

export interface FormatParser {
  readonly format: 'pcap' | 'pcapng';
  /** True once the file's header was read whole. */
  readonly started: boolean;
  /** Byte offset of what is not read yet. */
  readonly offset: number;
  readonly interfaces: readonly CaptureInterface[];
  /** Address -> name, from the file's name records. */
  readonly names: ReadonlyMap<string, string>;
  readonly drops?: CaptureDrops | undefined;
  /** The first comments; there may be more than are kept. */
  readonly comments: readonly CaptureComment[];
  /** What the first section says of its making. */
  readonly maker?: CaptureMaker | undefined;
  /**
   * Takes the next bytes, calling the packet handler for each packet that is now complete. The chunk
   * may be reused by the caller afterwards.
   *
   * @throws InputError naming the byte offset, what was found and what is allowed.
   */
  push(chunk: Uint8Array): void;
  /**
   * Tells that no more bytes come. Returns the byte offset at which the stream was cut off, or undefined
   * when it ended where a packet or block ends.
   */
  finish(): number | undefined;
}
