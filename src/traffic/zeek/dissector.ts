/**
 * From a captured frame to the connection it belongs to.
 *
 * It walks down: link layer, IP, transport (transports.ts); and, where the transport is a tunnel, down again into the
 * packet inside. What it walks past is counted by the tracker's connections. It judges as Zeek does: a packet whose
 * header lies about its length, or whose checksum is wrong, is left out, and where, decides what is still counted.
 */
import { LinkType } from '../../capture/index.js';
import type { Packet } from '../../capture/index.js';
import { isIntact } from './checksum.js';
import type { Connection } from './connection.js';
import { MAX_TUNNEL_DEPTH, within } from './encapsulation.js';
import { Fragments } from './fragments.js';
import { findIpAsZeek } from './frames.js';
import { openGre } from './gre.js';
import { Seen } from './history.js';
import { IpHeader, IpProtocol } from './ip-header.js';
import { IpTunnels } from './ip-tunnels.js';
import type { Piece } from './piece.js';
import type { ConnectionTracker } from './tracker.js';
import { Transports } from './transports.js';
import type { TunnelPacket } from './transports.js';
import { Inner, openTunnel } from './udp-tunnels.js';
import type { TunnelName } from './udp-tunnels.js';

export interface DissectorOptions {
  readonly ignoreChecksums: boolean;
  readonly mac: boolean;
}

export class Dissector {
  readonly #options: DissectorOptions;
  readonly #transports: Transports;
  readonly #fragments = new Fragments();
  readonly #ipTunnels: IpTunnels;
  readonly #inner = new Inner();
  /** One header for each level of tunnels, so that none is made per packet. */
  readonly #headers: readonly IpHeader[] = Array.from({ length: 8 }, () => new IpHeader());
  #badHeaders = 0;
  #now = 0;

  constructor(tracker: ConnectionTracker, options: DissectorOptions) {
    this.#options = options;
    this.#transports = new Transports(tracker, options.ignoreChecksums);
    this.#ipTunnels = new IpTunnels(() => tracker.nextUid());
  }

  /** Packets left out for a wrong checksum, of IP or of what it carries. */
  get badChecksums(): number {
    return this.#badHeaders + this.#transports.badChecksums;
  }

  packet(packet: Packet, now: number): void {
    this.#now = now;
    const { bytes, offset: at, length, linkType } = packet;
    const uncaptured = Math.max(0, packet.originalLength - length);
    const end = at + length;
    const piece = { bytes, at, end, uncaptured, encapsulation: undefined, level: 0, ethernet: undefined };
    this.#frame(piece, linkType);
  }

  #frame(frame: Piece, linkType: number): void {
    const { bytes, at, end } = frame;
    const ip = findIpAsZeek(bytes, at, end, linkType);
    if (ip < 0 || ip >= end) return;
    const ethernet = this.#options.mac && linkType === LinkType.ethernet ? { bytes, at } : undefined;
    this.#ip({ ...frame, at: ip, ethernet });
  }

  #ip(packet: Piece): void {
    const { bytes, at, end, uncaptured } = packet;
    const ip = this.#headers[packet.level];
    if (ip === undefined || !ip.read(bytes, at, end)) return;
    // Segmentation offload leaves the length out; with checksums to check, such a packet can't be believed.
    if (ip.totalBytes === 0 && !this.#options.ignoreChecksums) return;
    const total = ip.totalBytes || end - at;
    if (end - at + uncaptured < total || ip.headerBytes > total || ip.headerBytes > end - at) return;
    if (ip.version === 4) {
      if (ip.headerBytes < 20) return;
      if (!this.#options.ignoreChecksums && !isIntact(bytes, at, ip.headerBytes)) {
        this.#badHeaders += 1;
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
        const { headerBytes, totalBytes: _ } = ip;
        this.#payload(ip, { ...packet, bytes: whole, at: headerBytes, end: whole.length, uncaptured: 0 });
        return;
      }
    }
    this.#payload(ip, { ...packet, at: at + ip.headerBytes });
  }

  #payload(ip: IpHeader, payload: Piece): void {
    if (ip.lastHeader === IpProtocol.esp || ip.lastHeader === IpProtocol.mobility) return;
    switch (ip.protocol) {
      case IpProtocol.tcp:
        return this.#transports.tcp(ip, payload, this.#now);
      case IpProtocol.udp: {
        const tunnel = this.#transports.udp(ip, payload, this.#now);
        return tunnel === undefined ? undefined : this.#udpTunnel(tunnel);
      }
      case IpProtocol.icmp:
      case IpProtocol.icmp6:
        return this.#transports.icmp(ip, payload, this.#now);
      case IpProtocol.ipv4:
        return this.#ipInIp(ip, 4, payload);
      case IpProtocol.ipv6:
        return this.#ipInIp(ip, 6, payload);
      case IpProtocol.gre:
        return this.#gre(ip, payload);
      case IpProtocol.none:
        return;
      default:
        this.#transports.other(ip, payload, this.#now);
    }
  }

  #udpTunnel({ name, connection, isOriginator, payload }: TunnelPacket): void {
    const { bytes, at, end, encapsulation: outer } = payload;
    if (name !== 'gtpv1' && connection.violations.includes(name)) return;
    if ((outer?.depth ?? 0) >= MAX_TUNNEL_DEPTH) {
      if (name !== 'gtpv1') connection.history.addOnce(Seen.limitReached, 'X', true);
      return;
    }
    const inner = this.#inner;
    openTunnel(name, bytes, at, end, inner);
    const level = payload.level + 1;
    const isFitting = !inner.mustFit || this.#fills(bytes, inner.at, end, level);
    if (inner.outcome === 'violation' || !isFitting) {
      connection.violations = [...connection.violations, name];
      connection.services = connection.services.filter((service) => service !== name);
      return;
    }
    if (inner.outcome === 'ignored') return;
    confirm(connection, name, isOriginator);
    if (inner.outcome === 'header') return;
    connection.tunnel = within(outer, connection.uid, connection.tunnel);
    const inside = { ...payload, at: inner.at, level, encapsulation: connection.tunnel };
    if (inner.isEthernet) this.#frame(inside, LinkType.ethernet);
    else this.#ip(inside);
  }

  #ipInIp(outerIp: IpHeader, version: 4 | 6, inside: Piece): void {
    const { bytes, at, end, encapsulation: outer } = inside;
    if ((outer?.depth ?? 0) >= MAX_TUNNEL_DEPTH) return;
    const level = inside.level + 1;
    if (bytes[at]! >> 4 !== version || !this.#fills(bytes, at, end, level)) return;
    const encapsulation = this.#ipTunnels.around(outerIp, outer, this.#now);
    this.#ip({ ...inside, uncaptured: 0, encapsulation, level });
  }

  #gre(outerIp: IpHeader, payload: Piece): void {
    const { bytes, at, end, encapsulation: outer } = payload;
    const inside = openGre(bytes, at, end);
    if (inside === undefined || (outer?.depth ?? 0) >= MAX_TUNNEL_DEPTH) return;
    if (inside.version !== undefined) {
      this.#ipInIp(outerIp, inside.version, { ...payload, at: inside.at });
      return;
    }
    const encapsulation = this.#ipTunnels.around(outerIp, outer, this.#now);
    const piece = { ...payload, at: inside.at, uncaptured: 0, encapsulation, level: payload.level + 1 };
    if (inside.isEthernet) this.#frame(piece, LinkType.ethernet);
    else this.#ip(piece);
  }

  /** True when an IP packet at `at` ends exactly at `end`. */
  #fills(bytes: Uint8Array, at: number, end: number, level: number): boolean {
    const ip = this.#headers[level];
    return ip !== undefined && ip.read(bytes, at, end) && ip.totalBytes === end - at;
  }
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
