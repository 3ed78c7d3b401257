/**
 * The orthonormal discrete cosine transform of a power of two of samples, and its inverse, in n·log n steps.
 *
 *     X_k = s_k · Σ_i x_i·cos(π·(i+½)·k/n)     x_i = Σ_k s_k·X_k·cos(π·(i+½)·k/n)     s_0 = √(1/n), else √(2/n)
 *
 * Sums of the outer and the inner samples have the even frequencies, their differences, divided by 2·cos, the odd
 * ones: two transforms of half the size (Lee, "A new algorithm to compute the discrete cosine transform", IEEE
 * Trans. ASSP 1984). What a transform does to a vector it does in place, with a second one as scratch.
 */
export class Dct {
  readonly #size: number;
  readonly #scratch: Float64Array;
  /** For transforms of `length`, from `length / 2` on: 1 / (2·cos(π·(i+½)/length)), i below length/2. */
  readonly #halfSecants: Float64Array;

  /** @throws RangeError if `size` is no power of two. */
  constructor(size: number) {
    if (!Number.isInteger(Math.log2(size))) throw new RangeError(`${size} samples; allowed: a power of two`);
    this.#size = size;
    this.#scratch = new Float64Array(size);
    this.#halfSecants = new Float64Array(size);
    for (let half = size / 2; half >= 1; half /= 2) {
      for (let i = 0; i < half; i++)
        this.#halfSecants[half + i] = 0.5 / Math.cos((Math.PI * (i + 0.5)) / (2 * half));
    }
  }

  /** Samples to coefficients, in place. */
  forward(vector: Float64Array): void {
    this.#forward(vector, this.#scratch, 0, this.#size);
    this.#scale(vector);
  }

  /** Coefficients to samples, in place. */
  inverse(vector: Float64Array): void {
    this.#scale(vector);
    this.#inverse(vector, this.#scratch, 0, this.#size);
  }

  #scale(vector: Float64Array): void {
    const scale = Math.sqrt(2 / this.#size);
    for (let k = 0; k < vector.length; k++) vector[k]! *= scale;
    vector[0]! *= Math.SQRT1_2;
  }

  #forward(vector: Float64Array, scratch: Float64Array, from: number, length: number): void {
    if (length === 1) return;
    const half = length / 2;
    const last = from + length - 1;
    for (let i = 0; i < half; i++) {
      const [outer, inner] = [vector[from + i]!, vector[last - i]!];
      scratch[from + i] = outer + inner;
      scratch[from + half + i] = (outer - inner) * this.#halfSecants[half + i]!;
    }
    this.#forward(scratch, vector, from, half);
    this.#forward(scratch, vector, from + half, half);
    for (let i = 0; i < half; i++) {
      vector[from + 2 * i] = scratch[from + i]!;
      const next = i + 1 < half ? scratch[from + half + i + 1]! : 0;
      vector[from + 2 * i + 1] = scratch[from + half + i]! + next;
    }
  }

  #inverse(vector: Float64Array, scratch: Float64Array, from: number, length: number): void {
    if (length === 1) return;
    const half = length / 2;
    const last = from + length - 1;
    for (let i = 0; i < half; i++) {
      scratch[from + i] = vector[from + 2 * i]!;
      const previous = i > 0 ? vector[from + 2 * i - 1]! : 0;
      scratch[from + half + i] = previous + vector[from + 2 * i + 1]!;
    }
    this.#inverse(scratch, vector, from, half);
    this.#inverse(scratch, vector, from + half, half);
    for (let i = 0; i < half; i++) {
      const even = scratch[from + i]!;
      const odd = scratch[from + half + i]! * this.#halfSecants[half + i]!;
      vector[from + i] = even + odd;
      vector[last - i] = even - odd;
    }
  }
}
