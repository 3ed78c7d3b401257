/**
 * How alike a series is to itself some time later: the autocorrelation of bytes per bin.
 *
 * r(k) = Σ (x_i − x̄)(x_{i+k} − x̄) ÷ Σ (x_i − x̄)², the biased estimate (Box and Jenkins 1976, 2.1.5), which stays within
 * ±1 and shrinks with the overlap. Computed by the Fourier transform (Wiener-Khinchin), zero-padded so that the end does
 * not meet the beginning.
 */

/** r at lags 0 to `lags` − 1, in bins; all 0 for a series that does not vary. */
export function autocorrelation(values: Float64Array, lags: number): Float64Array {
  const result = new Float64Array(Math.min(lags, values.length));
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  let size = 1;
  while (size < values.length + result.length) size *= 2;
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  values.forEach((value, index) => (real[index] = value - mean));
  fourier(real, imaginary);
  for (let index = 0; index < size; index++) {
    real[index] = real[index]! ** 2 + imaginary[index]! ** 2;
    imaginary[index] = 0;
  }
  fourier(real, imaginary);
  const variance = real[0]!;
  if (!(variance > 0)) return result;
  return result.map((_, lag) => real[lag]! / variance);
}

/** The discrete Fourier transform in place (Cooley and Tukey 1965, radix 2); the length must be a power of 2. */
export function fourier(real: Float64Array, imaginary: Float64Array): void {
  const size = real.length;
  for (let index = 1, mirrored = 0; index < size; index++) {
    let bit = size >> 1;
    for (; (mirrored & bit) !== 0; bit >>= 1) mirrored ^= bit;
    mirrored ^= bit;
    if (index >= mirrored) continue;
    [real[index], real[mirrored]] = [real[mirrored]!, real[index]!];
    [imaginary[index], imaginary[mirrored]] = [imaginary[mirrored]!, imaginary[index]!];
  }
  for (let length = 2; length <= size; length *= 2) {
    const half = length / 2;
    for (let k = 0; k < half; k++) {
      const cosine = Math.cos((-2 * Math.PI * k) / length);
      const sine = Math.sin((-2 * Math.PI * k) / length);
      for (let start = k; start < size; start += length) {
        const other = start + half;
        const re = real[other]! * cosine - imaginary[other]! * sine;
        const im = real[other]! * sine + imaginary[other]! * cosine;
        real[other] = real[start]! - re;
        imaginary[other] = imaginary[start]! - im;
        real[start]! += re;
        imaginary[start]! += im;
      }
    }
  }
}
