/**
 * An operation together with when it was played: what a player gives back, and what a picture is drawn
 * from. It refers to the operation rather than copying it, for a round may have millions.
 */
import type { Operation } from './operation.js';

export interface TimedOperation {
  readonly rank: number;
  readonly round: number;
  readonly operation: Operation;
  /**
   * Seconds since the player's origin. For a transfer: when its first byte moved, that is, left the sender
   * or reached the receiver; time spent waiting for the link or for the peer is not counted.
   */
  readonly start: number;
  readonly end: number;
}
