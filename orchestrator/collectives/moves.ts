/**
 * What all collectives are written in: one slice, moved from one member to another, there to be added to what
 * is there or to replace it. A collective is a pattern of moves, listed as if they were made one at a time;
 * which of them may overlap, the bookkeeping here finds out.
 *
 * It keeps books as a processor does for its registers. For each member and slice it knows the operation that
 * wrote last and those that have read since. Who reads waits for the last write; who writes waits for the last
 * write and all readings of it. So whatever the pattern, no operation meets a slice half done, slices pipeline
 * as far as they can, and the order in which values are added is the order of the list.
 *
 * Nor can a pattern deadlock. Both ends of a move are listed together, and an operation waits only for what
 * was listed earlier, in its stream as well as in `after`; so of the moves not yet made, the first can always
 * be made, even if nothing between two members could be stored.
 */
import type { Range, Stream } from '../../src/schedule/operation.js';
import type { PartBuilder } from '../schedules/part-builder.js';
import type { CollectiveEnds, CollectiveRequest } from './collective.js';
import { chunkSlices } from './divide.js';

/** What is encoded, sent and summed at once. */
export interface Slice extends Range {
  /** Among all slices of the collective, counting from 0. */
  readonly index: number;
}

/** One member's operations on one slice. */
interface Access {
  /** The last that wrote it; at first, those that filled the ranges. */
  written: readonly number[];
  /** Those that have read it since. */
  read: number[];
}

export class Moves {
  /** The slices of each member's share of the ranges, as `chunkSlices` cuts them. */
  readonly chunks: readonly (readonly Slice[])[];
  /** All of them, in order. */
  readonly slices: readonly Slice[];
  readonly #request: CollectiveRequest;
  /** By member and slice. */
  readonly #accesses: readonly (readonly Access[])[];
  /** By member: the last operation of this collective in each stream. */
  readonly #last: readonly Map<Stream, number>[];

  constructor(request: CollectiveRequest) {
    const { members, ranges, sliceElements, after } = request;
    let index = 0;
    this.#request = request;
    this.chunks = chunkSlices(ranges, members.length, sliceElements).map((slices) =>
      slices.map((slice) => ({ ...slice, index: index++ })),
    );
    this.slices = this.chunks.flat();
    this.#accesses = members.map((_, member) =>
      this.slices.map(() => ({ written: after[member] ?? [], read: [] })),
    );
    this.#last = members.map(() => new Map());
  }

  /** `to` adds to its slice what `from` has in its own. */
  add(from: number, to: number, slice: Slice): void {
    this.#move(from, to, slice, 'sum', false);
  }

  /**
   * `to` replaces its slice by what `from` has.
   *
   * @param settle `from` has just finished the sum: where the encoding is lossy, it settles for what will be read.
   */
  copy(from: number, to: number, slice: Slice, settle = false): void {
    this.#move(from, to, slice, 'copy', settle && this.#request.encoding.kind !== 'float32');
  }

  /** With which operations the moves listed up to now are over, for each member. */
  ends(): CollectiveEnds {
    return this.#last.map((last, member) =>
      last.size === 0 ? (this.#request.after[member] ?? []) : [...last.values()].sort((a, b) => a - b),
    );
  }

  #move(from: number, to: number, slice: Slice, into: 'sum' | 'copy', settle: boolean): void {
    const { encoding } = this.#request;
    const [sender, receiver] = [this.#part(from), this.#part(to)];
    this.#access(from, slice, `send:${receiver.rank}`, settle, (after) =>
      sender.send({ peer: receiver.rank, range: slice, after, encoding, settle }),
    );
    this.#access(to, slice, `recv:${sender.rank}`, true, (after) =>
      receiver.recv({ peer: sender.rank, range: slice, after, encoding, into }),
    );
  }

  /** Lists an operation that reads or writes a member's slice. */
  #access(
    member: number,
    { index }: Slice,
    stream: Stream,
    writes: boolean,
    list: (after: readonly number[]) => number,
  ): void {
    const access = this.#accesses[member]![index]!;
    // Who has read waited for the last write, so the readings stand for it.
    const id = list(writes && access.read.length > 0 ? access.read : access.written);
    this.#last[member]!.set(stream, id);
    if (!writes) access.read.push(id);
    else Object.assign(access, { written: [id], read: [] } satisfies Access);
  }

  #part(member: number): PartBuilder {
    const part = this.#request.members[member];
    if (!part) throw new RangeError(`member ${member} of ${this.#request.members.length}`);
    return part;
  }
}
