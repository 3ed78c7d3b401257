/**
 * What of a burst is left after sampling: the number that decides whether anyone could see it.
 *
 * A burst of b bytes in packets of s bytes is b/s packets; of these b/(s·N) are sampled on average. A rate of 1:1000 says
 * nothing by itself: of 31 GB it leaves 23,000 samples, of 1 MB less than one. So results under sampling are told against
 * samples per burst.
 */

/** Bytes of a packet of a bulk transfer, on average over data and acknowledgements: where the packets weren't counted. */
export const BULK_PACKET_BYTES = 1350;

export interface BurstSamples {
  /** Sampled packets of a burst, on average. */
  readonly expected: number;
  /** Probability that a burst leaves no sample at all: (1 - 1/N)^packets, for samples that are independent. */
  readonly unseen: number;
}

/**
 * @param burst its bytes, and its packets where they are known; else they are taken to be of {@link BULK_PACKET_BYTES}.
 * @param rate one of so many packets is sampled; 1 for all.
 */
export function samplesPerBurst(burst: { bytes: number; packets?: number }, rate: number): BurstSamples {
  const packets = burst.packets ?? burst.bytes / BULK_PACKET_BYTES;
  const unseen = packets === 0 ? 1 : rate === 1 ? 0 : Math.exp(packets * Math.log1p(-1 / rate));
  return { expected: packets / rate, unseen };
}
