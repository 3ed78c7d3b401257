/**
 * What is wrong with a scenario, in one form wherever it was found: a path, what was found there, and what
 * is allowed. Here zod's issues take that form; checks.ts makes such problems itself. Which file and line
 * a path stands for, or which `--set`, is not known here: load.ts adds it.
 */
import type { z } from 'zod';
import { allowedAt, keysOf, schemasAt, shorten, wordsAllowed, type Path } from './allowed.js';

export interface Problem {
  readonly path: Path;
  /** Completes "found …". */
  readonly found: string;
  /** Completes "allowed: …". */
  readonly allowed: string;
}

/** The value at a path of plain data; undefined where there is none. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** A value as shown after "found", never longer than a line. */
export function foundText(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return `${value}`;
  return typeof value === 'string' ? shorten(JSON.stringify(value), 60) : 'a map';
}

const PREFIX = 'allowed: ';
const MAX_KEYS = 20;

/** One zod issue about `data` as problems: one for each unknown key, else one. */
function problemsOfIssue(issue: z.core.$ZodIssue, data: unknown): Problem[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  const own = (message: string) => (message.startsWith(PREFIX) ? message.slice(PREFIX.length) : undefined);
  if (issue.code === 'unrecognized_keys') {
    const keys = keysOf(schemasAt(path, data));
    return issue.keys.slice(0, MAX_KEYS).map((key) => ({
      path: [...path, key],
      found: 'an unknown key',
      allowed: wordsAllowed(key, keys),
    }));
  }
  if (issue.code === 'invalid_union') {
    const [only, ...others] = issue.errors.filter(getsIntoIt);
    if (only !== undefined && others.length === 0)
      return only.flatMap((inner) =>
        problemsOfIssue({ ...inner, path: [...issue.path, ...inner.path] }, data),
      );
  }
  if (issue.code === 'invalid_key') {
    const allowed = issue.issues.map(({ message }) => own(message)).find((text) => text !== undefined);
    return [{ path, found: 'a key of another form', allowed: allowed ?? 'other keys' }];
  }
  const value = valueAt(data, path);
  // Of the alternatives of a union, the one of the value's own type knows best what is wrong in it.
  const meant =
    issue.code === 'invalid_union' && typeof value === 'object'
      ? issue.errors.find((issues) =>
          issues.every((one) => one.path.length > 0 || one.code === 'unrecognized_keys'),
        )
      : undefined;
  if (meant !== undefined) {
    const placed = meant.map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
    return placed.flatMap((one) => problemsOfIssue(one, data));
  }
  const byDefault = value === undefined && issue.code === 'custom';
  return [
    {
      path,
      found: byDefault ? 'the default' : foundText(value),
      allowed: own(issue.message) ?? allowedAt(path, data),
    },
  ];
}

/** Whether one of several alternatives took the value for its own, and only found fault with what is in it. */
const getsIntoIt = (issues: readonly z.core.$ZodIssue[]): boolean =>
  issues.length > 0 && issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys');

/** Zod's issues about `data` as problems, each said once. */
export function problemsOfIssues(issues: readonly z.core.$ZodIssue[], data: unknown): Problem[] {
  const problems = issues.flatMap((issue) => problemsOfIssue(issue, data));
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
