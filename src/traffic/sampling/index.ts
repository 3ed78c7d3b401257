/** Packet sampling: what the rest of the house uses of this folder. */
export { BULK_PACKET_BYTES, samplesPerBurst } from './per-burst.js';
export type { BurstSamples } from './per-burst.js';
export { parseSamplingPlan, samplingMethods, unsampled } from './plan.js';
export type { SamplingMethod, SamplingPlan } from './plan.js';
export { samplerOf } from './sampler.js';
export type { Sampler } from './sampler.js';
