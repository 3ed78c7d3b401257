/**
 * The command line: one file per command, and here the exit status.
 *
 * 0 done; 1 the run or check failed; 2 the input was wrong. Results go to stdout, all else to stderr.
 */
import { Command, CommanderError } from 'commander';
import { InputError, messageOf, RunError } from '../errors.js';
import { version } from './version.js';

/** Loaded when called for: a node that waits for its part should not hold a whole orchestrator in memory. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.js')).runCommand(),
  orchestrate: async () => (await import('./orchestrate.js')).orchestrateCommand(),
  node: async () => (await import('./node.js')).nodeCommand(),
  capture: async () => (await import('./capture.js')).captureCommand(),
  verify: async () => (await import('./verify.js')).verifyCommand(),
  schedule: async () => (await import('./schedule.js')).scheduleCommand(),
  inspect: async () => (await import('./inspect.js')).inspectCommand(),
  export: async () => (await import('./export.js')).exportCommand(),
  match: async () => (await import('./match.js')).matchCommand(),
  schema: async () => (await import('./schema.js')).schemaCommand(),
};

const program = new Command('meshbeat')
  .description('A seismograph for decentralized AI training: emulate it, capture it, find its heartbeat.')
  .version(version)
  .showHelpAfterError('(add --help for what is allowed)');
const called = COMMANDS[process.argv[2] ?? ''];
for (const load of called === undefined ? Object.values(COMMANDS) : [called])
  program.addCommand((await load()).copyInheritedSettings(program));
for (const command of [program, ...program.commands]) command.exitOverride();

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// A terminal that was closed takes no more progress; the run still ends in order.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EIO' && error.code !== 'EPIPE') throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
  if (error instanceof InputError || error instanceof RunError) {
    process.stderr.write(`meshbeat: ${error.message}\n`);
    return error instanceof InputError ? 2 : 1;
  }
  process.stderr.write(`meshbeat: unexpected failure: ${messageOf(error)}\n`);
  if (error instanceof Error && error.stack !== undefined) process.stderr.write(`${error.stack}\n`);
  return 1;
}
