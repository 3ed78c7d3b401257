/**
 * Finds what a command is to look at: a file as it was named, or the capture inside a run directory, beside what
 * that run's schedule had promised.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError, messageOf } from '../errors.js';
import { runSummarySchema } from '../run/files.js';

/** What a run's schedule promised, from its summary.json; the rest of that is not looked at. */
const summarySchema = z.object({ expected: runSummarySchema.shape.expected.nullable() });

export type Expected = NonNullable<z.output<typeof summarySchema>['expected']>;

/**
 * The file that is meant, and what was expected of it; nothing is expected of a file that is in no run directory.
 *
 * @throws InputError for a directory that is no run directory, or one whose summary is damaged.
 */
export function locate(target: string): { capture: string; expected: Expected | undefined } {
  const capture = locateCapture(target);
  if (capture === target) return { capture, expected: undefined };
  return { capture, expected: readExpected(path.join(target, 'summary.json')) };
}

/** The file alone. */
export function locateCapture(target: string): string {
  const isRun = statSync(target, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isRun) return target;
  const capture = path.join(target, 'capture.pcapng');
  if (existsSync(capture)) return capture;
  throw new InputError(
    `${target}: found a directory without capture.pcapng; allowed: a run directory or a capture`,
  );
}

/**
 * The captures of a run: the whole first, then what each of its observation points saw, by name.
 *
 * @throws InputError for what is no run directory, or has no observation points.
 */
export function locatePoints(target: string): string[] {
  const whole = locateCapture(target);
  const points =
    whole === target ? [] : readdirSync(target).filter((name) => /^capture-.+\.pcapng$/.test(name));
  if (points.length > 0) return [whole, ...points.sort().map((name) => path.join(target, name))];
  throw new InputError(
    `--points: found none at ${target}; allowed: a run directory whose scenario has capture.points`,
  );
}

/** A run that was killed has no summary; one that is there must be whole. Where nobody trained nothing was promised. */
function readExpected(file: string): Expected | undefined {
  if (!existsSync(file)) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InputError(`${file}: ${messageOf(error)}; allowed: the summary of a run`);
  }
  const parsed = summarySchema.safeParse(content);
  if (parsed.success) return parsed.data.expected ?? undefined;
  const [issue] = parsed.error.issues;
  throw new InputError(`${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a summary'}`);
}
