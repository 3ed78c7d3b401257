/**
 * sFlow version 5 datagrams being written (sFlow.org, "sFlow Version 5", July 2004): a header, then samples.
 *
 * All of it is XDR: 32-bit words in network order, and what is shorter is padded. One buffer of one datagram, written in
 * place.
 */
import type { Outlet } from '../outlet.js';

export interface Agent {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
}

/** Tells the agent's uptime, ms, when a datagram leaves. */
export type Uptime = () => number;

const VERSION = 5;
/** Sample and record formats of enterprise 0. */
const FLOW_SAMPLE = 1;
const COUNTER_SAMPLE = 2;
const RAW_HEADER = 1;
const GENERIC_COUNTERS = 1;
const GENERIC_COUNTERS_BYTES = 88;
/** What an agent doesn't know is told as the largest value. */
const UNKNOWN = 0xffffffff;
const ETHERNET = 6;
/** Admin and operational status up. */
const UP = 3;

/** Header protocols of a sampled header. */
export const HeaderProtocol = { ethernet: 1, ipv4: 11, ipv6: 12 } as const;

export interface FlowSample {
  /** Of this source. */
  readonly sequence: number;
  /** ifIndex of the source, which is where the packet came in. */
  readonly source: number;
  readonly rate: number;
  /** Packets of the source so far, sampled or not. */
  readonly pool: number;
  readonly protocol: number;
  /** Bytes of the frame on the wire, its checksum included. */
  readonly frameBytes: number;
  /** Bytes at its end that were not sampled from. */
  readonly stripped: number;
  /** The frame's first bytes: `headerBytes` of them from `at`. */
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly headerBytes: number;
}

export interface InterfaceCounters {
  readonly octets: number;
  readonly unicast: number;
  readonly multicast: number;
  readonly broadcast: number;
}

export class SflowDatagrams {
  readonly #outlet: Outlet;
  readonly #agent: Agent;
  readonly #uptime: Uptime;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #headerBytes: number;
  #used: number;
  #samples = 0;
  #sequence = 0;

  constructor(outlet: Outlet, agent: Agent, maxBytes: number, uptime: Uptime) {
    this.#outlet = outlet;
    this.#agent = agent;
    this.#uptime = uptime;
    this.#bytes = new Uint8Array(maxBytes);
    this.#view = new DataView(this.#bytes.buffer);
    this.#headerBytes = 24 + agent.address.length;
    this.#used = this.#headerBytes;
  }

  get isEmpty(): boolean {
    return this.#samples === 0;
  }

  flow(sample: FlowSample): void {
    const padded = (sample.headerBytes + 3) & ~3;
    const record = 16 + padded;
    this.#open(FLOW_SAMPLE, 32 + 8 + record);
    this.#put(sample.sequence);
    this.#put(sample.source);
    this.#put(sample.rate);
    this.#put(sample.pool);
    this.#put(0); // dropped for lack of resources
    this.#put(sample.source); // input
    this.#put(0); // output, not known
    this.#put(1);
    this.#put(RAW_HEADER);
    this.#put(record);
    this.#put(sample.protocol);
    this.#put(sample.frameBytes);
    this.#put(sample.stripped);
    this.#put(sample.headerBytes);
    this.#bytes.set(sample.bytes.subarray(sample.at, sample.at + sample.headerBytes), this.#used);
    this.#bytes.fill(0, this.#used + sample.headerBytes, this.#used + padded);
    this.#used += padded;
  }

  /** The source's counters so far; all that a capture sees counts as coming in. */
  counters(sequence: number, source: number, counters: InterfaceCounters): void {
    this.#open(COUNTER_SAMPLE, 12 + 8 + GENERIC_COUNTERS_BYTES);
    this.#put(sequence);
    this.#put(source);
    this.#put(1);
    this.#put(GENERIC_COUNTERS);
    this.#put(GENERIC_COUNTERS_BYTES);
    this.#put(source);
    this.#put(ETHERNET);
    this.#putLong(0); // speed, not known
    this.#put(0); // duplex, not known
    this.#put(UP);
    this.#putLong(counters.octets);
    this.#put(counters.unicast);
    this.#put(counters.multicast);
    this.#put(counters.broadcast);
    for (let unknown = 0; unknown < 3; unknown += 1) this.#put(UNKNOWN); // discards, errors, unknown protocols
    this.#put(UNKNOWN); // octets out, 64 bits
    this.#put(UNKNOWN);
    for (let unknown = 0; unknown < 5; unknown += 1) this.#put(UNKNOWN); // packets out
    this.#put(0); // not promiscuous, as far as is known
  }

  send(): void {
    if (this.#samples === 0) return;
    const { address } = this.#agent;
    const end = this.#used;
    this.#used = 0;
    this.#put(VERSION);
    this.#put(address.length === 4 ? 1 : 2);
    this.#bytes.set(address, this.#used);
    this.#used += address.length;
    this.#put(0); // sub-agent
    this.#sequence += 1;
    this.#put(this.#sequence);
    this.#put(this.#uptime());
    this.#put(this.#samples);
    this.#outlet.write(this.#bytes.subarray(0, end));
    this.#samples = 0;
    this.#used = this.#headerBytes;
  }

  /** @param length of the sample after its head. */
  #open(format: number, length: number): void {
    if (this.#used + 8 + length > this.#bytes.length) this.send();
    this.#samples += 1;
    this.#put(format);
    this.#put(length);
  }

  #put(value: number): void {
    this.#view.setUint32(this.#used, value);
    this.#used += 4;
  }

  #putLong(value: number): void {
    this.#put(Math.floor(value / 0x1_0000_0000));
    this.#put(value >>> 0);
  }
}
