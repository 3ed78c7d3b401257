/**
 * Seeded random numbers: the same seed gives the same run.
 *
 * A stream is a seed and a label ("loss of node 3", "initial parameters"), so that one consumer drawing
 * more numbers never shifts another's. The generator is xoroshiro128+ of the package pure-rand; its
 * floating-point results use integer arithmetic and exact division only, hence are equal everywhere.
 */
import { createHash } from 'node:crypto';
import prand, { type RandomGenerator } from 'pure-rand';

export class Random {
  readonly #generator: RandomGenerator;

  /** An independent stream for each (seed, label). */
  constructor(seed: number, label: string) {
    const digest = createHash('sha256').update(`${seed}/${label}`).digest();
    this.#generator = prand.xoroshiro128plus(digest.readInt32LE(0));
  }

  /** Uniform in [0, 1), with 32 random bits. */
  uniform(): number {
    return (this.#generator.unsafeNext() >>> 0) / 0x1_0000_0000;
  }

  /** Uniform integer in 0 … bound-1. Bias below 2^-21 for any bound under 2048. */
  integer(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** Standard normal, by Box and Muller. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}
