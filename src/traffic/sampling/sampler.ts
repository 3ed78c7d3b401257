/**
 * Samplers: each is asked once per packet whether that packet is looked at.
 *
 * All of them are counters that run down: a sampler decides when it takes one packet which one it takes next, so that a
 * packet which is let pass costs one subtraction. The sampled share is 1/N in each case, and the sum of what was
 * observed times N is an unbiased estimate of the whole, whatever the packets' sizes. They differ in what they do to
 * traffic that has a rhythm of its own: every Nth packet can beat with it, a random choice can't.
 *
 * This samples packets, in front of a meter, as routers do. A NetFlow record of sampled packets then says less than it
 * seems to: its times are those of the first and the last packet that happened to be chosen, and its bytes are spread over
 * all of it.
 */
import { Random } from '../../random.js';
import type { SamplingMethod, SamplingPlan } from './plan.js';

export interface Sampler {
  /** One of so many packets is taken. */
  readonly rate: number;
  /** Whether the next packet is looked at. */
  take(): boolean;
}

/** A sampler by the plan; its choices depend on nothing but the plan. */
export function samplerOf(plan: SamplingPlan): Sampler {
  if (plan.rate === 1) return { rate: 1, take: () => true };
  const random = new Random(plan.seed, `sampling ${plan.method} 1:${plan.rate}`);
  return new SkippingSampler(plan.rate, GAPS[plan.method](plan.rate, random));
}

/** Called when a packet was taken: how many packets from there the next one is, at least 1. */
type Gaps = () => number;

const GAPS: Readonly<Record<SamplingMethod, (rate: number, random: Random) => Gaps>> = {
  systematic: (rate) => () => rate,
  // Between successes of independent trials lies a geometric distance: drawn by inversion.
  random: (rate, random) => {
    const scale = 1 / Math.log1p(-1 / rate);
    return () => 1 + Math.floor(Math.log(1 - random.uniform()) * scale);
  },
  'n-of-n': (rate, random) => {
    let place = -1;
    return () => {
      const before = place;
      place = random.integer(rate);
      // Before the first block there is none to finish.
      return before < 0 ? place + 1 : rate - before + place;
    };
  },
  // Uniform from 1 to 2N-1, hence N on average.
  sflow: (rate, random) => () => 1 + random.integer(2 * rate - 1),
};

class SkippingSampler implements Sampler {
  readonly #gaps: Gaps;
  #left: number;

  constructor(
    readonly rate: number,
    gaps: Gaps,
  ) {
    this.#gaps = gaps;
    this.#left = gaps();
  }

  take(): boolean {
    this.#left -= 1;
    if (this.#left > 0) return false;
    this.#left = this.#gaps();
    return true;
  }
}
