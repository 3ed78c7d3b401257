/**
 * Which end of a connection holds its packets for the path's delay.
 *
 * Every packet crosses the bridge once, and a capture there sees a connection from one vantage point. If
 * each sender held its own packets, the capture would sit at the receiver of every packet at once, and a
 * handshake's SYN to SYN-ACK would read as half the round trip. So one end holds both directions: the
 * end that was dialed. The capture then sees each TCP connection from its initiator's access link, as the
 * initiator's ISP would: SYN to SYN-ACK is the round-trip time, and both shapers agree on who holds without
 * talking, since both see the SYN. What is not TCP, or whose SYN was never seen, is held by its sender.
 */
import type { Packet } from './packet.js';

/** Most connections remembered; beyond, the oldest are forgotten (and then held by their sender). */
const CAPACITY = 1 << 16;

export class FlowTable {
  /** Connection → whether the other end opened it. */
  readonly #dialedByPeer = new Map<number, boolean>();

  /** Whether this node holds a packet it is sending. */
  holdsOutgoing(packet: Packet): boolean {
    if (!packet.isTcp) return true;
    const key = connectionKey(packet.lane, packet.sourcePort, packet.destinationPort);
    if (packet.opensConnection) this.#remember(key, false);
    return this.#dialedByPeer.get(key) ?? true;
  }

  /** Whether this node holds a packet that has arrived. */
  holdsIncoming(packet: Packet): boolean {
    if (!packet.isTcp) return false;
    const key = connectionKey(packet.lane, packet.destinationPort, packet.sourcePort);
    if (packet.opensConnection) this.#remember(key, true);
    return this.#dialedByPeer.get(key) ?? false;
  }

  #remember(key: number, dialedByPeer: boolean): void {
    this.#dialedByPeer.delete(key);
    this.#dialedByPeer.set(key, dialedByPeer);
    if (this.#dialedByPeer.size > CAPACITY) {
      for (const oldest of this.#dialedByPeer.keys()) {
        this.#dialedByPeer.delete(oldest);
        break;
      }
    }
  }
}

function connectionKey(peer: number, localPort: number, peerPort: number): number {
  return (peer * 65536 + localPort) * 65536 + peerPort;
}
