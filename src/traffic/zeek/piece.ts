/** A piece of a captured frame, with what it lies in: what the parts of the dissector hand to each other. */
import type { Encapsulation } from './encapsulation.js';

export interface Piece {
  readonly bytes: Uint8Array;
  /** Its first byte, and the one behind its last. */
  readonly at: number;
  readonly end: number;
  /** Bytes of it that were on the wire and are not in the capture. */
  readonly uncaptured: number;
  /** The tunnels around it. */
  readonly encapsulation: Encapsulation | undefined;
  /** How many packets it is within. */
  readonly level: number;
  /** Where the innermost Ethernet header lies; undefined for other links, or when nobody asks. */
  readonly ethernet: { readonly bytes: Uint8Array; readonly at: number } | undefined;
}
