/**
 * A stage of a link: a queue with three verbs.
 *
 *     accept    takes a packet, or refuses it (the packet is dropped or lost)
 *     nextEvent says when the stage next needs the clock
 *     release   gives out what is due
 *
 * Everything between two nodes is a composition of such stages: a path is a delay line, an access link a
 * rate queue; src/wan/shaper/access.ts and src/wan/threads/stream-wan.ts say in which order. A stage knows
 * no clock and no socket: time is an argument, in seconds from any fixed instant, and never goes back. So a
 * day of traffic can be pushed through in a test in milliseconds, and the same code serves the packet shaper
 * and the stream relay.
 */

/** What a stage must know of a packet. The stage writes `due`; whoever made the packet owns the rest. */
export interface Queued {
  /** Bytes that count towards rate and queue limit. */
  readonly bytes: number;
  /** Packets of one lane keep their order in a delay line. */
  readonly lane: number;
  /** The instant at which the last stage wanted the packet out, seconds. */
  due: number;
}

export interface Stage<P extends Queued> {
  /** False when the packet was refused; the caller counts it and reuses its memory. */
  accept(packet: P, now: number): boolean;
  /** Instant of the next release in seconds; Infinity when the stage is empty. */
  nextEvent(): number;
  /** Gives out, in order, every packet due by `now`. */
  release(now: number, emit: (packet: P) => void): void;
}
