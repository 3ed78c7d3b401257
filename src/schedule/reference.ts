/**
 * The simplest player: one process, no network, one operation at a time.
 *
 * It is the yardstick for the others. A schedule fixes the result whatever the timing, so weights that come
 * from here must be bit-identical to those of a mesh of processes, and any order of operations that the
 * schedule allows must give the same ones.
 */
import { checkSchedule } from './check.js';
import { topologicalOrder, type Pick } from './graph.js';
import type { ComputeOperation, OuterOperation, Schedule } from './operation.js';
import { reduceInto } from './reduce.js';

/** What the player of a schedule leaves to the training side; may be asynchronous. */
export interface Trainer {
  /** Does the work, and leaves its result in the rank's reduction buffer. */
  compute(rank: number, operation: ComputeOperation): void | Promise<void>;
  /** Applies the rank's reduced buffer (a sum over ranks) to its parameters. */
  outer(rank: number, operation: OuterOperation): void | Promise<void>;
}

/** Plays successive rounds; see {@link playRound}. */
export async function playInMemory(
  schedules: Iterable<Schedule>,
  buffers: readonly Float32Array[],
  trainer: Trainer,
): Promise<void> {
  for (const schedule of schedules) await playRound(schedule, buffers, trainer);
}

/**
 * Plays one round to its end.
 *
 * @param buffers One reduction buffer per rank, all of the model's size; changed in place.
 * @param pick Which of the playable operations is played next; a test shuffles it to show that no
 *   allowed order changes the result.
 * @throws RunError if the schedule is not sound; whatever the trainer throws.
 */
export async function playRound(
  schedule: Schedule,
  buffers: readonly Float32Array[],
  trainer: Trainer,
  pick?: Pick,
): Promise<void> {
  checkSchedule(schedule);
  const inFlight = new Map<string, Float32Array>();
  for (const { rank, operation } of topologicalOrder(schedule, pick)) {
    const buffer = buffers[rank];
    if (!buffer) throw new RangeError(`no buffer for rank ${rank}: ${buffers.length} were given`);
    switch (operation.kind) {
      case 'compute':
        await trainer.compute(rank, operation);
        break;
      case 'send': {
        const { peer, sequence, offset, length } = operation;
        // A copy: the sender may overwrite the buffer before the receiver looks.
        inFlight.set(`${rank} ${peer} ${sequence}`, buffer.slice(offset, offset + length));
        break;
      }
      case 'recv': {
        const key = `${operation.peer} ${rank} ${operation.sequence}`;
        const slice = inFlight.get(key);
        if (!slice) throw new RangeError(`slice ${key} was received before it was sent`);
        inFlight.delete(key);
        reduceInto(buffer, operation.offset, slice, operation.into);
        break;
      }
      case 'outer':
        await trainer.outer(rank, operation);
        break;
    }
  }
}
