/** Decides which packets of a path are lost: the models of src/scenario/weather.ts. */
import type { Random } from '../../random.js';
import { badShare, type Loss } from '../../scenario/weather.js';

/** A source of fates, one for each packet: true for one that is lost. */
export function lossSource(loss: Loss, random: Random): () => boolean {
  if (loss.kind === 'bernoulli') {
    const { probability } = loss;
    return probability === 0 ? () => false : () => random.uniform() < probability;
  }
  const { p, r, lossGood, lossBad } = loss;
  let isBad = random.uniform() < badShare(loss);
  return () => {
    isBad = random.uniform() < (isBad ? 1 - r : p);
    const probability = isBad ? lossBad : lossGood;
    return probability > 0 && random.uniform() < probability;
  };
}
