/**
 * What one segment does to its end and to the peer, apart from the state machine (tcp-session.ts): where sequence numbers
 * begin, how far they have come, what was acknowledged, and which letters the history gets.
 */
import { Seen } from './history.js';
import type { Segment } from './segment.js';
import { sequenceDelta, TcpState } from './tcp-end.js';
import type { TcpEnd } from './tcp-end.js';

/** A jump of more than this in a SYN or RST, or an ACK of 0 that far ahead, is not believed. */
const TOO_FAR = 1_048_576;

/** Where the end's sequence numbers begin, at its first segment or at a SYN that begins anew. */
export function initialize(end: TcpEnd, { syn, sequence }: Segment, past: number): void {
  switch (end.state) {
    case TcpState.inactive:
      // Without a SYN, one is made up; and the first segment shall not look like a retransmission.
      if (syn) end.startAt(sequence, past);
      else end.startAt(sequence - 1, sequence);
      return;
    case TcpState.synSent:
    case TcpState.synAckSent:
      if (syn && sequence !== end.startSequence) end.startAt(sequence, past);
      return;
    case TcpState.established:
    case TcpState.partial:
      if (syn) end.startAt(sequence, past);
      return;
    case TcpState.reset:
      if (syn && end.previous === TcpState.inactive) end.startAt(sequence, past);
      return;
    case TcpState.closed:
  }
}

/** The letters that this segment adds to the history. */
export function addHistory(end: TcpEnd, segment: Segment, relative: number): void {
  const { syn, fin, rst, length } = segment;
  if ((syn && fin) || (syn && rst) || (fin && rst)) {
    if (fin && rst) end.seen(Seen.finWithRst, 'I');
    else end.seen(Seen.manyFlags, 'Q');
  } else if (syn) {
    const letter = segment.ack ? 'H' : 'S';
    if (end.seen(Seen.syn, letter) && relative !== end.lastSyn) end.again(letter);
    end.lastSyn = relative;
  } else if (fin) {
    if (end.seen(Seen.fin, 'F') && relative + length !== end.lastFin) end.again('F');
    end.lastFin = relative + length;
  } else if (rst) {
    if (end.seen(Seen.rst, 'R') && relative !== end.lastRst) end.again('R');
    end.lastRst = relative;
  } else if (length > 0) end.seen(Seen.data, 'D');
  else if (segment.ack) end.seen(Seen.acknowledgement, 'A');
}

/** @returns the acknowledgement, relative to the peer's SYN; 0 when it makes no sense. */
export function acknowledgePeer(peer: TcpEnd, { acknowledgement, rst }: Segment): number {
  if (peer.state === TcpState.inactive) {
    peer.startAt(acknowledgement - 1, acknowledgement - 1);
    return 1;
  }
  const relative = peer.relative(acknowledgement, peer.acknowledged, peer.acknowledgedWraps);
  if (relative < 0) return 0;
  if (!rst) {
    const delta = sequenceDelta(acknowledgement, peer.acknowledged);
    const isBroken = acknowledgement === 0 && delta > TOO_FAR;
    if (!isBroken && delta > 0) peer.acknowledgeTo(acknowledgement);
  }
  return relative;
}

/** How far the end has come. */
export function updateLast(end: TcpEnd, past: number, { syn, fin, rst, length }: Segment): void {
  const delta = sequenceDelta(past, end.lastSequence);
  if ((syn || rst) && Math.abs(delta) > TOO_FAR) return;
  // Of more than 2 GiB with only SYN and FIN seen, the FIN is to be believed.
  if (fin && end.lastSequence === (end.startSequence + 1) >>> 0) end.advanceTo(past);
  else if (end.state === TcpState.reset) return;
  else if (delta > 0) end.advanceTo(past);
  else if (length > 0) end.retransmitted();
}

/** As a 64-bit number without sign. */
export function unsigned(value: number): number {
  return value < 0 ? value + 2 ** 64 : value;
}
