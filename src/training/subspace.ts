/**
 * A low-dimensional space of rows that everyone knows: what lies in it can be told by a few coefficients.
 *
 * Its basis U [width, rank] is orthonormal, drawn by lot from the run's seed, and never changes. A row x in
 * the space is c·Uᵀ, with coefficients c = x·U; of any other row, x·U·Uᵀ is the nearest in the space. Sums are
 * made in double precision in a fixed order and rounded to float32 when stored, so that all machines agree.
 */
import { Random } from '../random.js';

export class Subspace {
  readonly width: number;
  readonly rank: number;
  /** Row-major. */
  readonly #basis: Float64Array;

  /** @throws RangeError if the rank is more than the width; a scenario's has been checked. */
  constructor({
    width,
    rank,
    seed,
  }: {
    readonly width: number;
    readonly rank: number;
    readonly seed: number;
  }) {
    if (rank > width) throw new RangeError(`a subspace of ${rank} dimensions in one of ${width}`);
    this.width = width;
    this.rank = rank;
    this.#basis = orthonormalBasis(width, rank, new Random(seed, 'subspace'));
  }

  /** Coefficients x·U of rows x, [rows, width] → [rows, rank]. */
  coefficients(values: Float32Array, out: Float32Array): void {
    const sums = new Float64Array(this.rank);
    this.#eachRow(values, (row, index) => {
      this.#dot(row, sums);
      out.set(sums, index * this.rank);
    });
  }

  /** Rows c·Uᵀ of coefficients c, [rows, rank] → [rows, width]. */
  combine(coefficients: Float32Array, out: Float32Array): void {
    this.#eachRow(out, (row, index) => {
      this.#expand(coefficients.subarray(index * this.rank, (index + 1) * this.rank), (i, sum) => {
        row[i] = sum;
      });
    });
  }

  /** Replaces rows x by b + (x-b)·U·Uᵀ, in place; b, which is 0 if not given, is as large as x. */
  project(values: Float32Array, base?: Float32Array): void {
    const sums = new Float64Array(this.rank);
    const difference = new Float64Array(this.width);
    this.#eachRow(values, (row, index) => {
      const from = base?.subarray(index * this.width, (index + 1) * this.width);
      for (let i = 0; i < this.width; i++) difference[i] = row[i]! - (from?.[i] ?? 0);
      this.#dot(difference, sums);
      this.#expand(sums, (i, sum) => {
        row[i] = (from?.[i] ?? 0) + sum;
      });
    });
  }

  #eachRow(values: Float32Array, visit: (row: Float32Array, index: number) => void): void {
    const { width } = this;
    if (values.length % width !== 0)
      throw new RangeError(`${values.length} elements are no whole rows of ${width}`);
    for (let index = 0; index < values.length / width; index++)
      visit(values.subarray(index * width, (index + 1) * width), index);
  }

  #dot(row: Float32Array | Float64Array, sums: Float64Array): void {
    const { width, rank } = this;
    sums.fill(0);
    for (let i = 0; i < width; i++)
      for (let j = 0; j < rank; j++) sums[j]! += row[i]! * this.#basis[i * rank + j]!;
  }

  #expand(coefficients: Float32Array | Float64Array, visit: (i: number, sum: number) => void): void {
    const { width, rank } = this;
    for (let i = 0; i < width; i++) {
      let sum = 0;
      for (let j = 0; j < rank; j++) sum += coefficients[j]! * this.#basis[i * rank + j]!;
      visit(i, sum);
    }
  }
}

/** Gram and Schmidt's process on normal numbers, twice over, since once leaves rounding behind. */
function orthonormalBasis(width: number, rank: number, random: Random): Float64Array {
  const basis = Float64Array.from({ length: width * rank }, () => random.normal());
  const dot = (a: number, b: number): number => {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += basis[i * rank + a]! * basis[i * rank + b]!;
    return sum;
  };
  for (let j = 0; j < rank; j++) {
    for (let other = 0; other < 2 * j; other++) {
      const along = dot(j, other % j);
      for (let i = 0; i < width; i++) basis[i * rank + j]! -= along * basis[i * rank + (other % j)]!;
    }
    const norm = Math.sqrt(dot(j, j));
    for (let i = 0; i < width; i++) basis[i * rank + j]! /= norm;
  }
  return basis;
}
