/**
 * What `meshbeat verify --json` prints: each property of a network as it was set and as it was measured. It is no file of
 * the run directory, since nothing is run, but a contract like those.
 */
import { z } from 'zod';
import { count, quantity, text, type Document } from './quantities.js';

const figure = (description: string) => z.number().describe(description);
const figureOrNull = (description: string) => z.number().nullable().describe(description);

const checkSchema = z
  .object({
    property: text('What was measured, e.g. "round trip, mean".'),
    path: text('Between whom, e.g. "us-east → eu-west"; or the link.'),
    set: figureOrNull('What was set, or follows from it; null where there is only a limit.'),
    measured: figureOrNull('What was found; null where nothing came of it.'),
    least: figure('The smallest that passes.'),
    most: figure('The largest that passes.'),
    unit: text('Of the four numbers: s, bit/s, bytes, share, packets.'),
    ok: z.boolean().describe('Whether it passed.'),
    attempts: count('How often it was measured; the last time counts.'),
    note: text('What else the measurement showed, for people.'),
  })
  .describe('One property of one path, measured.');

export const verificationSchema = z.object({
  meshbeat: text('Version of meshbeat.'),
  scenario: text('Name of the scenario.'),
  seed: count('Seed of all randomness.'),
  nodes: count('World size.'),
  fabric: text('What the network was built of: netns or threads.'),
  startedAt: text('ISO 8601.'),
  durationSeconds: quantity('Wall-clock time, seconds.'),
  verdict: z.enum(['faithful', 'unfaithful']).describe('faithful if all checks passed.'),
  checks: z.array(checkSchema).describe('Everything that was measured.'),
  unmeasured: z
    .array(
      z.object({
        property: text('What was not measured.'),
        path: text('Where.'),
        reason: text('Why not.'),
      }),
    )
    .describe('Properties that were set and could not be measured.'),
  host: z
    .object({
      platform: text('Operating system.'),
      kernel: text('Its release.'),
      cores: count('Cores that the process may use.'),
      node: text('Version of Node.js.'),
    })
    .describe('The machine.'),
});

/** A verification in one document. */
export type VerificationDocument = Document<typeof verificationSchema>;
