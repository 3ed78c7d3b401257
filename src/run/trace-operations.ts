/** From operations and the times at which they were played to the lines of a trace. */
import type { Operation } from '../schedule/operation.js';
import type { TraceOperation } from './files.js';

export interface PlayedRound {
  readonly node: string;
  readonly rank: number;
  readonly round: number;
  /** The rank's part of the round's schedule; an operation's id is its index. */
  readonly operations: readonly Operation[];
  /** Columns of equal length: which operation, and when it started and ended, seconds since 1970. */
  readonly ids: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** Zero of the trace's times, seconds since 1970. */
  readonly origin: number;
}

/** One line per operation played, in the order of `ids`. */
export function traceOperations(played: PlayedRound): TraceOperation[] {
  const { node, rank, round, origin } = played;
  return played.ids.map((id, index) => {
    const operation = played.operations[id]!;
    const transfer = 'peer' in operation ? { peer: operation.peer, bytes: operation.bytes } : {};
    const object = 'owner' in operation ? { owner: operation.owner, bytes: operation.bytes } : {};
    const { kind, stream } = operation;
    const [start, end] = [played.starts[index]! - origin, played.ends[index]! - origin];
    return { type: 'operation', node, rank, round, id, kind, stream, ...transfer, ...object, start, end };
  });
}
