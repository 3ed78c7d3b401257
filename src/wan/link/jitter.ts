/** Draws how much longer or shorter than its path's delay a packet takes: the models of src/scenario/weather.ts. */
import type { Random } from '../../random.js';
import { NORMAL_BOUND, paretoVariation, type Jitter } from '../../scenario/weather.js';

/** A source of variations in seconds, one for each packet. */
export function jitterSource(jitter: Jitter, random: Random): () => number {
  switch (jitter.kind) {
    case 'none':
      return () => 0;
    case 'uniform': {
      const { halfWidth } = jitter;
      return () => halfWidth * (2 * random.uniform() - 1);
    }
    case 'normal': {
      const { deviation } = jitter;
      return () => {
        let drawn = random.normal();
        while (Math.abs(drawn) > NORMAL_BOUND) drawn = random.normal();
        return deviation * drawn;
      };
    }
    case 'pareto': {
      const { deviation } = jitter;
      // A share of 0, which no packet has, would be a delay without end.
      return () => paretoVariation(deviation, 1 - random.uniform());
    }
    case 'trace': {
      const { variations } = jitter;
      return () => variations[random.integer(variations.length)] ?? 0;
    }
  }
}
