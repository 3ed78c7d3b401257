/** All targets and their seeds, found by looking: every file in targets/, every file in corpus/NAME/. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FuzzTarget } from './target.js';

/** In the sources: compiling copies only code. */
const CORPUS = fileURLToPath(new URL('../../../test/fuzz/corpus', import.meta.url));

export async function allTargets(): Promise<FuzzTarget[]> {
  const folder = fileURLToPath(new URL('targets', import.meta.url));
  const files = readdirSync(folder).filter((file) => file.endsWith('.js'));
  const modules = await Promise.all(
    files
      .sort()
      .map(async (file) => (await import(join(folder, file))) as { readonly targets: readonly FuzzTarget[] }),
  );
  return modules.flatMap(({ targets }) => targets);
}

/** The seeds of a target, in order of their names. */
export function seedsOf(name: string): Uint8Array[] {
  const folder = join(CORPUS, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((file) => readFileSync(join(folder, file)));
}
