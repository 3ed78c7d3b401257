/** `meshbeat schema`: one JSON document, and nothing besides. */
import { expect, it } from 'vitest';
import { schemaCommand } from '../../src/cli/schema.js';
import { scenarioJsonSchema } from '../../src/scenario/index.js';

it('writes the JSON Schema and nothing else', async () => {
  const written: string[] = [];
  await schemaCommand((text) => written.push(text)).parseAsync([], { from: 'user' });
  expect(JSON.parse(written.join(''))).toEqual(JSON.parse(JSON.stringify(scenarioJsonSchema())));
});
