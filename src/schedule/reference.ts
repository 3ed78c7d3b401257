/**
 * The simplest player: one process, no network, one operation at a time.
 *
 * It is the yardstick for the others. A schedule fixes the result whatever the timing, so weights that come
 * from here must be bit-identical to those of a mesh of processes, and any order of operations that the
 * schedule allows must give the same ones.
 */
import { checkSchedule } from './check.js';
import { objectName, topologicalOrder, type Pick } from './graph.js';
import type { DeviceOperation, Part, Schedule } from './operation.js';
import { readSlice, writeSlice, type Buffers } from './transfer.js';

/** What the player of a schedule leaves to the training side. */
export interface Trainer {
  /** Of what is drawn by lot. */
  readonly seed: number;
  /** The rank's buffers, with at least the scratch that its part of the round asks for. */
  buffers(part: Part): Buffers;
  /** Does a piece of device work on the rank's buffers; may be asynchronous. */
  work(rank: number, round: number, operation: DeviceOperation): void | Promise<void>;
}

/**
 * Plays one round to its end. Objects that were put in earlier rounds are looked up in `objects`, where those
 * of this round are added.
 *
 * @param pick Which of the playable operations is played next; a test shuffles it to show that no
 *   allowed order changes the result.
 * @throws RunError if the schedule is not sound; whatever the trainer throws.
 */
export async function playRound(
  schedule: Schedule,
  trainer: Trainer,
  { pick, objects = new Map() }: { pick?: Pick; objects?: Map<string, Uint8Array> } = {},
): Promise<void> {
  checkSchedule(schedule);
  const { round } = schedule;
  const buffers = schedule.parts.map((part) => trainer.buffers(part));
  const inFlight = new Map<string, Uint8Array>();
  for (const { rank, operation } of topologicalOrder(schedule, pick)) {
    const own = buffers[rank]!;
    switch (operation.kind) {
      case 'send': {
        const bytes = readSlice(operation, own, { seed: trainer.seed, rank, round });
        // A copy: the sender may overwrite the buffer before the receiver looks.
        inFlight.set(`${rank} ${operation.peer} ${operation.sequence}`, bytes.slice());
        break;
      }
      case 'recv': {
        const key = `${operation.peer} ${rank} ${operation.sequence}`;
        const bytes = inFlight.get(key);
        if (!bytes) throw new RangeError(`slice ${key} was received before it was sent`);
        inFlight.delete(key);
        writeSlice(operation, bytes, own);
        break;
      }
      case 'put':
        objects.set(
          objectName(operation),
          own.contributions.slice(operation.slot, operation.slot + operation.bytes),
        );
        break;
      case 'get': {
        const key = objectName(operation);
        const object = objects.get(key);
        if (!object) throw new RangeError(`object ${key} was fetched before it was put`);
        own.contributions.set(object, operation.slot);
        break;
      }
      case 'compute':
      case 'stage':
      case 'compress':
      case 'aggregate':
      case 'outer':
      case 'wait':
        await trainer.work(rank, round, operation);
    }
  }
}
