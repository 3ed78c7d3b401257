/** The preset delays: complete, symmetric, and plausible against what light in fibre can do. */
import { describe, expect, it } from 'vitest';
import { PRESET_REGIONS, presetDelay } from '../../src/scenario/presets.js';

const regions = Object.keys(PRESET_REGIONS);
const pairs = regions.flatMap((a, i) => regions.slice(i + 1).map((b) => [a, b] as const));

describe('preset delays', () => {
  it.each(pairs)('%s and %s: the same both ways, between 1 and 250 ms', (a, b) => {
    const delay = presetDelay(a, b);
    expect(delay).toBe(presetDelay(b, a));
    expect(delay).toBeGreaterThan(0.001);
    expect(delay).toBeLessThan(0.25);
  });

  it.each([
    ['us-east', 'us-west', 69],
    ['us-east', 'eu-west', 83],
    ['us-west', 'ap-southeast', 171],
    ['ap-southeast', 'eu-west', 159],
    ['ap-northeast', 'au-east', 103],
  ])('%s and %s: half of the published %i ms', (a, b, roundTrip) => {
    expect(presetDelay(a, b)).toBe(roundTrip / 2000);
  });

  it.each([
    ['us-east', 'us-east'],
    ['us-east', 'mars'],
    ['mars', 'venus'],
    ['toString', 'us-west'],
  ])('%s and %s: none', (a, b) => expect(presetDelay(a, b)).toBeUndefined());
});
