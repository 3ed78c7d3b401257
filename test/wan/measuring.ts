/** Measurements on a machine that others use too. */
import { expect } from 'vitest';
import { SLOWNESS } from './slowness.js';

/** Seconds; whether within 2 ms (on a slow network, as much more) or 3 %, whichever is more. */
export function isRoundTrip(measured: number, configured: number): boolean {
  return Math.abs(measured - configured) < Math.max(0.002 * SLOWNESS, 0.03 * configured);
}

export function expectRoundTrip(measured: number, configured: number, what: string): void {
  expect(isRoundTrip(measured, configured), `${what}: ${measured} s, configured ${configured} s`).toBe(true);
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
