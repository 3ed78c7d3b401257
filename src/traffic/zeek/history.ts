/**
 * The history column: one letter for each kind of thing that happened, in order of first appearance.
 *
 * Upper case is the originator's, lower case the responder's. Most letters appear once a side. Checksum errors (c),
 * gaps (g), retransmissions (t) and zero windows (w) appear on the 1st, 10th, 100th … time. `^` says that the two ends
 * changed places.
 */

/** Bits of what was seen; a responder's are shifted. */
export const Seen = {
  syn: 1,
  fin: 2,
  rst: 4,
  finWithRst: 8,
  data: 16,
  acknowledgement: 32,
  manyFlags: 64,
  /** Of the connection, not of one end. */
  limitReached: 0x400,
} as const;

const RESPONDER_SHIFT = 16;

export class History {
  text = '';
  #seen = 0;

  add(letter: string): void {
    this.text += letter;
  }

  /** Adds a letter the first time. @returns true if it had been there before. */
  addOnce(bit: number, letter: string, isOriginator: boolean): boolean {
    const mask = isOriginator ? bit : bit << RESPONDER_SHIFT;
    if ((this.#seen & mask) !== 0) return true;
    this.#seen |= mask;
    this.text += isOriginator ? letter : letter.toLowerCase();
    return false;
  }
}

/** True of the 1st, 10th, 100th … event. */
export function isDecade(count: number): boolean {
  while (count >= 10 && count % 10 === 0) count /= 10;
  return count === 1;
}
