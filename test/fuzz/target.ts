/**
 * What a fuzz target is: a reader of hostile bytes, made callable.
 *
 * A new one is an entry in a file of targets/, and a folder with seeds of the same name in corpus/ (a few small files,
 * each showing something that the others don't). Nothing else need know of it.
 */
export interface FuzzTarget {
  readonly name: string;
  /**
   * Reads the input, as a user's file would be read. An InputError is the right answer to a bad one; whatever else it
   * throws is a finding, and so is not coming back, or memory that grows. It should throw also where a reader breaks a
   * promise of its own, such as an offset outside the input.
   */
  run(input: Uint8Array): void | Promise<void>;
}

/** For a target's own checks. */
export function promise(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken promise: ${what}`);
}
