/**
 * `--set path=value`: one value of a scenario replaced from the command line.
 *
 * The path is looked up in the schema and not in the file, so that a key the file leaves to its default can
 * be set, and a misspelt one is an error rather than a silent nothing. The value is one YAML scalar. Data
 * is never changed in place: an override yields new data that shares whatever it did not touch.
 */
import { InputError } from '../errors.js';
import { allowedAt, keysOf, pathText, schemasAt, shorten, wordsAllowed, type Path } from './allowed.js';
import { foundText } from './problems.js';
import { parseSource } from './source.js';

export interface Override {
  readonly path: Path;
  readonly value: unknown;
  /** How the user gave it, e.g. "--set rounds=3"; names it in messages. */
  readonly label: string;
}

/**
 * Reads the argument of `--set`.
 *
 * @throws InputError if it is not `path=value`, the schema has no such path, or the value is no scalar
 */
export function parseOverride(argument: string): Override {
  const label = `--set ${shorten(argument, 100)}`;
  const equals = argument.indexOf('=');
  if (equals < 1) throw new InputError(`${label}: found no "path="; allowed: path=value, e.g. rounds=3`);
  const path = argument
    .slice(0, equals)
    .split('.')
    .map((step) => (/^\d{1,9}$/.test(step) ? Number(step) : step));
  requirePath(path, label);
  const value = parseSource(argument.slice(equals + 1), label).data;
  if (typeof value === 'object' && value !== null)
    throw new InputError(
      `${label}: found ${foundText(value)}; allowed: one value; quote text with ":" in it`,
    );
  return { path, value, label };
}

/** `--seed N` as an override. */
export const seedOverride = (seed: number): Override => ({
  path: ['seed'],
  value: seed,
  label: `--seed ${seed}`,
});

function requirePath(path: Path, label: string): void {
  path.forEach((step, index) => {
    if (schemasAt(path.slice(0, index + 1)).length > 0) return;
    const parent = path.slice(0, index);
    const place = parent.length > 0 ? `under ${pathText(parent)}` : 'at the top';
    const schemas = schemasAt(parent);
    const keys = keysOf(schemas);
    const isList = schemas.some((schema) => schema.type === 'array');
    const isTable = schemas.some((schema) => schema.propertyNames !== undefined);
    const key = parent.includes('environment')
      ? 'a variable, e.g. LOCALE'
      : 'a pair of regions, e.g. us-east--eu-west';
    const allowed =
      (keys.length > 0 && wordsAllowed(String(step), keys)) ||
      (isList && 'an index, counting from 0') ||
      (isTable && key) ||
      `nothing, it is ${allowedAt(parent)}`;
    throw new InputError(`${label}: ${pathText(path)}: found no such path; allowed ${place}: ${allowed}`);
  });
}

/**
 * Data with one override applied; `data` itself stays as it is. Where the data is not of the shape that the
 * path needs it is left alone: validation reports that place.
 *
 * @throws InputError for an index beyond the end of a list
 */
export function applyOverride(data: unknown, override: Override): unknown {
  return replaced(data, override, 0);
}

function replaced(data: unknown, override: Override, depth: number): unknown {
  const { path, value, label } = override;
  const step = path[depth];
  if (step === undefined) return value;
  if (Array.isArray(data)) {
    const items: readonly unknown[] = data;
    const index = Number(step);
    if (items.length === 0) return data;
    if (!(index < items.length))
      throw new InputError(
        `${label}: ${pathText(path)}: found no such item; ` +
          `allowed under ${pathText(path.slice(0, depth))}: an index from 0 to ${items.length - 1}`,
      );
    return items.with(index, replaced(items[index], override, depth + 1));
  }
  if (typeof step === 'number' || (data !== undefined && (typeof data !== 'object' || data === null)))
    return data;
  const map = (data ?? {}) as Record<string, unknown>;
  const before = Object.hasOwn(map, step) ? map[step] : undefined;
  return { ...map, [step]: replaced(before, override, depth + 1) };
}
