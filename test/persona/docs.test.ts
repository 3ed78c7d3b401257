/** docs/personas.md says of every persona what its data say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/package-root.js';
import { personas } from '../../src/persona/index.js';
import { rowsOf } from './rows.js';

const page = readFileSync(join(packageRoot, 'docs', 'personas.md'), 'utf8');

test.each(Object.values(personas))('$name: all figures, in their order, with their sources', (persona) => {
  const chapter = page.split(/^## /m).find((text) => text.startsWith(`${persona.name}\n`)) ?? '';
  expect(chapter).toContain(persona.system);
  const found = chapter
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ) // prettier-ignore
    .slice(2);
  expect(found).toEqual(rowsOf(persona));
});
