/**
 * What a picture says of a transfer: which part of the model is on its way, and what becomes of it.
 *
 * An operation knows only offsets, so the rest is read off the whole round. A microbatch is that of the stage
 * whose output is sent. Fragments are what a rank's optimizer steps update, where it updates several. Otherwise
 * the model moves in chunks: where a stream jumps in its buffer, one begins. They are numbered in order of offset;
 * where there is but one, the peer's number says more.
 *
 * A slice is told alike at both ends: whether it is summed or copied by its receiver, which part it is by its
 * sender.
 */
import type { Operation, Range, SendOperation, StageOperation, TransferOperation } from '../operation.js';
import type { TimedOperation } from '../timed.js';
import { fragmentName, type Box } from './picture.js';

export type TransferLook = Pick<Box, 'style' | 'variant' | 'labels' | 'numbers'>;

const UNKNOWN: TransferLook = { style: 'sum', variant: 0, labels: [] };

export class TransferLooks {
  readonly #looks = new Map<string, TransferLook>();
  readonly #fragments: readonly (readonly Range[])[];
  readonly #chunkStarts: readonly number[];

  /**
   * @param timed All ranks' operations, in order of id: one rank alone may never jump where a chunk begins.
   * @param shown Ranks whose transfers will be asked for.
   */
  constructor(timed: readonly TimedOperation[], shown: ReadonlySet<number>) {
    this.#fragments = fragmentsOf(timed);
    this.#chunkStarts = chunkStarts(timed);
    const work = stageWork(timed, shown);
    const into = new Map<string, 'sum' | 'copy'>();
    for (const { rank, operation } of timed) {
      if (operation.kind !== 'recv' || !(shown.has(rank) || shown.has(operation.peer))) continue;
      into.set(keyOf(rank, operation), operation.into);
    }
    for (const { rank, operation } of timed) {
      if (operation.kind !== 'send' || !(shown.has(rank) || shown.has(operation.peer))) continue;
      const key = keyOf(rank, operation);
      const look =
        operation.buffer === 'activations'
          ? activationLook(work(rank, operation))
          : this.#sliceLook(operation, into.get(key) ?? 'sum');
      this.#looks.set(key, look);
    }
  }

  of(rank: number, operation: TransferOperation): TransferLook {
    const look = this.#looks.get(keyOf(rank, operation)) ?? UNKNOWN;
    if (look.labels.length > 0 || operation.buffer === 'activations') return look;
    return { ...look, labels: [String(operation.peer)], numbers: 'peer' };
  }

  #sliceLook({ offset }: SendOperation, style: 'sum' | 'copy'): TransferLook {
    if (this.#fragments.length > 1) {
      const variant = this.#fragments.findIndex((ranges) => ranges.some((range) => includes(range, offset)));
      if (variant < 0) return { ...UNKNOWN, style };
      return { style, variant, labels: [fragmentName(variant)], numbers: 'fragment' };
    }
    const starts = this.#chunkStarts;
    if (starts.length < 2) return { style, variant: 0, labels: [] };
    const later = starts.findIndex((start) => start > offset);
    const chunk = (later === -1 ? starts.length : later) - 1;
    return { style, variant: 0, labels: [String(chunk)], numbers: 'chunk' };
  }
}

function keyOf(rank: number, { kind, peer, sequence }: TransferOperation): string {
  return kind === 'send' ? `${rank} ${peer} ${sequence}` : `${peer} ${rank} ${sequence}`;
}

function includes({ offset, length }: Range, element: number): boolean {
  return element >= offset && element < offset + length;
}

/** What the rank that has the most of them updates one by one, in order of offset. */
function fragmentsOf(timed: readonly TimedOperation[]): Range[][] {
  const byRank = new Map<number, Map<string, Range[]>>();
  for (const { rank, operation } of timed) {
    if (operation.kind !== 'outer' || operation.ranges.length === 0) continue;
    const own = byRank.get(rank) ?? new Map<string, Range[]>();
    byRank.set(rank, own);
    own.set(operation.ranges.map(({ offset, length }) => `${offset}+${length}`).join(), [
      ...operation.ranges,
    ]);
  }
  const updates = [...byRank.values()].map((own) => [...own.values()]);
  const most = updates.reduce((best, own) => (own.length > best.length ? own : best), []);
  return most.sort(([a], [b]) => (a?.offset ?? 0) - (b?.offset ?? 0));
}

function chunkStarts(timed: readonly TimedOperation[]): number[] {
  const starts = new Set<number>();
  const ends = new Map<string, number>();
  for (const { rank, operation } of timed) {
    if (operation.kind !== 'send' || operation.buffer === 'activations') continue;
    const stream = `${rank} ${operation.stream} ${operation.buffer}`;
    if (ends.get(stream) !== operation.offset) starts.add(operation.offset);
    ends.set(stream, operation.offset + operation.length);
  }
  return [...starts].sort((a, b) => a - b);
}

/** Finds the work whose result a send passes on: that among what it waits for which had ended last. */
function stageWork(timed: readonly TimedOperation[], shown: ReadonlySet<number>) {
  const work = new Map<string, StageOperation>();
  const senders = new Set(shown);
  for (const { rank, operation } of timed) {
    if (operation.kind === 'recv' && shown.has(rank)) senders.add(operation.peer);
  }
  for (const { rank, operation } of timed) {
    if (operation.kind === 'stage' && senders.has(rank)) work.set(`${rank} ${operation.id}`, operation);
  }
  return (rank: number, { after }: Operation): StageOperation | undefined =>
    after.map((id) => work.get(`${rank} ${id}`)).findLast((stage) => stage !== undefined);
}

function activationLook(stage: StageOperation | undefined): TransferLook {
  const style = stage === undefined || stage.work === 'forward' ? 'activation' : 'activation-gradient';
  if (stage === undefined) return { style, variant: 0, labels: [] };
  return { style, variant: 0, labels: [String(stage.microbatch)], numbers: 'microbatch' };
}
