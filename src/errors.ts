/** The two kinds of failure that a command tells apart by its exit status. */

/** The input was wrong (exit status 2). The message names the place, what was found and what is allowed. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** The run or check failed (exit status 1) for a reason that the message tells in full. */
export class RunError extends Error {
  override readonly name = 'RunError';
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
