/**
 * How commands that look at traffic read it: while it grows, from standard input, through tunnels. The options are the
 * same for all of them, and so is their end: what reads a live source, Ctrl-C ends in order, with a result.
 */
import type { Command } from 'commander';
import { STANDARD_INPUT, tunnelKinds, tunnelKindsOf } from '../capture/index.js';
import type { ReadOptions, TunnelKind } from '../capture/index.js';
import { listenForInterruption } from './interruption.js';

export interface ReadingFlags {
  readonly follow?: true;
  readonly through?: readonly TunnelKind[];
}

/** Adds `--follow` and `--through`. */
export function withReadingOptions(command: Command): Command {
  return command
    .option('--follow', 'go on while the file grows, until Ctrl-C')
    .option(
      '--through <tunnels>',
      `see through tunnels to the packets inside: all, or some of ${tunnelKinds.join(', ')} (default: none)`,
      (text: string) => tunnelKindsOf('--through', text),
    );
}

export interface Reading {
  readonly options: Pick<ReadOptions, 'follow' | 'stop'>;
  /** Stops listening for Ctrl-C. */
  close(): void;
}

/** Prepares to read `file`: from here on the first Ctrl-C ends a live source as if it had ended by itself. */
export function startReading(file: string, { follow }: ReadingFlags): Reading {
  const isLive = follow === true || file === STANDARD_INPUT;
  if (!isLive) return { options: {}, close: () => undefined };
  const interruption = listenForInterruption();
  return { options: { follow, stop: interruption.signal }, close: () => interruption.close() };
}
