/**
 * `meshbeat schema`: what meshbeat reads and writes, as JSON Schema, for editors and other tools. Standard
 * output gets that document and nothing else, so it can be redirected to a file as it is.
 */
import { Command } from 'commander';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { RUN_DOCUMENTS, runJsonSchema } from '../run/json-schema.js';
import { scenarioJsonSchema } from '../scenario/index.js';
import { inspectionSchema } from './inspect/document.js';

/** The command; `write` gets the document, by default standard output does. */
export function schemaCommand(
  write: (text: string) => void = (text) => {
    process.stdout.write(text);
  },
): Command {
  return new Command('schema')
    .description('print the JSON Schema of scenario files, or of a file of the run directory')
    .option('--of <what>', `${allowed()}; of trace and metrics the schema is that of one line`, 'scenario')
    .action(({ of }: { of: string }) => write(`${JSON.stringify(schemaOf(of), null, 2)}\n`));
}

function schemaOf(name: string): object {
  if (name === 'scenario') return scenarioJsonSchema();
  if (name === 'inspection') {
    const title = 'what meshbeat inspect --json prints';
    return { title, ...z.toJSONSchema(inspectionSchema, { io: 'input' }) };
  }
  const document = RUN_DOCUMENTS.find((known) => known === name);
  if (document === undefined) throw new InputError(`--of: found "${name}"; allowed: ${allowed()}`);
  return runJsonSchema(document);
}

function allowed(): string {
  return ['scenario', ...RUN_DOCUMENTS, 'inspection'].join(', ');
}
