/**
 * How packets are sampled, as a user writes it: `1:100`, `1:100,random`, `1:100,sflow,7`.
 *
 * The names are those of RFC 5475 where it has one. An export tells its reader the same plan, so that whoever reads the
 * counts knows what to multiply them by.
 */
import { InputError } from '../../errors.js';

/**
 * `systematic`: every Nth packet (systematic count-based sampling, RFC 5475, 5.1). `random`: each packet with
 * probability 1/N (uniform probabilistic sampling, 5.2.2.1). `n-of-n`: one packet at random of each N in a row
 * (n-out-of-N sampling with n = 1, 5.2.1). `sflow`: after each sample a random number of packets is let
 * pass, N on average (sFlow version 5, section 3.1).
 */
export const samplingMethods = ['systematic', 'random', 'n-of-n', 'sflow'] as const;
export type SamplingMethod = (typeof samplingMethods)[number];

export interface SamplingPlan {
  /** One of so many packets; 1 for all. */
  readonly rate: number;
  readonly method: SamplingMethod;
  /** Of the random methods; unused by `systematic`. */
  readonly seed: number;
}

/** All packets. */
export const unsampled: SamplingPlan = { rate: 1, method: 'systematic', seed: 1 };

const MAX_RATE = 16_777_215;
const FORM = `1:N[,${samplingMethods.join('|')}][,seed], N from 1 to ${MAX_RATE}, e.g. "1:100,random"`;

/**
 * Reads a plan; the seed defaults to 1.
 *
 * @throws InputError that begins with `place`.
 */
export function parseSamplingPlan(
  text: string,
  place: string,
  otherwise: SamplingMethod = 'systematic',
): SamplingPlan {
  const [, rate, method = otherwise, seed = '1'] =
    /^1:(\d{1,8})(?:,([a-z-]+))?(?:,(\d{1,10}))?$/.exec(text.replaceAll(' ', '')) ?? [];
  const known = samplingMethods.find((candidate) => candidate === method);
  const isValid = Number(rate) >= 1 && Number(rate) <= MAX_RATE && Number(seed) <= 0xffffffff;
  if (isValid && known !== undefined) return { rate: Number(rate), method: known, seed: Number(seed) };
  throw new InputError(`${place}: found "${text}"; allowed: ${FORM}`);
}
