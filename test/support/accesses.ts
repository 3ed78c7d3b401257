/**
 * Whether a rank's operations can get in each other's way: two that touch the same elements, one of them writing,
 * must be ordered, or the result would depend on timing. An in-memory player may never notice.
 */
import type { BufferName, Operation, Range, Schedule } from '../../src/schedule/operation.js';
import { earlierOnes } from '../orchestrator/collectives/hazards.js';

interface Access extends Range {
  readonly buffer: BufferName | 'parameters';
  readonly writes: boolean;
}

/** What a data-parallel protocol's operation reads and writes of the buffers that are as long as the model. */
function accessesOf(operation: Operation): Access[] {
  const all = { offset: 0, length: Infinity };
  const of = (buffer: Access['buffer'], writes: boolean, ranges: readonly Range[]): Access[] =>
    ranges.map((range) => ({ ...range, buffer, writes }));
  switch (operation.kind) {
    case 'compute': {
      const { work, steps, contribution } = operation;
      const trains = work === 'inner-steps' && steps > 0;
      return [
        ...of('parameters', trains, [all]),
        ...of('anchor', false, contribution),
        ...of('reduction', true, work === 'gradient' ? [all] : contribution),
      ];
    }
    case 'outer': {
      const { update, ranges } = operation;
      const eager = update.optimizer === 'eager';
      return [
        ...of('reduction', eager, ranges),
        ...of('exchange', eager, ranges),
        ...of('anchor', true, ranges),
        ...of('parameters', true, ranges),
      ];
    }
    case 'compress':
    case 'aggregate':
      return of('reduction', true, operation.slices);
    case 'send':
      return of(operation.buffer, operation.settle, [operation]);
    case 'recv':
      return of(operation.buffer, true, [operation]);
    case 'stage':
    case 'wait':
    case 'put':
    case 'get':
      throw new RangeError(`of ${operation.kind} it is not known here what it touches`);
  }
}

const clash = (a: Access, b: Access) =>
  a.buffer === b.buffer &&
  (a.writes || b.writes) &&
  a.offset < b.offset + b.length &&
  b.offset < a.offset + a.length;

/** Pairs that should be ordered and are not, in words. */
export function races({ parts }: Schedule): string[] {
  return parts.flatMap(({ rank, operations }) => {
    const earlier = earlierOnes(operations);
    const accesses = operations.map(accessesOf);
    return operations.flatMap((later) =>
      operations
        .slice(0, later.id)
        .filter(({ id }) => !earlier[later.id]!.has(id))
        .filter(({ id }) => accesses[id]!.some((a) => accesses[later.id]!.some((b) => clash(a, b))))
        .map((one) => `rank ${rank}: ${one.kind} ${one.id}, ${later.kind} ${later.id}`),
    );
  });
}
