/**
 * From a captured frame to the connection it belongs to.
 *
 * It walks down: link layer, IP, transport; and, where the transport is a tunnel, down again into the packet inside.
 * What it walks past is counted by the tracker's connections. It judges as Zeek does: a packet whose header lies about
 * its length, or whose checksum is wrong, is left out, and where, decides what is still counted.
 */
import { LinkType } from '../../capture/index.js';
import type { Packet } from '../../capture/index.js';
import { isIntact, isIntactWithin } from './checksum.js';
import type { Connection } from './connection.js';
import { MAX_TUNNEL_DEPTH, within } from './encapsulation.js';
import type { Encapsulation } from './encapsulation.js';
import { Fragments } from './fragments.js';
import { findIpAsZeek } from './frames.js';
import { openGre } from './gre.js';
import { Seen } from './history.js';
import { icmpCounterpart } from './icmp.js';
import { IpHeader, IpProtocol, uint16 } from './ip-header.js';
import { IpTunnels } from './ip-tunnels.js';
import { isTcpServerPort, isUdpServerPort } from './ports.js';
import { Segment } from './segment.js';
import type { ConnectionTracker } from './tracker.js';
import { Inner, openTunnel, tunnelOf } from './udp-tunnels.js';
import type { TunnelName } from './udp-tunnels.js';

export interface DissectorOptions {
  readonly ignoreChecksums: boolean;
  readonly mac: boolean;
}

const UDP_HEADER = 8;
const ICMP_HEADER = 8;
const TCP_HEADER = 20;
const VXLAN_PORT = 4789;
const BROADCAST = 0xffff_ffff;

/** A piece of a frame: the bytes `at`..`end`, and how many more there were on the wire. */
interface Place {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
  readonly uncaptured: number;
}

export class Dissector {
  /** Packets left out for a wrong checksum, of IP or of what it carries. */
  badChecksums = 0;
  readonly #tracker: ConnectionTracker;
  readonly #options: DissectorOptions;
  readonly #fragments = new Fragments();
  readonly #ipTunnels: IpTunnels;
  readonly #segment = new Segment();
  readonly #inner = new Inner();
  /** One header for each level of tunnels, so that none is made per packet. */
  readonly #headers: readonly IpHeader[] = Array.from({ length: 8 }, () => new IpHeader());
  #now = 0;
  /** Where the Ethernet header lies; undefined for other links. */
  #ethernet: { readonly bytes: Uint8Array; readonly at: number } | undefined;

  constructor(tracker: ConnectionTracker, options: DissectorOptions) {
    this.#tracker = tracker;
    this.#options = options;
    this.#ipTunnels = new IpTunnels(() => tracker.nextUid());
  }

  packet(packet: Packet, now: number): void {
    this.#now = now;
    const { bytes, offset } = packet;
    const end = offset + packet.length;
    const uncaptured = Math.max(0, packet.originalLength - packet.length);
    this.#frame(bytes, offset, end, packet.linkType, uncaptured, undefined, 0);
  }

  #frame(
    bytes: Uint8Array,
    at: number,
    end: number,
    linkType: number,
    uncaptured: number,
    encapsulation: Encapsulation | undefined,
    level: number,
  ): void {
    const ip = findIpAsZeek(bytes, at, end, linkType);
    if (ip < 0 || ip >= end) return;
    this.#ethernet = this.#options.mac && linkType === LinkType.ethernet ? { bytes, at } : undefined;
    this.#ip(bytes, ip, end, uncaptured, encapsulation, level);
  }

  #ip(
    bytes: Uint8Array,
    at: number,
    end: number,
    uncaptured: number,
    encapsulation: Encapsulation | undefined,
    level: number,
  ): void {
    const ip = this.#headers[level];
    if (ip === undefined || !ip.read(bytes, at, end)) return;
    // Segmentation offload leaves the length out; with checksums to check, such a packet can't be believed.
    if (ip.totalBytes === 0 && !this.#options.ignoreChecksums) return;
    const total = ip.totalBytes || end - at;
    if (end - at + uncaptured < total || ip.headerBytes > total || ip.headerBytes > end - at) return;
    if (ip.version === 4) {
      if (ip.headerBytes < 20) return;
      if (!this.#options.ignoreChecksums && !isIntact(bytes, at, ip.headerBytes)) {
        this.badChecksums += 1;
        return;
      }
    }
    if (ip.isFragment) {
      if (end - at < total) {
        // Of a fragment cut short, only the first tells anything.
        if (ip.fragmentOffset !== 0) return;
      } else {
        const whole = this.#fragments.add(ip, bytes, at);
        if (whole === undefined || !ip.read(whole, 0, whole.length)) return;
        if (ip.headerBytes > ip.totalBytes || ip.headerBytes > whole.length) return;
        this.#payload(ip, whole, ip.headerBytes, whole.length, 0, encapsulation, level);
        return;
      }
    }
    this.#payload(ip, bytes, at + ip.headerBytes, end, uncaptured, encapsulation, level);
  }

  #payload(
    ip: IpHeader,
    bytes: Uint8Array,
    at: number,
    end: number,
    uncaptured: number,
    encapsulation: Encapsulation | undefined,
    level: number,
  ): void {
    if (ip.lastHeader === IpProtocol.esp || ip.lastHeader === IpProtocol.mobility) return;
    switch (ip.protocol) {
      case IpProtocol.tcp:
        return this.#tcp(ip, bytes, at, end, encapsulation);
      case IpProtocol.udp:
        return this.#udp(ip, { bytes, at, end, uncaptured }, encapsulation, level);
      case IpProtocol.icmp:
      case IpProtocol.icmp6:
        return this.#icmp(ip, bytes, at, end, encapsulation);
      case IpProtocol.ipv4:
      case IpProtocol.ipv6:
        return this.#ipInIp(
          ip,
          ip.protocol === IpProtocol.ipv4 ? 4 : 6,
          bytes,
          at,
          end,
          encapsulation,
          level,
        );
      case IpProtocol.gre:
        return this.#gre(ip, bytes, at, end, encapsulation, level);
      case IpProtocol.none:
        return;
      default:
        this.#other(ip, encapsulation);
    }
  }

  #tcp(
    ip: IpHeader,
    bytes: Uint8Array,
    at: number,
    end: number,
    encapsulation: Encapsulation | undefined,
  ): void {
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
      connection = this.#begin(ip, 'tcp', source, destination, false, isFlipped, encapsulation);
    } else connection.cameThrough(encapsulation);
    const length = ip.payloadBytes || captured;
    if (!segment.fit(length, captured)) return;
    const isOriginator = connection.isFromOriginator(ip, source);
    const isChecked = !this.#options.ignoreChecksums && segment.isCaptured;
    if (isChecked && !isIntactWithin(ip, IpProtocol.tcp, bytes, at, length)) {
      this.badChecksums += 1;
      connection.badChecksum(isOriginator);
      return;
    }
    connection.tcp!.process(segment, isOriginator, this.#now);
    connection.count(isOriginator, ip.totalBytes);
  }

  #udp(
    ip: IpHeader,
    { bytes, at, end, uncaptured }: Place,
    encapsulation: Encapsulation | undefined,
    level: number,
  ): void {
    const captured = end - at;
    if (isTruncated(ip, captured, UDP_HEADER)) return;
    const source = uint16(bytes, at);
    const destination = uint16(bytes, at + 2);
    let connection = this.#tracker.find(ip, ip.protocol, source, destination, false);
    if (connection === undefined) {
      const isFlipped = isUdpServerPort(source) && !isUdpServerPort(destination);
      connection = this.#begin(ip, 'udp', source, destination, false, isFlipped, encapsulation);
    } else connection.cameThrough(encapsulation);
    const isOriginator = connection.isFromOriginator(ip, source);
    const length = ip.payloadBytes || captured;
    // What came is counted, damaged or not.
    connection.count(isOriginator, ip.totalBytes);
    if (captured >= length && uncaptured === 0 && !this.#isUdpIntact(ip, bytes, at, length)) {
      this.badChecksums += 1;
      connection.badChecksum(isOriginator);
      return;
    }
    connection.lastAt = this.#now;
    connection.history.addOnce(Seen.data, 'D', isOriginator);
    connection.addPayload(isOriginator, uint16(bytes, at + 4) - UDP_HEADER);
    const payloadEnd = at + Math.min(length, captured);
    const name = tunnelOf(connection.responderPort, bytes, at + UDP_HEADER, payloadEnd);
    if (name === undefined) return;
    const place = { bytes, at: at + UDP_HEADER, end: payloadEnd, uncaptured };
    this.#udpTunnel(name, connection, isOriginator, place, encapsulation, level);
  }

  #isUdpIntact(ip: IpHeader, bytes: Uint8Array, at: number, length: number): boolean {
    if (this.#options.ignoreChecksums) return true;
    const checksum = uint16(bytes, at + 6);
    const isVxlan =
      length > UDP_HEADER + 8 + 14 &&
      (bytes[at + UDP_HEADER]! & 8) !== 0 &&
      uint16(bytes, at + 2) === VXLAN_PORT;
    if (checksum === 0 && (ip.version === 4 || isVxlan)) return true;
    return isIntactWithin(ip, IpProtocol.udp, bytes, at, length);
  }

  #udpTunnel(
    name: TunnelName,
    connection: Connection,
    isOriginator: boolean,
    { bytes, at, end, uncaptured }: Place,
    outer: Encapsulation | undefined,
    level: number,
  ): void {
    if (name !== 'gtpv1' && connection.violations.includes(name)) return;
    if ((outer?.depth ?? 0) >= MAX_TUNNEL_DEPTH) {
      if (name !== 'gtpv1') connection.history.addOnce(Seen.limitReached, 'X', true);
      return;
    }
    const inner = this.#inner;
    openTunnel(name, bytes, at, end, inner);
    const isFitting = !inner.mustFit || this.#fills(bytes, inner.at, end, level + 1);
    if (inner.outcome === 'violation' || !isFitting) {
      connection.violations = [...connection.violations, name];
      connection.services = connection.services.filter((service) => service !== name);
      return;
    }
    if (inner.outcome === 'ignored') return;
    confirm(connection, name, isOriginator);
    if (inner.outcome === 'header') return;
    connection.tunnel = within(outer, connection.uid, connection.tunnel);
    const { at: inside, isEthernet } = inner;
    if (isEthernet) {
      this.#frame(bytes, inside, end, LinkType.ethernet, uncaptured, connection.tunnel, level + 1);
    } else this.#ip(bytes, inside, end, uncaptured, connection.tunnel, level + 1);
  }

  #icmp(
    ip: IpHeader,
    bytes: Uint8Array,
    at: number,
    end: number,
    encapsulation: Encapsulation | undefined,
  ): void {
    const captured = end - at;
    if (isTruncated(ip, captured, ICMP_HEADER)) return;
    const type = bytes[at]!;
    const counterpart = icmpCounterpart(type, ip.protocol === IpProtocol.icmp ? 4 : 6);
    const isOneWay = counterpart < 0;
    const other = isOneWay ? bytes[at + 1]! : counterpart;
    let connection = this.#tracker.find(ip, ip.protocol, type, other, isOneWay);
    if (connection === undefined) {
      connection = this.#begin(ip, 'icmp', type, other, isOneWay, false, encapsulation);
    } else connection.cameThrough(encapsulation);
    const isOriginator = connection.isFromOriginator(ip, type);
    const length = ip.payloadBytes || captured;
    if (!this.#options.ignoreChecksums && captured >= length) {
      const isGood =
        ip.protocol === IpProtocol.icmp
          ? isIntact(bytes, at, length)
          : isIntactWithin(ip, IpProtocol.icmp6, bytes, at, length);
      if (!isGood) {
        this.badChecksums += 1;
        return;
      }
    }
    connection.lastAt = this.#now;
    connection.addPayload(isOriginator, length - ICMP_HEADER);
    if (captured >= length) connection.count(isOriginator, ip.totalBytes);
  }

  /** Protocols that Zeek knows by number only. */
  #other(ip: IpHeader, encapsulation: Encapsulation | undefined): void {
    let connection = this.#tracker.find(ip, ip.protocol, 0, 0, false);
    if (connection === undefined) {
      connection = this.#begin(ip, 'unknown_transport', 0, 0, false, false, encapsulation);
    } else connection.cameThrough(encapsulation);
    connection.lastAt = this.#now;
    connection.count(connection.isFromOriginator(ip, 0), ip.totalBytes);
  }

  #ipInIp(
    outerIp: IpHeader,
    version: 4 | 6,
    bytes: Uint8Array,
    at: number,
    end: number,
    outer: Encapsulation | undefined,
    level: number,
  ): void {
    if ((outer?.depth ?? 0) >= MAX_TUNNEL_DEPTH) return;
    if (bytes[at]! >> 4 !== version || !this.#fills(bytes, at, end, level + 1)) return;
    const tunnel = this.#ipTunnels.around(outerIp, outer, this.#now);
    this.#ip(bytes, at, end, 0, tunnel, level + 1);
  }

  #gre(
    outerIp: IpHeader,
    bytes: Uint8Array,
    at: number,
    end: number,
    outer: Encapsulation | undefined,
    level: number,
  ): void {
    const inside = openGre(bytes, at, end);
    if (inside === undefined || (outer?.depth ?? 0) >= MAX_TUNNEL_DEPTH) return;
    if (inside.version !== undefined) {
      this.#ipInIp(outerIp, inside.version, bytes, inside.at, end, outer, level);
      return;
    }
    const tunnel = this.#ipTunnels.around(outerIp, outer, this.#now);
    if (inside.isEthernet) this.#frame(bytes, inside.at, end, LinkType.ethernet, 0, tunnel, level + 1);
    else this.#ip(bytes, inside.at, end, 0, tunnel, level + 1);
  }

  /** True when an IP packet at `at` ends exactly at `end`. */
  #fills(bytes: Uint8Array, at: number, end: number, level: number): boolean {
    const ip = this.#headers[level];
    return ip !== undefined && ip.read(bytes, at, end) && ip.totalBytes === end - at;
  }

  #begin(
    ip: IpHeader,
    transport: 'tcp' | 'udp' | 'icmp' | 'unknown_transport',
    source: number,
    destination: number,
    isOneWay: boolean,
    isFlipped: boolean,
    encapsulation: Encapsulation | undefined,
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
      this.#now,
    );
    if (this.#ethernet !== undefined) {
      const { bytes, at } = this.#ethernet;
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

/** Teredo is believed when both ends have spoken it; the others at once. */
function confirm(connection: Connection, name: TunnelName, isOriginator: boolean): void {
  if (connection.violations.includes(name)) return;
  if (name === 'teredo') {
    if (isOriginator) connection.hasTeredoForth = true;
    else connection.hasTeredoBack = true;
    if (!connection.hasTeredoForth || !connection.hasTeredoBack) return;
  }
  if (!connection.services.includes(name)) connection.services = [...connection.services, name];
}
