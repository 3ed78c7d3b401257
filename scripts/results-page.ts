/** What the scripts that write a page of docs from measurements share: results that are kept, and tidy files. */
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import type { z } from 'zod';

/** What was measured before; `{}` if nothing was yet. Throws if the file is not of the schema. */
export function readResults<Schema extends z.ZodType>(file: string, schema: Schema): z.output<Schema> {
  let text = '{}';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return schema.parse(JSON.parse(text));
}

/** Writes a file as `npm run format` would leave it, so that it does not change without a reason. */
export async function writeTidily(file: string, text: string): Promise<void> {
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
}
