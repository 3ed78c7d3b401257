/**
 * Plays one rank's part of a round: starts each operation when its stream is free and what it depends on
 * has ended.
 *
 * The player knows order and nothing else. What an operation does is its stage's business (replica.ts: real
 * tensors, real packets), so the same ten lines serve every protocol whose schedule is sound. Streams run
 * as concurrent loops; if one operation fails the round fails with its error, and if it is abandoned no further
 * operation starts.
 */
import { epochSeconds } from '../src/clock.js';
import { Deferred } from '../src/deferred.js';
import type { Operation, Stream } from '../src/schedule/operation.js';

/** What carries the operations out. */
export interface Stage {
  perform(operation: Operation): Promise<void>;
}

/** When an operation was played, seconds since 1970. */
export interface Played {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Resolves when all operations have ended, with their times by id; rejects at once, with the signal's reason, when the
 * round is abandoned.
 */
export async function play(
  operations: readonly Operation[],
  stage: Stage,
  signal?: AbortSignal,
): Promise<Played[]> {
  signal?.throwIfAborted();
  const played: Played[] = [];
  const ended = operations.map(() => new Deferred<void>());
  const streams = new Map<Stream, Operation[]>();
  for (const operation of operations) {
    const stream = streams.get(operation.stream);
    if (stream === undefined) streams.set(operation.stream, [operation]);
    else stream.push(operation);
  }
  const playing = Promise.all(
    [...streams.values()].map(async (stream) => {
      for (const operation of stream) {
        for (const before of operation.after) await ended[before]!.promise;
        signal?.throwIfAborted();
        const start = epochSeconds();
        await stage.perform(operation);
        played.push({ id: operation.id, start, end: epochSeconds() });
        ended[operation.id]!.resolve();
      }
    }),
  );
  await unlessAborted(playing, signal);
  return played.sort((a, b) => a.id - b.id);
}

/** The work, or the reason why it was aborted, whichever comes first. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = new Deferred<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
