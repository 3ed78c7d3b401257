/**
 * The words of a pipeline schedule: who works on which microbatch of which stage, in which order.
 *
 * A pipeline's nodes each hold a part of the model, and a batch is cut into microbatches that pass through
 * all of them, forwards and then backwards. A schedule is nothing but an order: for each rank of the pipeline
 * a list of actions, worked off strictly as listed. What an action needs from another rank it waits for; so the
 * same lists serve any network, and how long they take is the network's doing. Written down they look as in
 * PyTorch's torch.distributed.pipelining: "2B5" is the backward pass of microbatch 5 at stage 2.
 *
 * All schedules here work on the microbatches of a stage in ascending order, backwards too. The gradient of a
 * weight is a sum over microbatches, so all of them come to the same bits. (GPipe's paper runs its backward
 * passes from the last microbatch to the first; with all forward passes done first that makes no difference
 * to its time.)
 */

/** F: forward; B: backward, both halves; I, W: backward by the stage's input alone, and by its weights. */
export type ActionWork = 'F' | 'B' | 'I' | 'W';

export interface Action {
  readonly work: ActionWork;
  /** Of the model, counting from 0 at the embedding. */
  readonly stage: number;
  readonly microbatch: number;
}

/** By rank of the pipeline: its actions, in order. */
export type ActionLists = readonly (readonly Action[])[];

export interface PipelineShape {
  /** p: ranks in a row. */
  readonly ranks: number;
  /** m: microbatches of a step. */
  readonly microbatches: number;
  /** v: stages that each rank holds; stage s is held by rank s mod p. */
  readonly chunks: number;
}

/** A pipeline schedule. */
export type PipelineSchedule = (shape: PipelineShape) => ActionLists;

/** "1B3": stage, work, microbatch. */
export function actionText({ work, stage, microbatch }: Action): string {
  return `${stage}${work}${microbatch}`;
}

/** The lists as a table, a rank to a line and an action to a column, for people to read. */
export function formatActions(lists: ActionLists): string {
  const texts = lists.map((actions) => actions.map(actionText));
  const width = Math.max(0, ...texts.flat().map(({ length }) => length));
  const label = `rank ${lists.length - 1}`.length;
  return texts
    .map((line, rank) =>
      [`rank ${rank}`.padEnd(label), ...line.map((text) => text.padStart(width))].join(' ').trimEnd(),
    )
    .join('\n');
}

/** One stage's passes of one kind over all microbatches, in order. */
export function passes(work: ActionWork, stage: number, microbatches: number): Action[] {
  return Array.from({ length: microbatches }, (_, microbatch) => ({ work, stage, microbatch }));
}

/**
 * One forward, one backward: `warmup` forward passes, then a forward pass before each backward one while there
 * are any left. What a rank does for one backward pass may be several actions.
 */
export function alternate(
  forwards: readonly Action[],
  backwards: readonly (readonly Action[])[],
  warmup: number,
): Action[] {
  return [
    ...forwards.slice(0, warmup),
    ...backwards.flatMap((backward, i) => [...forwards.slice(warmup + i, warmup + i + 1), ...backward]),
    ...forwards.slice(warmup + backwards.length),
  ];
}

/**
 * The most microbatches, counted once for each stage, that a rank has begun and not yet finished: as many inputs
 * of stages it has to keep at once.
 */
export function peakInFlight(actions: readonly Action[]): number {
  let [inFlight, peak] = [0, 0];
  for (const { work } of actions) {
    if (work === 'F') inFlight++;
    if (work === 'B' || work === 'W') inFlight--;
    peak = Math.max(peak, inFlight);
  }
  return peak;
}
