/**
 * From the order of a pipeline's actions to operations: who computes what, and what is sent when.
 *
 * The lists say in which order each rank computes, and nothing of messages. Messages follow from them: what a pass
 * made is sent at once to the rank whose next stage, or stage before, needs it. Lines between ranks are ordered,
 * and a rank may need what comes over one in another order than it was sent (interleaved, on two ranks, both
 * activations and gradients come over the same line). So actions are taken in an order in which all of them could
 * run, and with each one its messages are written down at both ends: receives are then listed as the sends
 * are, and every operation waits only for operations that were written down before it. Hence no deadlock,
 * however the network delays things.
 */
import type { Range, StageOperation } from '../../../src/schedule/operation.js';
import type { PartBuilder, TransferDraft } from '../part-builder.js';
import type { Action, ActionLists, ActionWork } from './action.js';
import { placeOf, placesOf, tokenBytes, type Boundary, type Hop } from './boundary.js';
import { ScratchPlace } from './scratch-place.js';

export interface PipelinePlan {
  readonly actions: ActionLists;
  readonly microbatches: number;
  /** Stages that each rank holds. */
  readonly chunks: number;
  readonly boundary: Boundary;
}

const WORKS: Readonly<Record<ActionWork, StageOperation['work']>> = {
  F: 'forward',
  B: 'backward',
  I: 'backward-input',
  W: 'backward-weight',
};

/**
 * Share of the time that a stage takes for a microbatch, both ways: a backward pass does twice the work of a
 * forward one, half of it for the weights (Kaplan et al., arXiv:2001.08361, section 2.1).
 */
const SHARES: Readonly<Record<ActionWork, number>> = { F: 1 / 3, B: 2 / 3, I: 1 / 3, W: 1 / 3 };

/** One pipeline: the parts of its ranks, and what lies in their scratch. */
export class Pipeline {
  readonly #parts: readonly PartBuilder[];
  readonly #shard: number;
  readonly #plan: PipelinePlan;
  /** First element and byte of its scratch: the same at all ranks, if all reserve it first. */
  readonly #activations: number;
  readonly #tokens: number;
  readonly #places = new Map<string, ScratchPlace>();

  /**
   * @param parts By rank of the pipeline; with nothing in them yet that uses scratch.
   * @param shard Which replica of the pipeline this is.
   */
  constructor(parts: readonly PartBuilder[], shard: number, plan: PipelinePlan) {
    this.#parts = parts;
    this.#shard = shard;
    this.#plan = plan;
    const { boundary, microbatches, chunks } = plan;
    const places = placesOf(parts.length, microbatches, chunks) * boundary.elements;
    const [activations = 0] = parts.map((part) => part.activations(places));
    const [tokens = 0] = parts.map((part) => part.contribution(microbatches * this.#tokenBytes));
    [this.#activations, this.#tokens] = [activations, tokens];
  }

  get #stages(): number {
    return this.#parts.length * this.#plan.chunks;
  }

  get #tokenBytes(): number {
    return tokenBytes(this.#plan.boundary);
  }

  /**
   * Adds one step: every microbatch through every stage, forwards and backwards.
   *
   * @returns By stage: the operation with which the gradient of its weights is complete.
   * @throws RangeError if the actions wait for each other.
   */
  step(step: number): readonly number[] {
    const complete: number[] = [];
    for (const action of feasibleOrder(this.#plan.actions, this.#stages)) {
      const id = this.#act(action, step);
      if (action.work === 'B' || action.work === 'W') complete[action.stage] = id;
    }
    return complete;
  }

  #act({ work, stage, microbatch }: Action, step: number): number {
    const { microbatches, chunks } = this.#plan;
    const rank = stage % this.#parts.length;
    const hop = (boundary: number, way: Hop['way']): ScratchPlace | undefined =>
      boundary < 0 || boundary >= this.#stages - 1
        ? undefined
        : this.#hop(rank, { boundary, microbatch, way });
    const input = hop(stage - 1, 'forward');
    const output = hop(stage, 'forward');
    const outputGradient = hop(stage, 'backward');
    const inputGradient = hop(stage - 1, 'backward');
    const tokens = this.#tokenBytes > 0 ? this.#tokensAt(rank, microbatch) : undefined;

    const first = stage === 0;
    const reads = [input, work === 'F' ? undefined : outputGradient, first ? undefined : tokens];
    const writes = {
      F: [output, first ? tokens : undefined],
      B: [inputGradient],
      I: [inputGradient],
      W: [],
    }[work];
    const id = this.#parts[rank]!.device({
      kind: 'stage',
      after: sorted([
        ...reads.flatMap((place) => place?.filled ?? []),
        ...writes.flatMap((place) => place?.free ?? []),
      ]),
      work: WORKS[work],
      step,
      shard: this.#shard,
      stage,
      stages: this.#stages,
      microbatch,
      microbatches,
      cost: SHARES[work] / (microbatches * chunks),
      ...(input === undefined ? {} : { input: input.first, inputGradient: inputGradient!.first }),
      ...(output === undefined ? {} : { output: output.first, outputGradient: outputGradient!.first }),
      ...(tokens === undefined ? {} : { tokens: tokens.first }),
    });
    for (const place of reads) place?.read(id);
    for (const place of writes) place?.fill(id);

    if (work === 'F' && output !== undefined) {
      this.#hand(stage, stage + 1, { boundary: stage, microbatch, way: 'forward' });
      // A rank that has had a microbatch's tokens once knows them when it comes around again.
      if (tokens !== undefined && stage + 1 < this.#parts.length) this.#handTokens(stage, microbatch);
    }
    if ((work === 'B' || work === 'I') && inputGradient !== undefined)
      this.#hand(stage, stage - 1, { boundary: stage - 1, microbatch, way: 'backward' });
    return id;
  }

  #hand(fromStage: number, toStage: number, hop: Hop): void {
    const [from, to] = [this.#rankOf(fromStage), this.#rankOf(toStage)];
    const { slices, encoding } = this.#plan.boundary;
    this.#send(from, to, this.#hop(from, hop), this.#hop(to, hop), slices, {
      buffer: 'activations',
      encoding,
    });
  }

  #handTokens(stage: number, microbatch: number): void {
    const [from, to] = [stage, stage + 1];
    this.#send(
      from,
      to,
      this.#tokensAt(from, microbatch),
      this.#tokensAt(to, microbatch),
      this.#plan.boundary.tokenSlices,
      { buffer: 'contributions', encoding: { kind: 'bytes' } },
    );
  }

  #send(
    from: number,
    to: number,
    source: ScratchPlace,
    target: ScratchPlace,
    slices: readonly Range[],
    how: Pick<TransferDraft, 'buffer' | 'encoding'>,
  ): void {
    const [sender, receiver] = [this.#parts[from]!, this.#parts[to]!];
    const ranges = slices.map(({ offset, length }) => ({ offset: source.first + offset, length }));
    source.read(
      ...ranges.map((range) => sender.send({ ...how, peer: receiver.rank, range, after: source.filled })),
    );
    const free = sorted(target.free);
    target.fill(
      ...ranges.map((range) =>
        receiver.recv({ ...how, peer: sender.rank, range, after: free, into: 'copy' }),
      ),
    );
  }

  #rankOf(stage: number): number {
    return stage % this.#parts.length;
  }

  #hop(rank: number, hop: Hop): ScratchPlace {
    const { microbatches, boundary } = this.#plan;
    const number = placeOf(hop, { ranks: this.#parts.length, microbatches });
    return this.#place(`${rank} ${number}`, this.#activations + number * boundary.elements);
  }

  #tokensAt(rank: number, microbatch: number): ScratchPlace {
    return this.#place(`${rank} tokens ${microbatch}`, this.#tokens + microbatch * this.#tokenBytes);
  }

  #place(name: string, first: number): ScratchPlace {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const place = new ScratchPlace(first);
    this.#places.set(name, place);
    return place;
  }
}

/** All actions, each after those that it needs something from. */
function* feasibleOrder(lists: ActionLists, stages: number): Generator<Action> {
  const done = new Set<string>();
  const key = (work: 'F' | 'B', stage: number, microbatch: number) => `${work} ${stage} ${microbatch}`;
  const ready = ({ work, stage, microbatch }: Action): boolean => {
    if (work === 'F') return stage === 0 || done.has(key('F', stage - 1, microbatch));
    if (work === 'W') return done.has(key('B', stage, microbatch));
    const last = stage === stages - 1;
    return done.has(key('F', stage, microbatch)) && (last || done.has(key('B', stage + 1, microbatch)));
  };
  const next = lists.map(() => 0);
  for (let left = lists.flat().length; left > 0;) {
    const before = left;
    for (const [rank, actions] of lists.entries()) {
      for (let action = actions[next[rank]!]; action && ready(action); action = actions[next[rank]!]) {
        const { work, stage, microbatch } = action;
        if (work !== 'W') done.add(key(work === 'F' ? 'F' : 'B', stage, microbatch));
        next[rank]!++;
        left--;
        yield action;
      }
    }
    if (left === before) throw new RangeError('the actions of the pipeline wait for each other');
  }
}

function sorted(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
