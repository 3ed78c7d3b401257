/**
 * The scenario schema as a JSON Schema document: what an editor completes and checks a scenario by, and
 * what error messages and `--set` consult to say what is allowed at a place. One schema, two readers; the
 * document is derived from schema.ts and never written by hand.
 *
 * It describes the file's side: text with units, and the defaults as one would write them.
 */
import { z } from 'zod';
import { programsSchema, scenarioSchema } from './schema.js';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * Zod publishes a default as the program's value; the file's side of a quantity is text with a unit, so it
 * goes through the codec first.
 */
function writeDefaultsAsInFiles(context: { zodSchema: z.core.$ZodTypes; jsonSchema: JsonSchema }): void {
  const { zodSchema, jsonSchema } = context;
  const { def } = zodSchema._zod;
  if (def.type === 'default') jsonSchema.default = z.encode(def.innerType, def.defaultValue);
}

/** The JSON Schema (draft 2020-12) of a scenario file: with training, or else of programs only. */
export function scenarioJsonSchema(): JsonSchema {
  const either = z.union([scenarioSchema, programsSchema]);
  const schema = z.toJSONSchema(either, { io: 'input', override: writeDefaultsAsInFiles });
  return { title: 'meshbeat scenario', ...schema };
}
