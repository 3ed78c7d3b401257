/**
 * The files of a run directory as JSON Schema, for tools in other languages: to check a document, to
 * complete it in an editor, to generate types from. Derived from src/run/files.ts and never written by hand.
 */
import { z } from 'zod';
import {
  anySummarySchema,
  metricsLineSchema,
  runManifestSchema,
  traceLineSchema,
  verificationSchema,
} from './files.js';

/** By the name that `meshbeat schema --of` takes. */
const documents = {
  manifest: { title: 'meshbeat manifest.json', schema: runManifestSchema },
  summary: { title: 'meshbeat summary.json', schema: anySummarySchema },
  trace: { title: 'one line of meshbeat trace.jsonl', schema: traceLineSchema },
  metrics: { title: 'one line of meshbeat metrics.jsonl', schema: metricsLineSchema },
  verification: { title: 'what meshbeat verify --json prints', schema: verificationSchema },
} as const;

export type RunDocument = keyof typeof documents;

export const RUN_DOCUMENTS = Object.keys(documents) as readonly RunDocument[];

/** The JSON Schema (draft 2020-12) of a document, or for a file of JSON lines of any one line. */
export function runJsonSchema(name: RunDocument): z.core.JSONSchema.BaseSchema {
  const { title, schema } = documents[name];
  // The input side leaves objects open to keys that a later version adds.
  return { title, ...z.toJSONSchema(schema, { io: 'input' }) };
}
