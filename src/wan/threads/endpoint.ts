/**
 * One end of a relayed connection: the TCP of a node, as the relay plays it.
 *
 * It stands between a loopback socket, behind which the node's program is, and the modelled WAN. What the
 * program writes is cut into segments and sent as the links have room; what arrives is put in order,
 * acknowledged and written to the program. FIN and RST travel as segments too, behind the bytes before
 * them, so each side of the connection sees the other end as it would on a network, only later.
 *
 * Acknowledgements go out for every second segment, for the last one of a write, and at once when something
 * is missing. Linux would delay some of the second kind by up to 40 ms in the hope of an answer to ride on.
 */
import type { Socket } from 'node:net';
import { CATCH_UP_SECONDS } from '../link/index.js';
import type { Waiter } from './back-pressure.js';
import { Reassembly } from './reassembly.js';
import { Flag, Segment, type SegmentEnd } from './segment.js';

/** What an end needs of the relay around it. */
export interface Surroundings {
  /** Largest payload of a segment, bytes. */
  readonly segmentPayload: number;
  /** Seconds since 1970. */
  clock(): number;
  laneOf(from: number, to: number): number;
  hasRoom(from: number, to: number): boolean;
  wait(waiter: Waiter): void;
  send(segment: Segment<Endpoint>, now: number): void;
  /** The end has written; its flush() is to be called before the event loop goes on. */
  written(endpoint: Endpoint): void;
}

/** What happens to a connection at one of its ends. */
export interface EndpointEvents {
  /** A SYN has arrived from the dialer, at this instant. */
  dialed(at: number): void;
  /** The socket is gone for good. */
  closed(): void;
}

/** Bytes the program has not taken yet, above which its peer must stop sending. */
const UNREAD_LIMIT = 256 * 1024;
const SEGMENTS_PER_ACKNOWLEDGEMENT = 2;

export class Endpoint implements SegmentEnd, Waiter {
  readonly rank: number;
  readonly dialer: boolean;
  readonly port: number;
  readonly initialSequence: number;
  readonly from: number;
  readonly to: number;
  readonly #around: Surroundings;
  readonly #events: EndpointEvents;
  readonly #lane: number;
  readonly #arrivals = new Reassembly<Segment<Endpoint>>();
  #peer: Endpoint = this;
  #socket: Socket | undefined;
  #reading = false;
  /** Bytes read from the socket and not yet sent; the socket is paused while there are any. */
  #held: Buffer | undefined;
  #waiting = false;
  #blocked = false;
  /** The program has ended its side. */
  #ended = false;
  #finSent = false;
  /** A RST went out or came in. */
  #broken = false;
  #nextSequence = 0;
  #unacknowledged = 0;
  #timestampSeen = 0;

  constructor(
    identity: { rank: number; peerRank: number; dialer: boolean; port: number; initialSequence: number },
    around: Surroundings,
    events: EndpointEvents,
  ) {
    this.rank = this.from = identity.rank;
    this.to = identity.peerRank;
    this.dialer = identity.dialer;
    this.port = identity.port;
    this.initialSequence = identity.initialSequence;
    this.#around = around;
    this.#events = events;
    this.#lane = around.laneOf(this.from, this.to);
  }

  /** Joins the two ends of a connection. */
  static join(a: Endpoint, b: Endpoint): void {
    a.#peer = b;
    b.#peer = a;
  }

  /** Takes the socket to the program. Nothing is read from it before the handshake is complete. */
  attach(socket: Socket): void {
    this.#socket = socket;
    socket.pause();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => {
      this.#ended = true;
      this.#push();
    });
    socket.on('drain', () => this.#peer.#setBlocked(false));
    socket.on('error', () => this.reset());
    socket.on('close', () => {
      if (!this.#ended) this.reset();
      this.#peer.#setBlocked(false);
      this.#events.closed();
    });
  }

  /** Sends the SYN. */
  dial(): void {
    this.#send(Flag.syn, this.#around.clock());
  }

  /** Answers the SYN: the program has taken the connection. */
  accept(dialedAt: number): void {
    // The loopback's own time is not the model's: the answer leaves when the SYN came, if that is just past.
    this.#send(Flag.syn | Flag.ack, Math.max(dialedAt, this.#around.clock() - CATCH_UP_SECONDS));
  }

  /** Tells the other side that the connection is broken or was refused. */
  reset(): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#held = undefined;
    this.#send(Flag.rst | Flag.ack, this.#around.clock());
  }

  /** Takes a segment that came over the WAN. */
  receive(segment: Segment<Endpoint>): void {
    this.#timestampSeen = Math.max(this.#timestampSeen, segment.timestamp);
    if (!this.dialer && !segment.has(Flag.syn)) this.#startReading();
    if (segment.span === 0 && !segment.has(Flag.rst)) return;
    const inOrder = this.#arrivals.accept(segment, (ready) => this.#deliver(ready));
    if (segment.has(Flag.rst) || (segment.has(Flag.syn) && !this.dialer)) return;
    this.#unacknowledged++;
    const atOnce = !inOrder || segment.has(Flag.psh | Flag.syn | Flag.fin);
    if (atOnce || this.#unacknowledged >= SEGMENTS_PER_ACKNOWLEDGEMENT) this.#send(Flag.ack, segment.due);
  }

  proceed(): void {
    this.#waiting = false;
    this.#push();
  }

  /** Passes what has arrived to the program in one go, and minds whether it keeps up. */
  flush(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return;
    socket.uncork();
    if (socket.writableLength > UNREAD_LIMIT && socket.writableNeedDrain) this.#peer.#setBlocked(true);
  }

  /** Ends at once, without a word to the other side. */
  destroy(): void {
    this.#broken = true;
    this.#socket?.destroy();
  }

  #startReading(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.#push();
  }

  #take(chunk: Buffer): void {
    this.#held = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.#push();
  }

  #setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    if (!blocked) this.#push();
  }

  /** Sends as much of what is held as there is room for; reads on when all is sent. */
  #push(): void {
    if (this.#broken || this.#finSent || !this.#reading || this.#waiting) return;
    while (this.#held !== undefined) {
      if (this.#blocked || !this.#around.hasRoom(this.from, this.to)) return this.#stall();
      const payload = this.#held.subarray(0, this.#around.segmentPayload);
      const rest = this.#held.subarray(payload.length);
      this.#held = rest.length > 0 ? rest : undefined;
      this.#send(rest.length > 0 ? Flag.ack : Flag.ack | Flag.psh, this.#around.clock(), payload);
    }
    if (this.#ended) {
      this.#finSent = true;
      this.#send(Flag.fin | Flag.ack, this.#around.clock());
    } else {
      this.#socket?.resume();
    }
  }

  #stall(): void {
    this.#socket?.pause();
    if (this.#blocked) return;
    this.#waiting = true;
    this.#around.wait(this);
  }

  #send(flags: number, now: number, payload?: Buffer): void {
    // The target may speak only after the handshake's last acknowledgement, so that one must come through.
    const handshake = this.dialer && this.#nextSequence === 1;
    const segment = new Segment<Endpoint>({
      sender: this,
      receiver: this.#peer,
      lane: this.#lane,
      flags,
      sequence: this.#nextSequence,
      acknowledgement: (flags & Flag.ack) === 0 ? 0 : this.#arrivals.next,
      timestamp: Math.floor(now * 1000),
      timestampEcho: this.#timestampSeen,
      ...(payload === undefined ? {} : { payload }),
      reliable: handshake || payload !== undefined || (flags & (Flag.syn | Flag.fin | Flag.rst)) !== 0,
    });
    this.#nextSequence += segment.span;
    if (segment.has(Flag.ack)) this.#unacknowledged = 0;
    this.#around.send(segment, now);
  }

  /** Acts on a segment whose turn it is. */
  #deliver(segment: Segment<Endpoint>): void {
    if (segment.has(Flag.syn)) {
      if (this.dialer) this.#startReading();
      else this.#events.dialed(segment.due);
      return;
    }
    const socket = this.#socket;
    if (segment.has(Flag.rst)) {
      this.flush();
      this.#broken = true;
      this.#held = undefined;
      socket?.resetAndDestroy();
      return;
    }
    if (socket === undefined || socket.destroyed || socket.writableEnded) return;
    if (segment.payload.length > 0) {
      if (socket.writableCorked === 0) socket.cork();
      socket.write(segment.payload);
      this.#around.written(this);
    }
    if (segment.has(Flag.fin)) socket.end();
  }
}
