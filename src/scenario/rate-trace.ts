/**
 * A link whose rate varies as somebody recorded it, in the format of mahimahi (Netravali et al., "Mahimahi: Accurate
 * Record-and-Replay for HTTP", USENIX ATC 2015).
 *
 * Each line of a trace is a whole number of milliseconds since its beginning, at which 1500 bytes may leave; lines do not
 * go back in time, and a time may stand there more than once. When the trace has come to its last line it begins anew,
 * so the last number is also its length.
 */

/**
 * Bytes that may leave at each line, as this project counts them: a packet of 1500 with its Ethernet header. (mahimahi
 * has 1504 for the same packet, with the header of its TUN device.)
 */
export const OPPORTUNITY_BYTES = 1514;

export interface RateTrace {
  /** As the scenario names it. */
  readonly file: string;
  /** Instants at which OPPORTUNITY_BYTES may leave, milliseconds since the beginning, never descending. */
  readonly opportunities: readonly number[];
}

/** Mean rate, bit/s. */
export function meanRate({ opportunities }: RateTrace): number {
  const seconds = (opportunities.at(-1) ?? NaN) / 1000;
  return (8 * OPPORTUNITY_BYTES * opportunities.length) / seconds;
}
