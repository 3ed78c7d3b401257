/**
 * manifest.json: what made a run directory and what is in it. Written last, whether the run succeeded or not,
 * so it is also where a reader learns that a run broke off, and why.
 */
import { z } from 'zod';
import { gateVerdictSchema } from './gate.js';
import { captureKindSchema, count, sha256, text, type Document } from './quantities.js';

const hostSchema = z
  .object({
    platform: text('Operating system, as Node.js names it.'),
    kernel: text('Release of the kernel.'),
    cores: count('Processor cores that the run could use.'),
    node: text('Version of Node.js.'),
  })
  .describe('The machine.');

const tunnelSchema = z.object({
  kind: text('wireguard or openvpn-udp.'),
  implementation: text(
    'What carried it: the kernel or a program, with its version; empty if it was not built.',
  ),
  hub: z.string().nullable().describe('Name of the VPN server; null in a full mesh.'),
  relays: z.array(z.string()).describe('Names of the relays, in their order.'),
});

const fileSchema = z.object({
  name: text('Name in the run directory.'),
  bytes: count('Size, bytes.'),
  sha256: sha256('SHA-256 of the content.'),
});

export const runManifestSchema = z.object({
  meshbeat: text('Version of the program.'),
  id: text('Name of the run directory.'),
  scenario: text('Name of the scenario.'),
  seed: count('Seed of all randomness.'),
  startedAt: z.iso.datetime().describe('When the run started: ISO 8601, UTC.'),
  endedAt: z.iso
    .datetime()
    .describe('When all was done, the analysis of the capture included: ISO 8601, UTC.'),
  fabric: text('What the network was built of: netns, containers or threads.'),
  fabricReason: text('Why this fabric.'),
  wanDriver: text(
    'What shaped the traffic: tun (packets, a thread of meshbeat), netem (packets, the kernel) or relay (byte streams).',
  ),
  tunnel: tunnelSchema.nullable().describe('What the mesh talked through; null in the open.'),
  captureKind: captureKindSchema
    .nullable()
    .describe('How the packets came about; null if no capture was begun.'),
  outcome: text('done, or why the run broke off.'),
  gate: gateVerdictSchema,
  host: hostSchema,
  files: z.array(fileSchema).describe('All other files in the directory.'),
});

/** manifest.json. */
export type RunManifest = Document<typeof runManifestSchema>;
