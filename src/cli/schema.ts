/**
 * `meshbeat schema`: the JSON Schema of scenario files, for editors and other tools. Standard output gets
 * that document and nothing else, so it can be redirected to a file as it is.
 */
import { Command } from 'commander';
import { scenarioJsonSchema } from '../scenario/index.js';

/** The command; `write` gets the document, by default standard output does. */
export function schemaCommand(
  write: (text: string) => void = (text) => {
    process.stdout.write(text);
  },
): Command {
  return new Command('schema')
    .description('print the JSON Schema of scenario files, for editors')
    .action(() => write(`${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`));
}
