/**
 * The gate's verdict, as summary.json and manifest.json have it: may this run be taken for evidence, and each
 * number against its limit that says so. docs/heartbeat.md lists the checks.
 */
import { z } from 'zod';
import { text, type Document } from './quantities.js';

const gateCheckSchema = z
  .object({
    name: text('What was looked at, e.g. "rate us-east → us-west".'),
    expected: z
      .number()
      .nullable()
      .describe('What was configured or computed; null where a limit is all there is.'),
    measured: z.number().describe('What was found.'),
    tolerance: z
      .number()
      .min(0)
      .describe('The largest deviation from `expected` that passes, or the limit itself where that is null.'),
    unit: text('Of the three numbers: s, bit/s, bytes, share, steps, packets, hashes, programs.'),
    ok: z.boolean().describe('Whether it passed.'),
  })
  .describe('One thing the gate looked at.');

/** One thing the gate looked at. */
export type GateCheck = Document<typeof gateCheckSchema>;

export const gateVerdictSchema = z
  .object({
    verdict: z.enum(['valid', 'invalid']).describe('valid if all checks passed.'),
    checks: z.array(gateCheckSchema).describe('Empty if the run broke off.'),
  })
  .describe('Whether the emulator kept up: a run that is not valid is no evidence.');

export type GateVerdict = Document<typeof gateVerdictSchema>;
