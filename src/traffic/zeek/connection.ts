/**
 * One conversation as Zeek tells it: two ends, of which one called the other, and what went each way.
 *
 * It holds what all protocols share: who, when, how much, and the timer that ends it in silence. What TCP knows beyond
 * that is a TcpSession hung onto it. It is open until the tracker closes it; then it becomes a row of conn.log
 * (conn-record.ts).
 */
import type { Encapsulation } from './encapsulation.js';
import { History, isDecade } from './history.js';
import type { IpHeader } from './ip-header.js';
import type { TcpSession } from './tcp-session.js';
import type { Timer } from './timers.js';
import { uidOf } from './uid.js';

/** An address as four 32-bit words; IPv4 is mapped. */
export type Words = readonly [number, number, number, number];

export type Transport = 'tcp' | 'udp' | 'icmp' | 'unknown_transport';

/** Shared by all that have none, for most have none. */
const none: readonly string[] = [];

/** What went one way. */
export class Direction {
  packets = 0;
  ipBytes = 0;
  /** Of UDP and ICMP, by their headers; -1 until there was something. */
  payloadBytes = -1;
  badChecksums = 0;
}

export class Connection {
  originator: Words;
  originatorPort: number;
  responder: Words;
  responderPort: number;
  /** What the originator sent. */
  forth = new Direction();
  back = new Direction();
  /** Microseconds since 1970. */
  readonly startedAt: number;
  lastAt: number;
  readonly history = new History();
  tcp: TcpSession | undefined;
  missedBytes = 0;
  /** The tunnel that its packets came through last, and all that they ever came through. */
  encapsulation: Encapsulation | undefined;
  tunnelParents: readonly string[] = none;
  /** The tunnel that this connection itself is. */
  tunnel: Encapsulation | undefined;
  /** Names of tunnel protocols that were confirmed. */
  services: readonly string[] = none;
  /** A tunnel that broke its protocol is looked into no more. */
  violations: readonly string[] = none;
  /** Which ends have spoken Teredo. */
  hasTeredoForth = false;
  hasTeredoBack = false;
  /** MAC addresses, six bytes each, of the first packet. */
  originatorMac: Uint8Array | undefined;
  responderMac: Uint8Array | undefined;
  idleMicros = 0;
  idleTimer: Timer<Connection> | undefined;
  readonly timers: Timer<Connection>[] = [];
  isOpen = true;
  /** Neighbour in the table's chain of equal hashes. */
  next: Connection | undefined;

  constructor(
    private readonly number: number,
    readonly transport: Transport,
    readonly protocol: number,
    /** ICMP messages without a counterpart: both directions are told apart. */
    readonly isOneWay: boolean,
    readonly hash: number,
    ip: IpHeader,
    sourcePort: number,
    destinationPort: number,
    now: number,
  ) {
    this.originator = [ip.source0, ip.source1, ip.source2, ip.source3];
    this.originatorPort = sourcePort;
    this.responder = [ip.destination0, ip.destination1, ip.destination2, ip.destination3];
    this.responderPort = destinationPort;
    this.startedAt = this.lastAt = now;
  }

  /** The two ends change places. */
  flip(): void {
    [this.originator, this.responder] = [this.responder, this.originator];
    [this.originatorPort, this.responderPort] = [this.responderPort, this.originatorPort];
    [this.originatorMac, this.responderMac] = [this.responderMac, this.originatorMac];
    [this.forth, this.back] = [this.back, this.forth];
    this.tcp?.flip();
    this.history.add('^');
  }

  /** As the log names it; most are only asked when it ends. */
  get uid(): string {
    this.#uid ??= uidOf(this.number);
    return this.#uid;
  }
  #uid: string | undefined;

  isFromOriginator(ip: IpHeader, sourcePort: number): boolean {
    return sourcePort === this.originatorPort && isSource(ip, this.originator);
  }

  count(isOriginator: boolean, ipBytes: number): void {
    const direction = isOriginator ? this.forth : this.back;
    direction.packets += 1;
    direction.ipBytes += ipBytes;
  }

  /** A packet that came damaged: c on the 1st, 10th, 100th … */
  badChecksum(isOriginator: boolean): void {
    const direction = isOriginator ? this.forth : this.back;
    direction.badChecksums += 1;
    if (isDecade(direction.badChecksums)) this.history.add(isOriginator ? 'C' : 'c');
  }

  /** Bytes of UDP or ICMP payload, as its header claims. */
  addPayload(isOriginator: boolean, bytes: number): void {
    const direction = isOriginator ? this.forth : this.back;
    direction.payloadBytes = direction.payloadBytes < 0 ? bytes : direction.payloadBytes + bytes;
  }

  /** The packet came through this tunnel, or none. */
  cameThrough(encapsulation: Encapsulation | undefined): void {
    if (encapsulation === this.encapsulation) return;
    this.encapsulation = encapsulation;
    if (encapsulation === undefined || this.tunnelParents.includes(encapsulation.uid)) return;
    this.tunnelParents = [...this.tunnelParents, encapsulation.uid];
  }

  /** True for a packet of this conversation, in either direction, or in its own where that counts. */
  has(
    ip: IpHeader,
    protocol: number,
    sourcePort: number,
    destinationPort: number,
    isOneWay: boolean,
  ): boolean {
    if (protocol !== this.protocol || isOneWay !== this.isOneWay) return false;
    const along =
      sourcePort === this.originatorPort &&
      destinationPort === this.responderPort &&
      isSource(ip, this.originator) &&
      isDestination(ip, this.responder);
    if (along || isOneWay) return along;
    return (
      sourcePort === this.responderPort &&
      destinationPort === this.originatorPort &&
      isSource(ip, this.responder) &&
      isDestination(ip, this.originator)
    );
  }
}

function isSource(ip: IpHeader, words: Words): boolean {
  return (
    ip.source3 === words[3] && ip.source2 === words[2] && ip.source1 === words[1] && ip.source0 === words[0]
  );
}

function isDestination(ip: IpHeader, words: Words): boolean {
  return (
    ip.destination3 === words[3] &&
    ip.destination2 === words[2] &&
    ip.destination1 === words[1] &&
    ip.destination0 === words[0]
  );
}

/** The same for both directions. */
export function hashOf(ip: IpHeader, protocol: number, sourcePort: number, destinationPort: number): number {
  const source = ip.source3 ^ ip.source2 ^ ip.source1 ^ ip.source0;
  const destination = ip.destination3 ^ ip.destination2 ^ ip.destination1 ^ ip.destination0;
  const one = Math.imul(source ^ Math.imul(sourcePort, 0x9e3779b1), 0x85ebca6b);
  const other = Math.imul(destination ^ Math.imul(destinationPort, 0x9e3779b1), 0x85ebca6b);
  const mixed = Math.imul((one ^ (one >>> 15)) + (other ^ (other >>> 15)) + protocol, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
