/**
 * Zeek's connections from packets: packets in, finished connections out.
 *
 * The tracker keeps what is open and decides when it is over: by TCP's own end, by silence, or because the capture ends.
 * Its clock is the packets' time, which never goes back; before each packet, timers that became due are run. What a
 * packet is, the dissector (dissector.ts) tells it. Connections are told in the order in which they end; those still
 * open at the end come last, in the order of their keys. All of that is as Zeek does it.
 */
import type { Packet } from '../../capture/index.js';
import { recordOf } from './conn-record.js';
import type { ConnRecord } from './conn-record.js';
import { Connection, hashOf } from './connection.js';
import type { Transport } from './connection.js';
import { ConnectionTable } from './connection-table.js';
import { Dissector } from './dissector.js';
import type { Encapsulation } from './encapsulation.js';
import type { IpHeader } from './ip-header.js';
import { privateNetworks } from './local.js';
import type { Network } from './local.js';
import { isDnsPort, isInteractivePort, isTcpServerPort } from './ports.js';
import { TcpState } from './tcp-end.js';
import { TcpSession } from './tcp-session.js';
import type { SessionHost } from './tcp-session.js';
import { Timeout, MAX_TIMERS_PER_PACKET } from './timeouts.js';
import { runsAtEnd, Timers } from './timers.js';
import type { Timer } from './timers.js';
import { uidOf } from './uid.js';

export interface TrackerOptions {
  /** Believe packets whose checksum is wrong, as captures of a sending host have them. Zeek's -C. Default false. */
  readonly ignoreChecksums?: boolean;
  /** Networks that are local beside the private ones. */
  readonly local?: readonly Network[];
  /** Keep MAC addresses. */
  readonly mac?: boolean;
  /** In a fuller table, the connection that began first is told early. Default a million. */
  readonly maxConnections?: number;
}

const MAX_CONNECTIONS = 1_000_000;

export class ConnectionTracker implements SessionHost {
  readonly #onRecord: (record: ConnRecord) => void;
  readonly #local: readonly Network[];
  readonly #maxConnections: number;
  readonly #table = new ConnectionTable();
  readonly #timers = new Timers<Connection>();
  #named = 0;
  readonly #dissector: Dissector;
  /** Microseconds; never goes back. */
  #clock = 0;
  #isEnding = false;

  constructor(onRecord: (record: ConnRecord) => void, options: TrackerOptions = {}) {
    this.#onRecord = onRecord;
    this.#local = [...privateNetworks, ...(options.local ?? [])];
    this.#maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
    this.#dissector = new Dissector(this, {
      ignoreChecksums: options.ignoreChecksums ?? false,
      mac: options.mac ?? false,
    });
  }

  get open(): number {
    return this.#table.size;
  }

  /** Packets left out so far for a wrong checksum. */
  get badChecksums(): number {
    return this.#dissector.badChecksums;
  }

  /** Takes a packet; it is not kept. */
  packet(packet: Packet): void {
    const now = packet.seconds * 1e6 + Math.floor(packet.nanoseconds / 1000);
    if (now > this.#clock) this.#clock = now;
    if (this.#timers.isDue(this.#clock)) this.#runTimers();
    this.#dissector.packet(packet, now);
  }

  /** The capture is over: tells all that is open. */
  finish(): void {
    this.#isEnding = true;
    for (;;) {
      const timer = this.#timers.take(Infinity);
      if (timer === undefined) break;
      if (runsAtEnd(timer.kind)) this.#run(timer);
    }
    for (const connection of this.#table.inKeyOrder()) this.close(connection);
  }

  find(
    ip: IpHeader,
    protocol: number,
    sourcePort: number,
    destinationPort: number,
    isOneWay: boolean,
  ): Connection | undefined {
    return this.#table.find(ip, protocol, sourcePort, destinationPort, isOneWay);
  }

  /** Begins a connection; `isFlipped` when the packet's destination is the one that called. */
  begin(
    ip: IpHeader,
    transport: Transport,
    protocol: number,
    sourcePort: number,
    destinationPort: number,
    isOneWay: boolean,
    isFlipped: boolean,
    encapsulation: Encapsulation | undefined,
    now: number,
  ): Connection {
    if (this.#table.size >= this.#maxConnections) this.close(this.#table.oldest()!);
    const connection = new Connection(
      (this.#named += 1),
      transport,
      protocol,
      isOneWay,
      hashOf(ip, protocol, sourcePort, destinationPort),
      ip,
      sourcePort,
      destinationPort,
      now,
    );
    if (isFlipped) connection.flip();
    connection.cameThrough(encapsulation);
    this.#table.add(connection);
    this.#plan(connection);
    return connection;
  }

  nextUid(): string {
    this.#named += 1;
    return uidOf(this.#named);
  }

  close(connection: Connection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    this.cancelTimers(connection);
    if (connection.idleTimer !== undefined) this.#timers.cancel(connection.idleTimer);
    this.#table.remove(connection);
    this.#onRecord(recordOf(connection, this.#local));
  }

  #plan(connection: Connection): void {
    switch (connection.transport) {
      case 'tcp':
        connection.tcp = new TcpSession(connection, this, {
          attempt: Timeout.attempt,
          nextLook: Timeout.nextLook,
          close: Timeout.close,
        });
        this.addTimer(connection, 'look', this.#clock + Timeout.firstLook);
        this.#setIdle(connection, Timeout.handshakeIdle);
        return;
      case 'udp':
        this.#setIdle(connection, Timeout.udpIdle);
        if (isDnsPort(connection.responderPort)) {
          this.addTimer(connection, 'dns', this.#clock + Timeout.dnsLook);
        }
        return;
      case 'icmp':
        this.#setIdle(connection, Timeout.icmpIdle);
        return;
      case 'unknown_transport':
        this.#setIdle(connection, Timeout.otherIdle);
    }
  }

  setIdleTimeout(connection: Connection, kind: 'tcp' | 'interactive'): void {
    if (kind === 'tcp') this.#setIdle(connection, Timeout.tcpIdle);
    else if (isInteractivePort(servicePortOf(connection))) this.#setIdle(connection, Timeout.interactiveIdle);
  }

  #setIdle(connection: Connection, micros: number): void {
    if (connection.idleMicros === micros) return;
    if (connection.idleTimer !== undefined) this.#timers.cancel(connection.idleTimer);
    connection.idleMicros = micros;
    connection.idleTimer = this.#timers.add(connection.lastAt + micros, 'idle', connection);
  }

  addTimer(connection: Connection, kind: 'attempt' | 'look' | 'delete' | 'dns', at: number): void {
    if (connection.isOpen) connection.timers.push(this.#timers.add(at, kind, connection));
  }

  cancelTimers(connection: Connection): void {
    for (const timer of connection.timers) this.#timers.cancel(timer);
    connection.timers.length = 0;
  }

  #runTimers(): void {
    for (let count = 0; count < MAX_TIMERS_PER_PACKET; count++) {
      const timer = this.#timers.take(this.#clock);
      if (timer === undefined) return;
      this.#run(timer);
    }
  }

  #run(timer: Timer<Connection>): void {
    const connection = timer.owner;
    if (connection === undefined) return;
    timer.owner = undefined;
    const index = connection.timers.indexOf(timer);
    if (index >= 0) connection.timers.splice(index, 1);
    const now = this.#clock;
    switch (timer.kind) {
      case 'idle':
        if (connection.lastAt + connection.idleMicros <= now) this.close(connection);
        else {
          const at = connection.lastAt + connection.idleMicros;
          connection.idleTimer = this.#timers.add(at, 'idle', connection);
        }
        return;
      case 'attempt':
        if (connection.tcp!.isActive && connection.tcp!.isUnanswered) this.close(connection);
        return;
      case 'look':
        if (!connection.tcp!.isActive) return;
        if (connection.lastAt + Timeout.linger < now && connection.tcp!.isOver) this.close(connection);
        else this.addTimer(connection, 'look', now + Timeout.nextLook);
        return;
      case 'delete':
        this.close(connection);
        return;
      case 'dns':
        if (this.#isEnding || now - connection.lastAt >= Timeout.dnsIdle) this.close(connection);
        else this.addTimer(connection, 'dns', now + Timeout.dnsLook);
    }
  }
}

/** The port that tells the service: the caller's where only an answer was seen and the caller's is the known one. */
function servicePortOf({ tcp, responderPort, originatorPort }: Connection): number {
  const isAnswerOnly = tcp?.originator.state === TcpState.inactive;
  const isReversed = isAnswerOnly && !isTcpServerPort(responderPort) && isTcpServerPort(originatorPort);
  return isReversed ? originatorPort : responderPort;
}
