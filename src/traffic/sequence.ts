/**
 * TCP payload counted once: one direction of one connection, by its sequence numbers.
 *
 * A byte counts as unique the first time the capture shows it, whatever the order it comes in. So a
 * segment lost before the capture point leaves a hole, and its retransmission fills the hole and is
 * unique; a segment lost behind the capture point is seen twice, and the second time is repeated. Numbers
 * are unwrapped from 32 bits by the signed distance to the highest seen (RFC 9293, section 3.4), so
 * connections of any length are followed.
 */
const MAX_HOLES = 256;

interface Hole {
  start: number;
  end: number;
}

export class SequenceTracker {
  /** Payload bytes seen for the first time. */
  unique = 0;
  /** Payload bytes seen again. */
  repeated = 0;
  /** Unwrapped number of the byte after the highest seen; NaN before the first. */
  #next = NaN;
  /** Number of the first byte, by the last SYN. */
  #first = NaN;
  /** In ascending order. */
  readonly #holes: Hole[] = [];
  #forgotten = 0;

  /** A tracker of a direction in which all came in order until now: see flow-table.ts. NaN where there is nothing. */
  static after(unique: number, next: number, first: number): SequenceTracker {
    const tracker = new SequenceTracker();
    tracker.unique = unique;
    tracker.#next = next;
    tracker.#first = first;
    return tracker;
  }

  /** Bytes that the numbers say were sent and the capture never showed. */
  get missing(): number {
    return this.#holes.reduce((sum, hole) => sum + hole.end - hole.start, this.#forgotten);
  }

  /** Starts over at a SYN with this sequence number; the same SYN seen again changes nothing. */
  synchronize(sequence: number): void {
    const first = (sequence + 1) >>> 0;
    if (first === this.#first) return;
    this.#forgotten = this.missing;
    this.#holes.length = 0;
    this.#next = this.#first = first;
  }

  /** Counts a segment's payload. */
  add(sequence: number, length: number): void {
    if (length === 0) return;
    if (Number.isNaN(this.#next)) this.#next = sequence;
    const start = this.#unwrap(sequence);
    const end = start + length;
    if (start >= this.#next) {
      if (start > this.#next) this.#openHole(this.#next, start);
      this.unique += length;
    } else {
      const beyond = Math.max(0, end - this.#next);
      const filled = this.#fill(start, Math.min(end, this.#next));
      this.unique += beyond + filled;
      this.repeated += length - beyond - filled;
    }
    if (end > this.#next) this.#next = end;
  }

  /** The unwrapped number nearest to the highest seen. */
  #unwrap(sequence: number): number {
    // `| 0` takes both modulo 2^32; the difference is then the signed distance.
    return this.#next + ((sequence - (this.#next % 2 ** 32)) | 0);
  }

  #openHole(start: number, end: number): void {
    this.#holes.push({ start, end });
    if (this.#holes.length <= MAX_HOLES) return;
    const oldest = this.#holes.shift()!;
    this.#forgotten += oldest.end - oldest.start;
  }

  /** Takes [start, end) out of the holes; returns how many bytes of it were missing. */
  #fill(start: number, end: number): number {
    let filled = 0;
    for (let index = this.#holes.length - 1; index >= 0; index--) {
      const hole = this.#holes[index]!;
      if (hole.end <= start) break;
      if (hole.start >= end) continue;
      const from = Math.max(hole.start, start);
      const to = Math.min(hole.end, end);
      filled += to - from;
      const parts = [
        { start: hole.start, end: from },
        { start: to, end: hole.end },
      ].filter((part) => part.end > part.start);
      this.#holes.splice(index, 1, ...parts);
    }
    return filled;
  }
}
