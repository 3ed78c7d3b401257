/**
 * How far apart the regions of the world are, as packets see it.
 *
 * A preset delay is half of a published round-trip time. The source is one table, so that the figures are
 * comparable: Microsoft, "Azure network round-trip latency statistics", monthly P50 between Azure regions
 * over the 30 days that ended on 9 April 2024 (learn.microsoft.com/azure/networking/azure-network-latency,
 * page of 10 April 2024). Each figure is the row of the first region of a pair, under the column of the
 * second; the other direction differs by a few milliseconds, since probes take a way of their own. The
 * Western US stands first because that edition's table of ways to it is garbled; of ways from it, it is not.
 *
 * These are medians between data centres on one company's backbone: public routes and home links are
 * slower. A scenario replaces any of them, or adds regions, under `regions.delays`.
 */

/** Where each preset region is; in the order of the matrix below. */
export const PRESET_REGIONS = {
  'us-west': 'West US, California',
  'us-central': 'Central US, Iowa',
  'us-east': 'East US, Virginia',
  'ca-central': 'Canada Central, Toronto',
  'sa-east': 'Brazil South, São Paulo',
  'eu-west': 'West Europe, Netherlands',
  'eu-central': 'Germany West Central, Frankfurt',
  'eu-north': 'Sweden Central, Gävle',
  'me-central': 'UAE North, Dubai',
  'af-south': 'South Africa North, Johannesburg',
  'ap-south': 'Central India, Pune',
  'ap-southeast': 'Southeast Asia, Singapore',
  'ap-northeast': 'Japan East, Tokyo',
  'au-east': 'Australia East, Sydney',
} as const;

/** Round-trip times in milliseconds from the n-th region to each of those after it. */
const ROUND_TRIPS_MS: readonly (readonly number[])[] = [
  [40, 69, 68, 186, 146, 149, 164, 254, 302, 220, 171, 108, 140], // us-west
  [32, 26, 149, 104, 110, 124, 223, 265, 240, 200, 137, 177], // us-central
  [20, 117, 83, 88, 103, 191, 232, 207, 223, 157, 202], // us-east
  [131, 98, 103, 119, 204, 246, 221, 222, 158, 199], // ca-central
  [186, 193, 208, 294, 334, 310, 340, 281, 310], // sa-east
  [11, 28, 120, 161, 137, 159, 226, 258], // eu-west
  [28, 117, 162, 133, 156, 224, 243], // eu-central
  [141, 186, 157, 180, 248, 267], // eu-north
  [254, 37, 87, 154, 170], // me-central
  [269, 293, 360, 379], // af-south
  [54, 121, 140], // ap-south
  [72, 90], // ap-southeast
  [103], // ap-northeast
];

const names = Object.keys(PRESET_REGIONS);

/**
 * The one-way delay between two preset regions, in seconds: half the published round trip.
 *
 * @returns undefined if either is no preset, or both are the same
 */
export function presetDelay(a: string, b: string): number | undefined {
  const [near = -1, far = -1] = [names.indexOf(a), names.indexOf(b)].sort((x, y) => x - y);
  const roundTrip = near < 0 ? undefined : ROUND_TRIPS_MS[near]?.[far - near - 1];
  return roundTrip === undefined ? undefined : roundTrip / 2000;
}

/** Whether a region is one of the presets. */
export const isPreset = (region: string): boolean => Object.hasOwn(PRESET_REGIONS, region);
