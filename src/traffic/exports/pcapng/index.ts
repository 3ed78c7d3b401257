/**
 * pcapng again: a capture cut, anonymized, or several merged.
 *
 * Cut: to the first bytes of each packet, to a span of time, to hosts and ports. Anonymized: see anonymize.ts; names,
 * comments and interface names go, too. Merged: the pipeline (../merge.ts) feeds several captures in order of time, and
 * each of their interfaces becomes one here. Times keep their nanoseconds, lengths on the wire stay what they were.
 */
import path from 'node:path';
import { addressBytes, parseAddress } from '../../../capture/index.js';
import type { Address, CaptureInfo, Packet } from '../../../capture/index.js';
import { InputError } from '../../../errors.js';
import { packetFormat } from '../format.js';
import type { ExportContext, FormatOption, PacketSink } from '../format.js';
import { INTERFACES_PER_FILE } from '../merge.js';
import { Anonymizer } from './anonymize.js';
import { PcapngBlocks } from './blocks.js';
import { keyOfFile, keyOfVariable } from './key.js';
import { parseHosts, parseInstant, parsePorts, Selector } from './select.js';
import type { Instant, Selection } from './select.js';

const MAX_SNAPLEN = 262_144;

function option<T>(flags: string, description: string, parse: (name: string, text: string) => T) {
  const [name = ''] = flags.split(' ');
  return {
    flags,
    description,
    parse: (text: string) => parse(name, text),
    otherwise: undefined,
  } satisfies FormatOption<T | undefined>;
}

const options: {
  readonly snaplen: FormatOption<number | undefined>;
  readonly from: FormatOption<Instant | undefined>;
  readonly toTime: FormatOption<Instant | undefined>;
  readonly host: FormatOption<readonly Address[] | undefined>;
  readonly port: FormatOption<readonly number[] | undefined>;
  readonly anonymize: FormatOption<Uint8Array | undefined>;
  readonly keyFrom: FormatOption<Uint8Array | undefined>;
} = {
  snaplen: option('--snaplen <bytes>', 'keep so many bytes of each packet', snaplenOf),
  from: option(
    '--from <time>',
    'from then on: a date and time, seconds since 1970, or +SECONDS',
    parseInstant,
  ),
  toTime: option('--to-time <time>', 'up to then, without it', parseInstant),
  host: option('--host <addresses>', 'to or from one of these, with commas between', parseHosts),
  port: option('--port <ports>', 'to or from one of these ports', parsePorts),
  anonymize: option(
    '--anonymize <keyfile>',
    'pseudonyms for addresses that keep prefixes (Crypto-PAn, by the 32-byte key in this file), payload cut off',
    keyOfFile,
  ),
  keyFrom: option(
    '--key-from <variable>',
    'the same, by the key in this environment variable',
    keyOfVariable,
  ),
};

export const pcapng = packetFormat({
  name: 'pcapng',
  summary: 'packets again: cut, anonymized, several captures merged',
  to: ['file'],
  options,
  open: (context, values) => {
    if (values.anonymize !== undefined && values.keyFrom !== undefined) {
      throw new InputError('--key-from: found with --anonymize; allowed: one of them');
    }
    const selection: Selection = {
      from: values.from,
      until: values.toTime,
      hosts: values.host ?? [],
      ports: values.port ?? [],
    };
    return new PcapngSink(context, selection, values.snaplen, values.anonymize ?? values.keyFrom);
  },
});

const ANONYMIZED =
  'Addresses are pseudonyms (Crypto-PAn), payload is cut off, checksums of transport headers are zero.';

class PcapngSink implements PacketSink {
  readonly #blocks: PcapngBlocks;
  readonly #selector: Selector;
  readonly #snaplen: number;
  readonly #anonymizer: Anonymizer | undefined;
  readonly #sources: readonly string[];
  /** Numbers of the interfaces described so far, by source and link type. */
  readonly #interfaces = new Map<number, number>();

  constructor(
    { outlet, sources }: ExportContext,
    selection: Selection,
    snaplen: number | undefined,
    key?: Uint8Array,
  ) {
    this.#anonymizer = key === undefined ? undefined : new Anonymizer(key);
    this.#blocks = new PcapngBlocks(outlet, key === undefined ? undefined : ANONYMIZED);
    this.#selector = new Selector(selection);
    this.#snaplen = snaplen ?? MAX_SNAPLEN;
    this.#sources = sources ?? [];
  }

  packet(packet: Packet): void {
    if (!this.#selector.takes(packet)) return;
    const anonymizer = this.#anonymizer;
    if (anonymizer === undefined) {
      this.#write(packet, packet.linkType, packet.bytes, packet.offset, packet.length, packet.originalLength);
    } else if (anonymizer.rewrite(packet)) {
      const { linkType, bytes, length, originalLength } = anonymizer;
      this.#write(packet, linkType, bytes, 0, length, originalLength);
    }
  }

  finish({ names, drops }: CaptureInfo): void {
    if (this.#anonymizer !== undefined) return;
    this.#blocks.names(
      [...names].flatMap(([text, name]) => {
        const address = parseAddress(text);
        return address === undefined ? [] : [[addressBytes(address), name] as const];
      }),
    );
    if (drops !== undefined && this.#interfaces.size > 0) {
      this.#blocks.statistics(0, drops.received, drops.dropped);
    }
  }

  #write(
    { interfaceId, seconds, nanoseconds }: Packet,
    linkType: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    originalLength: number,
  ): void {
    const key = interfaceId * 65_536 + linkType;
    let id = this.#interfaces.get(key);
    if (id === undefined) {
      id = this.#blocks.interface(linkType, this.#snaplen, this.#name(interfaceId));
      this.#interfaces.set(key, id);
    }
    const captured = Math.min(length, this.#snaplen);
    this.#blocks.packet(
      id,
      seconds,
      nanoseconds,
      bytes,
      offset,
      captured,
      Math.max(originalLength, captured),
    );
  }

  /** Of the file that the interface is in, but for anonymized ones: files have telling names. */
  #name(interfaceId: number): string {
    const source = Math.floor(interfaceId / INTERFACES_PER_FILE);
    const within = interfaceId % INTERFACES_PER_FILE;
    const file = this.#sources[source];
    const name =
      file === undefined || this.#anonymizer !== undefined ? `capture ${source + 1}` : path.basename(file);
    return within === 0 ? name : `${name} (${within})`;
  }
}

function snaplenOf(name: string, text: string): number {
  const bytes = /^\d+$/.test(text) ? Number(text) : NaN;
  if (bytes >= 1 && bytes <= MAX_SNAPLEN) return bytes;
  throw new InputError(`${name}: found "${text}"; allowed: 1 to ${MAX_SNAPLEN}`);
}
