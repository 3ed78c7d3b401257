/**
 * What of one end's TCP stream has arrived, and what is missing for good.
 *
 * Think of it as a reassembler without a memory for content: it keeps intervals of sequence numbers. Data stays
 * "buffered" until the other end acknowledges it. When an acknowledgement covers bytes that never were seen, they are
 * a gap: those are conn.log's missed_bytes. Numbers are relative: 0 is the SYN, 1 the first byte.
 */

/** Data above a hole that Zeek keeps while no byte was ever acknowledged, and data in all. Then it gives up. */
const MAX_ABOVE_HOLE_UNACKNOWLEDGED = 16_384;
const MAX_BUFFERED = 10 * 1024 * 1024;
/** Ours: intervals above holes. An honest stream has a handful. */
const MAX_INTERVALS = 4096;
/** Delivered data is no longer kept when so much was sent and nothing acknowledged: the other way isn't seen. */
const MAX_INITIAL_WINDOW = 16_384;

/** Shared by all that have no holes, for most never have one. */
const nothing: number[] = [];

/** What a stream must know of its end of the connection. */
export interface StreamEnd {
  /** No byte of its data was acknowledged; its SYN may have been. */
  readonly isUnacknowledged: boolean;
  /** Data sent so far, by sequence numbers. */
  readonly size: number;
  /** Neither end has seen a SYN yet, so that numbers began with a guess. */
  readonly isPartial: boolean;
  onGap(length: number): void;
}

export class Stream {
  /** Up to here all was delivered, or given up. */
  delivered = 1;
  /** Up to here all is acknowledged, and forgotten. */
  #trimmed = 1;
  /** True when too much was missing to go on. */
  isGivenUp = false;
  /** Pairs of first number and the one past the last, above the hole, in order. */
  #above: number[] = nothing;
  readonly #end: StreamEnd;

  constructor(end: StreamEnd) {
    this.#end = end;
  }

  /** Something is kept: not acknowledged, or above a hole. */
  get hasBuffered(): boolean {
    return !this.isGivenUp && (this.delivered > this.#trimmed || this.#above.length > 0);
  }

  /** @param acknowledged up to where the other end has acknowledged. */
  data(from: number, length: number, acknowledged: number): void {
    if (this.isGivenUp) return;
    const to = from + length;
    if (from < acknowledged) from = acknowledged;
    if (to <= from || to <= this.#trimmed) return;
    from = Math.max(from, this.#trimmed);
    if (this.#above.length === 0 && from <= this.delivered) {
      if (to > this.delivered) {
        this.delivered = to;
        this.#forgetWhereUnanswered();
      }
    } else {
      this.#insert(from, to);
      this.#deliver();
    }
    const last = this.#above.at(-1) ?? this.delivered;
    if (this.#end.isUnacknowledged && last - this.delivered > MAX_ABOVE_HOLE_UNACKNOWLEDGED) this.#giveUp();
    else if (this.#above.length / 2 > MAX_INTERVALS || this.#buffered() > MAX_BUFFERED) this.#giveUp();
  }

  /** @returns false when it said nothing new. */
  acknowledge(upTo: number): boolean {
    if (upTo <= this.#trimmed) return false;
    this.#trim(upTo);
    return true;
  }

  #trim(upTo: number): void {
    if (upTo > this.delivered) this.#skip(upTo);
    while (this.#above.length > 0 && this.#above[1]! <= upTo) this.#above.splice(0, 2);
    this.#trimmed = upTo;
    this.#deliver();
  }

  /** Bytes below `upTo` won't come any more. */
  #skip(upTo: number): void {
    // Numbers of a partial connection begin with a guess: at its first acknowledgement, a byte or two prove nothing.
    if (upTo <= 2 && this.#end.isPartial) return;
    if (!this.isGivenUp) {
      while (this.#above.length > 0 && this.#above[0]! < upTo) {
        const hole = this.#above[0]! - this.delivered;
        if (hole > 0) this.#end.onGap(hole);
        this.delivered = Math.max(this.delivered, this.#above[1]!);
        this.#above.splice(0, 2);
      }
      if (upTo > this.delivered) this.#end.onGap(upTo - this.delivered);
    }
    this.delivered = Math.max(this.delivered, upTo);
  }

  /** What lies right above what was delivered no longer waits. */
  #deliver(): void {
    if (this.isGivenUp) return;
    let moved = false;
    while (this.#above.length > 0 && this.#above[0]! <= this.delivered) {
      if (this.#above[1]! > this.delivered) this.delivered = this.#above[1]!;
      this.#above.splice(0, 2);
      moved = true;
    }
    if (moved) this.#forgetWhereUnanswered();
  }

  #forgetWhereUnanswered(): void {
    if (this.#end.isUnacknowledged && this.#end.size > MAX_INITIAL_WINDOW) {
      this.#trimmed = Math.max(this.#trimmed, this.delivered);
    }
  }

  #insert(from: number, to: number): void {
    if (this.#above === nothing) this.#above = [];
    const above = this.#above;
    if (from < this.delivered) from = this.delivered;
    if (from >= to) return;
    let index = 0;
    while (index < above.length && above[index + 1]! < from) index += 2;
    let last = index;
    while (last < above.length && above[last]! <= to) {
      from = Math.min(from, above[last]!);
      to = Math.max(to, above[last + 1]!);
      last += 2;
    }
    above.splice(index, last - index, from, to);
  }

  #buffered(): number {
    let sum = Math.max(0, this.delivered - this.#trimmed);
    for (let index = 0; index < this.#above.length; index += 2) {
      sum += this.#above[index + 1]! - this.#above[index]!;
    }
    return sum;
  }

  #giveUp(): void {
    this.isGivenUp = true;
    this.#above = nothing;
  }
}
