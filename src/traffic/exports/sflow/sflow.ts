/**
 * sFlow version 5: what a switch tells of the packets it samples. Of each the first bytes, as they were, and nothing is
 * put together: whoever receives it counts and multiplies by the rate.
 *
 * Each interface of the capture is a source of its own, with a sampler, a pool and counters of its own; a source also
 * sends its counters every 20 s. What a capture can't know (discards, what went out, speed) is told as unknown.
 * sFlow has no time but the agent's uptime, which here is the time since the capture's first packet; samples wait for
 * company for no longer than a second of it.
 */
import { addressBytes, addressFrom, decode, Decoded, LinkType } from '../../../capture/index.js';
import type { Packet } from '../../../capture/index.js';
import { samplerOf } from '../../sampling/index.js';
import type { Sampler, SamplingPlan } from '../../sampling/index.js';
import { packetFormat } from '../format.js';
import type { ExportContext, FormatOption, PacketSink } from '../format.js';
import { messageBytes, messageBytesFor, wholeNumber } from '../netflow/options.js';
import { HeaderProtocol, SflowDatagrams } from './datagrams.js';

const headerBytes: FormatOption<number> = {
  flags: '--header-bytes <n>',
  description: 'bytes of a packet that a sample has (default: 128)',
  parse: wholeNumber('--header-bytes', 14, 256),
  otherwise: 128,
};

const agent: FormatOption<Uint8Array> = {
  flags: '--agent <address>',
  description: 'IP address of the agent, as samples tell it (default: 127.0.0.1)',
  parse: (text) => addressBytes(addressFrom('--agent', text)),
  otherwise: Uint8Array.of(127, 0, 0, 1),
};

interface SflowOptions {
  readonly messageBytes: number | undefined;
  readonly headerBytes: number;
  readonly agent: Uint8Array;
}

export const sflow = packetFormat({
  name: 'sflow',
  summary: 'sFlow v5 datagrams, to a collector: samples of packets, and counters',
  to: ['collector'],
  samplesItself: true,
  samplesBy: 'sflow',
  options: { messageBytes, headerBytes, agent },
  open: (context, options) => new SflowSink(context, options),
});

const COUNTERS_EVERY_SECONDS = 20;
const LONGEST_WAIT_SECONDS = 1;
/** Interfaces that are told apart; what is beyond shares the last. */
const MAX_SOURCES = 1024;
/** An Ethernet frame's checksum: on the wire, in no capture, and counted by sFlow as part of the frame. */
const CHECKSUM_BYTES = 4;

/** An interface of the capture. */
class Source {
  readonly sampler: Sampler;
  pool = 0;
  samples = 0;
  counterSamples = 0;
  octets = 0;
  unicast = 0;
  multicast = 0;
  broadcast = 0;

  constructor(
    readonly ifIndex: number,
    plan: SamplingPlan,
  ) {
    this.sampler = samplerOf({ ...plan, seed: plan.seed + ifIndex });
  }
}

/** Writes sFlow datagrams into the context's outlet. */
export class SflowSink implements PacketSink {
  readonly #plan: SamplingPlan;
  readonly #headerBytes: number;
  readonly #datagrams: SflowDatagrams;
  readonly #sources = new Map<number, Source>();
  readonly #decoded = new Decoded();
  #startSeconds: number | undefined;
  #startNanoseconds = 0;
  /** Seconds since the first packet, never going back. */
  #now = 0;
  #openedAt = 0;
  #countersAt = COUNTERS_EVERY_SECONDS;

  constructor({ settings, outlet }: ExportContext, options: SflowOptions) {
    this.#plan = settings.sampling;
    this.#headerBytes = options.headerBytes;
    const longest = messageBytesFor(options.messageBytes, true);
    const uptime = () => Math.floor(this.#now * 1000);
    this.#datagrams = new SflowDatagrams(outlet, { address: options.agent }, longest, uptime);
  }

  packet(packet: Packet): void {
    this.#tick(packet);
    const source = this.#sourceOf(packet.interfaceId);
    source.pool += 1;
    count(source, packet);
    if (!source.sampler.take()) return;
    const sample = this.#headerOf(packet);
    if (sample === undefined) return;
    if (this.#datagrams.isEmpty) this.#openedAt = this.#now;
    source.samples += 1;
    this.#datagrams.flow({
      sequence: source.samples,
      source: source.ifIndex,
      rate: this.#plan.rate,
      pool: source.pool,
      ...sample,
    });
  }

  finish(): void {
    this.#tellCounters();
    this.#datagrams.send();
  }

  #tick(packet: Packet): void {
    if (this.#startSeconds === undefined) {
      this.#startSeconds = packet.seconds;
      this.#startNanoseconds = packet.nanoseconds;
    }
    this.#now = Math.max(this.#now, packet.secondsSince(this.#startSeconds, this.#startNanoseconds));
    if (this.#now >= this.#countersAt) {
      this.#tellCounters();
      this.#countersAt = this.#now + COUNTERS_EVERY_SECONDS;
    }
    if (!this.#datagrams.isEmpty && this.#now - this.#openedAt >= LONGEST_WAIT_SECONDS)
      this.#datagrams.send();
  }

  #tellCounters(): void {
    for (const source of this.#sources.values()) {
      source.counterSamples += 1;
      if (this.#datagrams.isEmpty) this.#openedAt = this.#now;
      this.#datagrams.counters(source.counterSamples, source.ifIndex, source);
    }
  }

  #sourceOf(interfaceId: number): Source {
    const ifIndex = Math.min(interfaceId, MAX_SOURCES - 1) + 1;
    let source = this.#sources.get(ifIndex);
    if (source === undefined) {
      source = new Source(ifIndex, this.#plan);
      this.#sources.set(ifIndex, source);
    }
    return source;
  }

  /** The part of the packet that is told: an Ethernet frame, or of other links the IP packet; undefined if it has none. */
  #headerOf(packet: Packet) {
    const { bytes, offset, length, originalLength } = packet;
    if (packet.linkType === LinkType.ethernet) {
      return {
        protocol: HeaderProtocol.ethernet,
        frameBytes: originalLength + CHECKSUM_BYTES,
        stripped: CHECKSUM_BYTES,
        bytes,
        at: offset,
        headerBytes: Math.min(length, this.#headerBytes),
      };
    }
    if (decode(packet, this.#decoded) !== 'ip') return undefined;
    const { ipOffset, version } = this.#decoded;
    return {
      protocol: version === 4 ? HeaderProtocol.ipv4 : HeaderProtocol.ipv6,
      frameBytes: originalLength - (ipOffset - offset),
      stripped: 0,
      bytes,
      at: ipOffset,
      headerBytes: Math.min(offset + length - ipOffset, this.#headerBytes),
    };
  }
}

/** Counts a packet by its destination address, where its link has one. */
function count(source: Source, { bytes, offset, length, linkType, originalLength }: Packet): void {
  const isEthernet = linkType === LinkType.ethernet;
  source.octets += originalLength + (isEthernet ? CHECKSUM_BYTES : 0);
  if (!isEthernet || length < 6 || (bytes[offset]! & 1) === 0) source.unicast += 1;
  else if (isBroadcast(bytes, offset)) source.broadcast += 1;
  else source.multicast += 1;
}

function isBroadcast(bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < 6; index += 1) if (bytes[at + index] !== 255) return false;
  return true;
}
