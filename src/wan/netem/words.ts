/**
 * A path and an access link in the words of `tc`: what the kernel's qdiscs netem and TBF are told.
 *
 * netem draws by its own generator, seeded by the kernel: iproute2 of this day can't name a seed. So which packet is
 * lost differs from run to run, whatever the scenario's seed.
 *
 * Pure: figures in, words out. What has no words here (a trace of delays, duplicates) is refused before a run, by
 * src/scenario/driver-checks.ts; should it come here all the same, it is an error and never left out.
 */
import type { Path, QueueLimit } from '../../scenario/topology.js';
import type { Jitter, Loss } from '../../scenario/weather.js';
import { CATCH_UP_SECONDS } from '../link/index.js';
import { queueBytes } from '../shaper/queue-bytes.js';

/** netem's queue is no model of anything: what is on its way is there, however much that is. */
const ENDLESS = 1_000_000;
/**
 * A rate that is never reached, bit/s. netem lets a packet overtake another that drew a longer delay, unless it has
 * a rate: then a packet waits for the one before it, as on a real line.
 */
export const BOUNDLESS = 30e9;
/** Deviation of iproute2's table `pareto`, in terms of the deviation that it is asked for (netem/pareto.c). */
const PARETO_TABLE_DEVIATION = 1.155;
const ETHERNET_HEADER = 14;

/** What follows `netem` for one direction of a path. */
export function netemWords({ delay, jitter, loss, duplicate, reorder, corrupt }: Path): string {
  if (duplicate > 0) throw new RangeError('netem can not duplicate on one of several paths');
  return [
    `limit ${ENDLESS}`,
    `delay ${time(delay)}${jitterWords(jitter)}`,
    lossWords(loss),
    // Without a delay there is nobody to overtake, and netem refuses the word.
    ...(reorder > 0 && delay > 0 ? [`reorder ${percent(reorder)}`] : []),
    ...(corrupt > 0 ? [`corrupt ${percent(corrupt)}`] : []),
    `rate ${BOUNDLESS}bit`,
  ]
    .filter((words) => words !== '')
    .join(' ');
}

/** The parameter after the delay. A uniform variation is netem's own when it has no table. */
function jitterWords(jitter: Jitter): string {
  switch (jitter.kind) {
    case 'none':
      return '';
    case 'uniform':
      return ` ${time(jitter.halfWidth)}`;
    case 'normal':
      return ` ${time(jitter.deviation)} distribution normal`;
    case 'pareto':
      return ` ${time(jitter.deviation / PARETO_TABLE_DEVIATION)} distribution pareto`;
    case 'trace':
      throw new RangeError('netem has no list of delays');
  }
}

/** netem's `gemodel` draws by the state that the packet before has left; in the long run that is the same. */
function lossWords(loss: Loss): string {
  if (loss.kind === 'bernoulli') return loss.probability > 0 ? `loss ${percent(loss.probability)}` : '';
  const { p, r, lossBad, lossGood } = loss;
  return `loss gemodel ${[p, r, lossBad, lossGood].map(percent).join(' ')}`;
}

/**
 * What follows `tbf` for an access link of `rate` bit/s: one drop-tail queue, counted in bytes of Ethernet frames. After
 * an idle time two frames may pass at once, or what a late clock may make good.
 */
export function rateWords(rate: number, queue: QueueLimit, mtu: number): string {
  const frame = mtu + ETHERNET_HEADER;
  const burst = Math.max(2 * frame, Math.ceil((CATCH_UP_SECONDS * rate) / 8));
  const limit = Math.max(frame, Math.floor(queueBytes(queue, rate)));
  return `rate ${Math.round(rate)}bit burst ${burst} limit ${limit}`;
}

/** Older ones of `tc` know no smaller unit; the kernel's clock ticks every 64 ns. */
const time = (seconds: number): string => `${Number((seconds * 1e6).toFixed(3))}us`;

/** In digits only: `tc` reads no exponent. netem keeps 32 bits of it. */
const percent = (probability: number): string => `${Number((100 * probability).toFixed(8))}%`;
