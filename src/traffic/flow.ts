/**
 * One conversation: the packets between two endpoints of one protocol, in both directions.
 *
 * It keeps counts, not packets. Two times are worth a word. The time from SYN to SYN-ACK is the round
 * trip from the capture point to the responder and back; the time from SYN to the first ACK after the
 * SYN-ACK is the whole round trip between the two hosts, wherever between them the capture was made.
 */
import type { Decoded } from '../capture/index.js';
import { TcpFlag } from '../capture/index.js';
import type { Host } from './hosts.js';
import { SequenceTracker } from './sequence.js';

/** What went one way. */
export class Direction {
  packets = 0;
  /** Frame bytes, as on the wire of the capture. */
  bytes = 0;
  /** Largest frame. */
  maxPacketBytes = 0;
  readonly sequence = new SequenceTracker();
  /** Payload bytes of protocols other than TCP. */
  datagramBytes = 0;

  /** Payload bytes, those of TCP counted once. */
  get payloadBytes(): number {
    return this.sequence.unique + this.datagramBytes;
  }
}

export class Flow {
  /** @internal Chain of the table's bucket. */
  next: Flow | undefined;
  readonly forward = new Direction();
  readonly backward = new Direction();
  firstSeconds: number;
  lastSeconds: number;
  /** SYN to SYN-ACK, and SYN to the ACK that ends the handshake; NaN when not seen. */
  synAckSeconds = NaN;
  handshakeSeconds = NaN;
  #synAt = NaN;

  /**
   * @param key the headers of its first packet, as {@link FlowKey} keeps them.
   * @param source, destination its hosts: the forward direction goes from source to destination.
   */
  constructor(
    readonly key: FlowKey,
    public source: Host,
    public destination: Host,
    seconds: number,
  ) {
    this.firstSeconds = this.lastSeconds = seconds;
  }

  get bytes(): number {
    return this.forward.bytes + this.backward.bytes;
  }

  get packets(): number {
    return this.forward.packets + this.backward.packets;
  }

  /** Counts a packet of this flow. */
  add(decoded: Decoded, isForward: boolean, seconds: number, frameBytes: number): void {
    const direction = isForward ? this.forward : this.backward;
    direction.packets += 1;
    direction.bytes += frameBytes;
    if (frameBytes > direction.maxPacketBytes) direction.maxPacketBytes = frameBytes;
    if (seconds < this.firstSeconds) this.firstSeconds = seconds;
    if (seconds > this.lastSeconds) this.lastSeconds = seconds;
    if (decoded.hasTcp) this.#addTcp(decoded, direction, isForward, seconds);
    else direction.datagramBytes += decoded.payloadBytes;
  }

  #addTcp(decoded: Decoded, direction: Direction, isForward: boolean, seconds: number): void {
    const flags = decoded.tcpFlags;
    let { sequence } = decoded;
    if ((flags & TcpFlag.syn) !== 0) {
      direction.sequence.synchronize(sequence);
      // Data may ride on a SYN (TCP Fast Open); the SYN itself takes the first number.
      sequence = (sequence + 1) >>> 0;
      if ((flags & TcpFlag.ack) === 0) this.#synAt = seconds;
      else if (!isForward && Number.isNaN(this.synAckSeconds)) this.synAckSeconds = seconds - this.#synAt;
    } else if (isForward && (flags & TcpFlag.ack) !== 0 && Number.isNaN(this.handshakeSeconds)) {
      if (!Number.isNaN(this.synAckSeconds)) this.handshakeSeconds = seconds - this.#synAt;
    }
    direction.sequence.add(sequence, decoded.payloadBytes);
  }
}

/** The five-tuple of a flow as numbers, from its source's point of view. */
export class FlowKey {
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly source: readonly [number, number, number, number];
  readonly destination: readonly [number, number, number, number];
  readonly sourcePort: number;
  readonly destinationPort: number;

  /** @param reversed take the packet's destination as the flow's source: the packet is an answer. */
  constructor(decoded: Decoded, reversed: boolean) {
    const source = [decoded.source0, decoded.source1, decoded.source2, decoded.source3] as const;
    const destination = [
      decoded.destination0,
      decoded.destination1,
      decoded.destination2,
      decoded.destination3,
    ] as const;
    this.version = decoded.version;
    this.protocol = decoded.protocol;
    this.source = reversed ? destination : source;
    this.destination = reversed ? source : destination;
    this.sourcePort = reversed ? decoded.destinationPort : decoded.sourcePort;
    this.destinationPort = reversed ? decoded.sourcePort : decoded.destinationPort;
  }
}
