/**
 * How commands that look at traffic read it: while it grows, from standard input, through tunnels, sampled, as flow records.
 * The options are the same for all of them, and so is their end: what reads a live source, Ctrl-C ends in order, with a
 * result.
 */
import { Option } from 'commander';
import type { Command } from 'commander';
import { STANDARD_INPUT, tunnelKinds, tunnelKindsOf } from '../capture/index.js';
import type { ReadOptions, TunnelKind } from '../capture/index.js';
import { duration } from '../scenario/units.js';
import { listenForInterruption } from './interruption.js';
import { quantityOption } from './text.js';

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

export interface TimeoutFlags {
  readonly activeTimeout: number;
  readonly idleTimeout: number;
}

/** Adds `--active-timeout` and `--idle-timeout`: how packets become flow records. Defaults in seconds. */
export function withTimeoutOptions(command: Command, { active, idle }: Timeouts): Command {
  return command
    .option(
      '--active-timeout <time>',
      'cut a flow record that is as old as this, e.g. "60 s", the finest that ISPs commonly set; 300 s is the other usual value',
      quantityOption('--active-timeout', duration),
      active,
    )
    .option(
      '--idle-timeout <time>',
      'end a flow record after so long without packets',
      quantityOption('--idle-timeout', duration),
      idle,
    );
}

interface Timeouts {
  readonly active: number;
  readonly idle: number;
}

/** `--sample`, as text: what it may name depends on what it is for. */
export const sampleOption = (): Option =>
  new Option(
    '--sample <1:N[,method[,seed]]>',
    'look at one of N packets: systematic, random, n-of-n or sflow',
  );

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
