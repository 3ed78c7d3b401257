/**
 * Zeek's view of a TCP connection: a state for each end, moved on by each segment.
 *
 * It is more forgiving than TCP itself, for a monitor may come late, miss packets or see one way only. What it decides:
 * which ends are established, closed or reset (conn_state), which letters of the history appear, and when the
 * connection is over, so that the same ports may begin another.
 */
import type { Connection } from './connection.js';
import type { Segment } from './segment.js';
import { TcpEnd, TcpState } from './tcp-end.js';
import { acknowledgePeer, addHistory, initialize, unsigned, updateLast } from './tcp-numbers.js';

/** What a session asks of the tracker. */
export interface SessionHost {
  setIdleTimeout(connection: Connection, kind: 'tcp' | 'interactive'): void;
  addTimer(connection: Connection, kind: 'attempt' | 'look' | 'delete', at: number): void;
  /** Of this connection, all but the idle timer. */
  cancelTimers(connection: Connection): void;
}

/** Moments that the session plans from. */
interface Delays {
  readonly attempt: number;
  readonly nextLook: number;
  readonly close: number;
}

export class TcpSession {
  originator = new TcpEnd(this, true);
  responder = new TcpEnd(this, false);
  /** No SYN was seen where one should be. */
  isPartial = false;
  /** False once its end was told; timers then leave it to the one that removes it. */
  isActive = true;
  #originatorSeen = false;
  #responderSeen = false;
  #isCloseDeferred = false;
  #isFinishDeferred = false;

  constructor(
    readonly connection: Connection,
    private readonly host: SessionHost,
    private readonly delays: Delays,
  ) {
    this.originator.peer = this.responder;
    this.responder.peer = this.originator;
  }

  /** Takes a segment that arrived intact. @param now microseconds. */
  process(segment: Segment, isOriginator: boolean, now: number): void {
    const end = isOriginator ? this.originator : this.responder;
    const { peer } = end;
    this.#setPartial(segment, isOriginator);
    const past = (segment.sequence + segment.sequenceLength) >>> 0;
    initialize(end, segment, past);
    const relative = end.relative(segment.sequence, end.lastSequence, end.sequenceWraps);
    const isFromBefore = relative < 0;
    addHistory(end, segment, relative);
    const isZeroWindow = segment.window === 0 && !segment.rst;
    if (isZeroWindow && peer.state !== TcpState.closed && end.state !== TcpState.reset) end.zeroWindow();
    if (!this.originator.didClose || !this.responder.didClose) this.connection.lastAt = now;
    if (segment.fin) {
      end.hasFin = true;
      end.finSequence = unsigned(relative + segment.sequenceLength);
    }
    const acknowledged = segment.ack ? acknowledgePeer(peer, segment) : 0;
    updateLast(end, past, segment);
    const doClose = this.#move(end, segment, isOriginator, now);
    if (segment.ack) this.#acknowledgeStream(peer, acknowledged);
    if (isOriginator) this.#originatorSeen = true;
    else this.#responderSeen = true;
    if (segment.length > 0 && segment.isCaptured && !segment.rst && !isFromBefore) {
      end.stream.data(segment.syn ? relative + 1 : relative, segment.length, end.relativeAcknowledged);
    }
    this.#checkEnd(end);
    if (doClose.close) this.#close(end, doClose.isFinish);
  }

  flip(): void {
    [this.originator, this.responder] = [this.responder, this.originator];
    this.originator.isOriginator = true;
    this.responder.isOriginator = false;
    [this.#originatorSeen, this.#responderSeen] = [this.#responderSeen, this.#originatorSeen];
    this.isPartial = false;
  }

  /** True when this segment, a SYN, begins another connection with the same addresses and ports. */
  isReusedBy(segment: Segment): boolean {
    if (!segment.syn) return false;
    let caller = this.originator;
    if (segment.ack) {
      if (caller.state !== TcpState.inactive) return false;
      caller = this.responder;
    }
    if (this.originator.didClose || this.responder.didClose) return true;
    if (segment.sequence === caller.startSequence) return false;
    const isReversed =
      !segment.ack &&
      caller.state === TcpState.synAckSent &&
      this.responder.state === TcpState.inactive &&
      segment.sequence === this.responder.startSequence;
    return !isReversed;
  }

  /** A SYN that got no answer. */
  get isUnanswered(): boolean {
    const { state } = this.originator;
    const isAsked = state === TcpState.synSent || state === TcpState.synAckSent;
    return isAsked && this.responder.state === TcpState.inactive;
  }

  /** Whether it has ended though not by the book; asked when it has been silent for a while. */
  get isOver(): boolean {
    const { originator, responder } = this;
    const isInactive = originator.state === TcpState.inactive || responder.state === TcpState.inactive;
    if (originator.didClose || responder.didClose) {
      const isReset = originator.state === TcpState.reset || responder.state === TcpState.reset;
      if ((originator.didClose && responder.didClose) || isReset || isInactive) return true;
    }
    return originator.state === TcpState.inactive && responder.state === TcpState.inactive;
  }

  #setPartial({ syn, ack }: Segment, isOriginator: boolean): void {
    if (isOriginator) {
      if (!this.#originatorSeen) this.isPartial = !syn || ack;
    } else if (!this.#responderSeen && !this.isPartial) this.isPartial = !syn;
  }

  /** The state machine. */
  #move(
    end: TcpEnd,
    segment: Segment,
    isOriginator: boolean,
    now: number,
  ): { close: boolean; isFinish: boolean } {
    switch (end.state) {
      case TcpState.inactive:
        return this.#fromInactive(end, segment, isOriginator, now);
      case TcpState.synSent:
      case TcpState.synAckSent:
        if (segment.fin) this.#setState(end, TcpState.closed);
        if (segment.rst) this.#reset(end);
        return { close: segment.fin || segment.rst, isFinish: segment.fin };
      case TcpState.partial:
      case TcpState.established:
        return this.#fromEstablished(end, segment);
      case TcpState.closed: {
        // A RST after both have closed is only tidying up.
        const isReset = segment.rst && end.peer.state !== TcpState.closed;
        const close = isReset && !end.didClose;
        if (isReset) this.#setState(end, TcpState.reset);
        return { close, isFinish: false };
      }
      case TcpState.reset:
        return { close: false, isFinish: false };
    }
  }

  #fromInactive(
    end: TcpEnd,
    segment: Segment,
    isOriginator: boolean,
    now: number,
  ): { close: boolean; isFinish: boolean } {
    const { peer } = end;
    let close = false;
    let isFinish = false;
    if (segment.syn && isOriginator) {
      this.#setState(end, segment.ack ? TcpState.synAckSent : TcpState.synSent);
      this.host.addTimer(this.connection, 'attempt', now + this.delays.attempt);
    } else if (segment.syn) this.#answered(end, segment);
    if (segment.fin) {
      this.#setState(end, TcpState.closed);
      close = isFinish = true;
    }
    if (segment.rst) {
      this.#setState(end, TcpState.reset);
      close = true;
      const isRejected = isOriginator
        ? peer.state === TcpState.established
        : peer.state === TcpState.synSent || peer.state === TcpState.synAckSent;
      isFinish = !isRejected;
    }
    if (end.state !== TcpState.inactive) return { close, isFinish };
    const isEarlyAck = !isOriginator && segment.length === 0 && this.originator.state === TcpState.synSent;
    if (isEarlyAck) return { close, isFinish };
    if (segment.ack && peer.state === TcpState.established) {
      this.#setState(end, TcpState.established);
      this.isPartial = false;
      if (isOriginator) this.#originatorSeen = true;
      else this.#responderSeen = true;
    } else this.#setState(end, TcpState.partial);
    return { close, isFinish };
  }

  /** The responder's SYN, with or without ACK. */
  #answered(end: TcpEnd, segment: Segment): void {
    const { peer } = end;
    const isReversed =
      !segment.ack && peer.state === TcpState.synAckSent && segment.sequence === end.startSequence;
    if (isReversed) {
      // SYN and SYN-ACK arrived in the wrong order: who sent the SYN is the caller.
      this.isPartial = false;
      this.connection.flip();
      this.#setState(peer, TcpState.established);
      this.#originatorSeen = true;
    }
    if (peer.state === TcpState.synSent) this.#setState(peer, TcpState.established);
    this.#setState(end, TcpState.established);
    if (peer.state !== TcpState.partial) this.host.setIdleTimeout(this.connection, 'interactive');
  }

  #fromEstablished(end: TcpEnd, segment: Segment): { close: boolean; isFinish: boolean } {
    const { peer } = end;
    const isLateSyn =
      segment.syn && !segment.ack && end.state === TcpState.partial && peer.state === TcpState.inactive;
    if (isLateSyn) this.#setState(end, TcpState.synSent);
    const isFin = segment.fin && !segment.rst;
    if (isFin) {
      this.#setState(end, TcpState.closed);
      // The peer's RST after its FIN was a normal end.
      const wasClosed = peer.state === TcpState.reset && peer.previous === TcpState.closed;
      if (wasClosed) this.#setState(peer, TcpState.closed);
    }
    if (segment.rst) {
      this.#setState(end, TcpState.reset);
      const isTold = peer.state === TcpState.reset && peer.previous === TcpState.established;
      if (!isTold) this.isActive = false;
    }
    return { close: isFin || segment.rst, isFinish: isFin };
  }

  #reset(end: TcpEnd): void {
    this.#setState(end, TcpState.reset);
    this.isActive = false;
  }

  #setState(end: TcpEnd, state: TcpState): void {
    if (state === end.state) return;
    if (!isHandshake(state) && isHandshake(end.state) && isHandshake(end.peer.state)) {
      this.host.setIdleTimeout(this.connection, 'tcp');
    }
    end.previous = end.state;
    end.state = state;
  }

  /** The peer's data up to here has arrived. */
  #acknowledgeStream(peer: TcpEnd, relative: number): void {
    const upTo = peer.hasFin && relative >= peer.finSequence ? peer.finSequence - 1 : relative;
    if (peer.stream.acknowledge(upTo)) this.#checkEnd(peer);
  }

  /** The stream of this end has ended, and nothing of it is to come. */
  #checkEnd(end: TcpEnd): void {
    if (end.didEnd) return;
    const isEnding = end.hasFin || end.state === TcpState.closed || end.state === TcpState.reset;
    if (!isEnding || end.isDataPending) return;
    end.didEnd = true;
    if (!this.#isCloseDeferred) return;
    this.#close(end, this.#isFinishDeferred);
    this.#isCloseDeferred = false;
  }

  /** This end closes, now or when its data is complete; when both have, the connection has a few seconds left. */
  #close(end: TcpEnd, isFinish: boolean): void {
    if (end.isDataPending) {
      this.#isCloseDeferred = true;
      this.#isFinishDeferred ||= isFinish;
      return;
    }
    this.#isCloseDeferred = false;
    if (end.didClose) return;
    end.didClose = true;
    const { peer } = end;
    const isComplete = end.state === TcpState.reset || peer.didClose || peer.state === TcpState.inactive;
    if (!isComplete) {
      // Of an end that began with its close, Zeek makes nothing here: no script of it asks.
      if (end.previous !== TcpState.inactive) {
        this.host.addTimer(this.connection, 'look', this.connection.lastAt + this.delays.nextLook);
      }
      return;
    }
    const isWorthTelling = end.previous !== TcpState.inactive || peer.state !== TcpState.inactive;
    if (isWorthTelling && (isFinish || this.#isFinishDeferred)) {
      this.#isFinishDeferred = false;
      this.isActive = false;
    }
    this.host.cancelTimers(this.connection);
    this.host.addTimer(this.connection, 'delete', this.connection.lastAt + this.delays.close);
  }
}

function isHandshake(state: TcpState): boolean {
  return state === TcpState.inactive || state === TcpState.synSent || state === TcpState.synAckSent;
}
