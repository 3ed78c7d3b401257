/**
 * The last step down: from a transport header to the connection that it belongs to, and what that connection learns.
 *
 * TCP, UDP, ICMP, and the rest, of which Zeek knows the number only. Each finds its connection or begins one, and judges
 * as Zeek does what of a damaged packet still counts. That a UDP payload is another packet is seen here, but opened
 * elsewhere (dissector.ts).
 */
import { uint16 } from '../../capture/bytes.js';
import { isIntact, isIntactWithin } from './checksum.js';
import type { Connection } from './connection.js';
import { Seen } from './history.js';
import { icmpCounterpart } from './icmp.js';
import { IpProtocol } from './ip-header.js';
import type { IpHeader } from './ip-header.js';
import type { Piece } from './piece.js';
import { isTcpServerPort, isUdpServerPort } from './ports.js';
import { Segment } from './segment.js';
import type { ConnectionTracker } from './tracker.js';
import { tunnelOf } from './udp-tunnels.js';
import type { TunnelName } from './udp-tunnels.js';

const UDP_HEADER = 8;
const ICMP_HEADER = 8;
const TCP_HEADER = 20;
const VXLAN_PORT = 4789;
const BROADCAST = 0xffff_ffff;

/** A UDP payload that is the packet of a tunnel. */
export interface TunnelPacket {
  readonly name: TunnelName;
  readonly connection: Connection;
  readonly isOriginator: boolean;
  readonly payload: Piece;
}

export class Transports {
  /** Packets left out for a wrong checksum. */
  badChecksums = 0;
  readonly #tracker: ConnectionTracker;
  readonly #ignoreChecksums: boolean;
  readonly #segment = new Segment();

  constructor(tracker: ConnectionTracker, ignoreChecksums: boolean) {
    this.#tracker = tracker;
    this.#ignoreChecksums = ignoreChecksums;
  }

  tcp(ip: IpHeader, piece: Piece, now: number): void {
    const { bytes, at, end, encapsulation } = piece;
    const captured = end - at;
    if (isTruncated(ip, captured, TCP_HEADER)) return;
    const segment = this.#segment;
    segment.readFixed(bytes, at);
    const source = uint16(bytes, at);
    const destination = uint16(bytes, at + 2);
    let connection = this.#tracker.find(ip, ip.protocol, source, destination, false);
    if (
      connection !== undefined &&
      segment.headerBytes >= TCP_HEADER &&
      connection.tcp!.isReusedBy(segment)
    ) {
      this.#tracker.close(connection);
      connection = undefined;
    }
    if (connection === undefined) {
      const isFlipped = isTcpFlipped(segment, source, destination);
      connection = this.#begin(ip, 'tcp', source, destination, false, isFlipped, piece, now);
    } else connection.cameThrough(encapsulation);
    const length = ip.payloadBytes || captured;
    if (!segment.fit(length, captured)) return;
    const isOriginator = connection.isFromOriginator(ip, source);
    const isChecked = !this.#ignoreChecksums && segment.isCaptured;
    if (isChecked && !isIntactWithin(ip, IpProtocol.tcp, bytes, at, length)) {
      this.badChecksums += 1;
      connection.badChecksum(isOriginator);
      return;
    }
    connection.tcp!.process(segment, isOriginator, now);
    connection.count(isOriginator, ip.totalBytes);
  }

  /** The payload, when it is the packet of a tunnel. */
  udp(ip: IpHeader, piece: Piece, now: number): TunnelPacket | undefined {
    const { bytes, at, end, uncaptured, encapsulation } = piece;
    const captured = end - at;
    if (isTruncated(ip, captured, UDP_HEADER)) return undefined;
    const source = uint16(bytes, at);
    const destination = uint16(bytes, at + 2);
    let connection = this.#tracker.find(ip, ip.protocol, source, destination, false);
    if (connection === undefined) {
      const isFlipped = isUdpServerPort(source) && !isUdpServerPort(destination);
      connection = this.#begin(ip, 'udp', source, destination, false, isFlipped, piece, now);
    } else connection.cameThrough(encapsulation);
    const isOriginator = connection.isFromOriginator(ip, source);
    const length = ip.payloadBytes || captured;
    // What came is counted, damaged or not.
    connection.count(isOriginator, ip.totalBytes);
    if (captured >= length && uncaptured === 0 && !this.#isUdpIntact(ip, bytes, at, length)) {
      this.badChecksums += 1;
      connection.badChecksum(isOriginator);
      return undefined;
    }
    connection.lastAt = now;
    connection.history.addOnce(Seen.data, 'D', isOriginator);
    connection.addPayload(isOriginator, uint16(bytes, at + 4) - UDP_HEADER);
    const payload = { ...piece, at: at + UDP_HEADER, end: at + Math.min(length, captured) };
    const name = tunnelOf(connection.responderPort, bytes, payload.at, payload.end);
    return name === undefined ? undefined : { name, connection, isOriginator, payload };
  }

  #isUdpIntact(ip: IpHeader, bytes: Uint8Array, at: number, length: number): boolean {
    if (this.#ignoreChecksums) return true;
    const checksum = uint16(bytes, at + 6);
    const isVxlan =
      length > UDP_HEADER + 8 + 14 &&
      (bytes[at + UDP_HEADER]! & 8) !== 0 &&
      uint16(bytes, at + 2) === VXLAN_PORT;
    if (checksum === 0 && (ip.version === 4 || isVxlan)) return true;
    return isIntactWithin(ip, IpProtocol.udp, bytes, at, length);
  }

  icmp(ip: IpHeader, piece: Piece, now: number): void {
    const { bytes, at, end, encapsulation } = piece;
    const captured = end - at;
    if (isTruncated(ip, captured, ICMP_HEADER)) return;
    const type = bytes[at]!;
    const counterpart = icmpCounterpart(type, ip.protocol === IpProtocol.icmp ? 4 : 6);
    const isOneWay = counterpart < 0;
    const other = isOneWay ? bytes[at + 1]! : counterpart;
    let connection = this.#tracker.find(ip, ip.protocol, type, other, isOneWay);
    if (connection === undefined) {
      connection = this.#begin(ip, 'icmp', type, other, isOneWay, false, piece, now);
    } else connection.cameThrough(encapsulation);
    const isOriginator = connection.isFromOriginator(ip, type);
    const length = ip.payloadBytes || captured;
    if (!this.#ignoreChecksums && captured >= length) {
      const isGood =
        ip.protocol === IpProtocol.icmp
          ? isIntact(bytes, at, length)
          : isIntactWithin(ip, IpProtocol.icmp6, bytes, at, length);
      if (!isGood) {
        this.badChecksums += 1;
        return;
      }
    }
    connection.lastAt = now;
    connection.addPayload(isOriginator, length - ICMP_HEADER);
    if (captured >= length) connection.count(isOriginator, ip.totalBytes);
  }

  /** Protocols that Zeek knows by number only. */
  other(ip: IpHeader, piece: Piece, now: number): void {
    let connection = this.#tracker.find(ip, ip.protocol, 0, 0, false);
    if (connection === undefined) {
      connection = this.#begin(ip, 'unknown_transport', 0, 0, false, false, piece, now);
    } else connection.cameThrough(piece.encapsulation);
    connection.lastAt = now;
    connection.count(connection.isFromOriginator(ip, 0), ip.totalBytes);
  }

  #begin(
    ip: IpHeader,
    transport: 'tcp' | 'udp' | 'icmp' | 'unknown_transport',
    source: number,
    destination: number,
    isOneWay: boolean,
    isFlipped: boolean,
    { encapsulation, ethernet }: Piece,
    now: number,
  ): Connection {
    const flip = isFlipped && !(ip.version === 4 && ip.destination3 === BROADCAST);
    const connection = this.#tracker.begin(
      ip,
      transport,
      ip.protocol,
      source,
      destination,
      isOneWay,
      flip,
      encapsulation,
      now,
    );
    if (ethernet !== undefined) {
      const { bytes, at } = ethernet;
      const from = bytes.slice(at + 6, at + 12);
      const to = bytes.slice(at, at + 6);
      [connection.originatorMac, connection.responderMac] = flip ? [to, from] : [from, to];
    }
    return connection;
  }
}

/** Too short for its transport header, by IP's word or by what was captured. */
function isTruncated(ip: IpHeader, captured: number, header: number): boolean {
  const claimed = ip.payloadBytes;
  return (claimed !== 0 && claimed < header) || captured < header;
}

/** A first segment that is no SYN: the end with a server's port was called; of two such, the lower. */
function isTcpFlipped({ syn, ack }: Segment, source: number, destination: number): boolean {
  if (syn && !ack) return false;
  if (!isTcpServerPort(source)) return false;
  return isTcpServerPort(destination) ? !syn && source < destination : true;
}
