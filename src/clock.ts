/**
 * One clock for the whole mesh: seconds since 1970, as the kernel stamps packets, but never stepping back.
 *
 * Node's monotonic clock has another zero in every thread, and Date.now() counts whole milliseconds. So
 * each thread, when it loads this module, waits for the millisecond to turn (1 ms at most) and notes where
 * its monotonic clock stood. Threads, the trace and the capture then agree to a few microseconds.
 */
function calibrate(): number {
  const start = Date.now();
  let turned = Date.now();
  while (turned === start) turned = Date.now();
  return turned / 1000 - performance.now() / 1000;
}

const offset = calibrate();

/** Seconds since 1970-01-01 UTC; never goes back within a thread. */
export function epochSeconds(): number {
  return offset + performance.now() / 1000;
}

/** Seconds since 1970 as nanoseconds; a double is exact to about a quarter of a microsecond here. */
export function toNanoseconds(seconds: number): bigint {
  const whole = Math.floor(seconds);
  return BigInt(whole) * 1_000_000_000n + BigInt(Math.round((seconds - whole) * 1e9));
}
