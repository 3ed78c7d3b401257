/**
 * 8-bit integers with one scale for the whole slice: uniform quantization, the cheapest there is. It is the
 * blockwise codec with a block that no slice outgrows.
 */
import type { Codec } from './codec.js';
import type { Rounding } from './encoding.js';
import { int8Blockwise } from './int8-blockwise.js';

export const int8 = (rounding: Rounding): Codec => int8Blockwise(Number.MAX_SAFE_INTEGER, rounding);
