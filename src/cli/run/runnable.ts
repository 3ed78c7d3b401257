/**
 * Whether the programs of a scenario can run here: asked before anything is built, so that a misspelt program is wrong
 * input and not a run that broke off.
 */
import { accessSync, constants } from 'node:fs';
import { InputError } from '../../errors.js';
import { placeInFile, type AnyScenario } from '../../scenario/index.js';
import { findProgram } from '../../wan/netns/programs.js';

/** @throws InputError that names each program that is not there */
export function checkPrograms(scenario: AnyScenario, file: string): void {
  const programs = scenario.nodes.flatMap(({ exec }, entry) => (exec === undefined ? [] : [{ exec, entry }]));
  const missing = programs.filter(({ exec: [program = ''] }) => !isThere(program));
  if (missing.length === 0) return;
  const lines = missing.map(
    ({ exec: [program = ''], entry }) =>
      `${placeInFile(file, ['nodes', entry, 'exec', 0])}: found ${JSON.stringify(program)}, which is not installed; ` +
      'allowed: a program in PATH, or the path of one that may be executed',
  );
  throw new InputError(lines.join('\n'));
}

function isThere(program: string): boolean {
  if (!program.includes('/')) return findProgram(program) !== undefined;
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
