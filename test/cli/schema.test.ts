/** `meshbeat schema`: one JSON document, and nothing besides. */
import { expect, it } from 'vitest';
import { schemaCommand } from '../../src/cli/schema.js';
import { InputError } from '../../src/errors.js';
import { RUN_DOCUMENTS, runJsonSchema } from '../../src/run/json-schema.js';
import { scenarioJsonSchema } from '../../src/scenario/index.js';

async function written(...words: string[]): Promise<unknown> {
  const texts: string[] = [];
  await schemaCommand((text) => texts.push(text)).parseAsync(words, { from: 'user' });
  return JSON.parse(texts.join(''));
}

const asInFile = (document: object): unknown => JSON.parse(JSON.stringify(document));

it.each([[[]], [['--of', 'scenario']]])(
  'writes the JSON Schema of scenarios and nothing else: %j',
  async (words) => {
    expect(await written(...words)).toEqual(asInFile(scenarioJsonSchema()));
  },
);

it.each(RUN_DOCUMENTS)('writes that of a file of the run directory: %s', async (name) => {
  expect(await written('--of', name)).toEqual(asInFile(runJsonSchema(name)));
});

it('says which there are', async () => {
  const failure: unknown = await written('--of', 'sumary').catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(InputError);
  expect(String(failure)).toContain(
    '--of: found "sumary"; allowed: scenario, manifest, summary, trace, metrics',
  );
});
