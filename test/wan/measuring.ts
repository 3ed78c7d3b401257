/** Measurements on a machine that others use too. */
import { expect } from 'vitest';

/** Seconds; within 2 ms or 3 %, whichever is more. */
export function expectRoundTrip(measured: number, configured: number, what: string): void {
  const tolerance = Math.max(0.002, 0.03 * configured);
  expect(Math.abs(measured - configured), `${what}: ${measured} s, configured ${configured} s`).toBeLessThan(
    tolerance,
  );
}

/** Measures until the result is good, a few times at most: what a busy machine spoils is measured again. */
export async function attempt<T>(measure: () => Promise<T>, good: (result: T) => boolean): Promise<T> {
  let result = await measure();
  for (let again = 0; again < 3 && !good(result); again++) result = await measure();
  return result;
}

export function isWithin(measured: number, expected: number, share: number): boolean {
  return Math.abs(measured / expected - 1) < share;
}

export function expectWithin(measured: number, expected: number, share: number, what: string): void {
  expect(isWithin(measured, expected, share), `${what}: ${measured}, expected ${expected}`).toBe(true);
}
