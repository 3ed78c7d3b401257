/**
 * From timed operations, simulated or measured, to a picture: which lanes there are, and what box each
 * operation is. It knows operations and no protocol, so a new protocol is drawn without a new line here.
 */
import type { ComputeOperation, Operation, StageOperation } from '../operation.js';
import type { TimedOperation } from '../timed.js';
import {
  MEANINGS,
  type Box,
  type Entry,
  type Group,
  type LaneKind,
  type Numbering,
  type Picture,
  type Style,
} from './picture.js';
import { TransferLooks } from './transfer-looks.js';

export interface PictureOptions {
  /** Names of the nodes, by rank. */
  readonly names: readonly string[];
  /** Nodes drawn, the first ones; default 16. */
  readonly maxNodes?: number;
  /** Whether to draw sends and receives; default: unless the round works on microbatches. */
  readonly transfers?: boolean;
  /** The stretch to draw, seconds since the round began; default: all of it. */
  readonly from?: number;
  readonly to?: number;
}

/**
 * The picture of one round.
 *
 * @param timed All ranks' operations, those of a rank in order of id.
 * @returns undefined if there is nothing to draw.
 */
export function pictureOf(timed: readonly TimedOperation[], options: PictureOptions): Picture | undefined {
  const { names, maxNodes = 16 } = options;
  const begin = timed.reduce((least, { start }) => Math.min(least, start), Infinity);
  const end = timed.reduce((most, played) => Math.max(most, played.end), -Infinity);
  const from = Math.max(options.from ?? 0, 0);
  const to = Math.min(options.to ?? Infinity, end - begin);
  if (timed.length === 0 || from > to) return undefined;
  const seconds = Math.max(to - from, 1e-9);

  const ranks = [...new Set(timed.map(({ rank }) => rank))].sort((a, b) => a - b);
  const shown = new Set(ranks.slice(0, maxNodes));
  const transfers = options.transfers ?? !timed.some(({ operation }) => operation.kind === 'stage');
  const lanes = new Map<string, Box[]>();
  for (const { rank, kind, box } of boxesOf(timed, { shown, begin: begin + from, seconds })) {
    if (!transfers && (kind === 'send' || kind === 'recv')) continue;
    const lane = `${rank} ${kind}`;
    const boxes = lanes.get(lane);
    if (boxes) boxes.push(box);
    else lanes.set(lane, [box]);
  }
  const kinds = LANES.filter(
    (kind) => kind === 'compute' || ranks.some((rank) => lanes.has(`${rank} ${kind}`)),
  );
  const groups = [...shown].map((rank): Group => ({
    name: names[rank] ?? String(rank),
    lanes: kinds.map((kind) => ({
      kind,
      boxes: (lanes.get(`${rank} ${kind}`) ?? []).sort((a, b) => a.start - b.start),
    })),
  }));
  const boxes = groups.flatMap((group) => group.lanes.flatMap((lane) => lane.boxes));
  return {
    groups,
    nodes: ranks.length,
    from,
    seconds,
    legend: legendOf(boxes),
    numberings: numberingsOf(boxes),
  };
}

const LANES: readonly LaneKind[] = ['compute', 'send', 'recv', 'put', 'get'];
/** What is shown though it takes no time. */
const MARKS: ReadonlySet<Style> = new Set(['outer', 'compress', 'aggregate']);

function laneOf({ kind }: Operation): LaneKind {
  return kind === 'send' || kind === 'recv' || kind === 'put' || kind === 'get' ? kind : 'compute';
}

interface Frame {
  /** Ranks. */
  readonly shown: ReadonlySet<number>;
  /** Time at the left edge, on the clock of the operations. */
  readonly begin: number;
  readonly seconds: number;
}

interface PlacedBox {
  readonly rank: number;
  readonly kind: LaneKind;
  readonly box: Box;
}

/** What there is to see within the frame, cut off at its edges. */
function* boxesOf(timed: readonly TimedOperation[], { shown, begin, seconds }: Frame): Generator<PlacedBox> {
  const lookOf = looks(timed, shown);
  for (const played of timed) {
    const start = Math.max(played.start - begin, 0);
    const end = Math.min(played.end - begin, seconds);
    if (!shown.has(played.rank) || start > end) continue;
    const look = lookOf(played);
    const isMark = played.start === played.end && MARKS.has(look.style);
    if (start === end && !isMark) continue;
    yield { rank: played.rank, kind: laneOf(played.operation), box: { ...look, start, end } };
  }
}

type Look = Omit<Box, 'start' | 'end'>;

/** What to draw for an operation, wherever on the axis of time it lies. */
function looks(
  timed: readonly TimedOperation[],
  shown: ReadonlySet<number>,
): (played: TimedOperation) => Look {
  const transfers = new TransferLooks(timed, shown);
  const chunkOf = modelChunks(timed);
  return ({ rank, operation }) => {
    const plain = { variant: 0, labels: [], key: String(operation.id) };
    switch (operation.kind) {
      case 'compute':
        return { ...plain, style: 'compute', labels: computeLabels(operation) };
      case 'stage': {
        const { work, microbatch } = operation;
        const labels = [String(microbatch)];
        return { ...plain, style: work, variant: chunkOf(rank, operation), labels, numbers: 'microbatch' };
      }
      case 'send':
      case 'recv': {
        const look = transfers.of(rank, operation);
        return { ...look, key: `${look.style} ${look.variant} ${look.labels.join(' ')}` };
      }
      case 'put':
      case 'get':
        return { ...plain, style: operation.kind, labels: [String(operation.owner)], numbers: 'owner' };
      case 'wait':
      case 'outer':
      case 'compress':
      case 'aggregate':
        return { ...plain, style: operation.kind };
    }
  };
}

function computeLabels({ work, steps }: ComputeOperation): string[] {
  if (work === 'gradient') return ['gradient', 'g'];
  const words = steps === 1 ? 'step' : 'steps';
  return [`${steps} inner ${words}`, `${steps} ${words}`, String(steps)];
}

/** With interleaving a rank has several stages: which of its own a stage is, in order of the model. */
function modelChunks(timed: readonly TimedOperation[]): (rank: number, operation: StageOperation) => number {
  const stages = new Map<number, number[]>();
  for (const { rank, operation } of timed) {
    if (operation.kind !== 'stage') continue;
    const own = stages.get(rank) ?? [];
    stages.set(rank, own);
    if (!own.includes(operation.stage)) own.push(operation.stage);
  }
  for (const own of stages.values()) own.sort((a, b) => a - b);
  return (rank, { stage }) => stages.get(rank)?.indexOf(stage) ?? 0;
}

/** One entry for each look that occurs; fragments are told apart by their letters, see `numberingsOf`. */
function legendOf(boxes: readonly Box[]): Entry[] {
  const isStage = (style: Style) =>
    style === 'forward' || style === 'backward' || style.startsWith('backward-');
  const shadeOf = ({ style, variant }: Box) => (isStage(style) ? variant % 2 : 0);
  const shaded = boxes.some((box) => shadeOf(box) > 0);
  const present = new Set(boxes.map((box) => `${box.style} ${shadeOf(box)}`));
  return (Object.keys(MEANINGS) as Style[]).flatMap((style) =>
    [0, 1]
      .filter((shade) => present.has(`${style} ${shade}`))
      .map((variant) => {
        const which = shaded && isStage(style) ? `, ${variant === 0 ? 'even' : 'odd'} model chunk` : '';
        return { style, variant, meaning: MEANINGS[style] + which };
      }),
  );
}

function numberingsOf(boxes: readonly Box[]): Numbering[] {
  const samples = new Map<Numbering['of'], Map<string, Numbering['samples'][number]>>();
  for (const { numbers, labels, style, variant } of boxes) {
    const [label] = labels;
    if (numbers === undefined || label === undefined) continue;
    const known = samples.get(numbers) ?? new Map<string, Numbering['samples'][number]>();
    samples.set(numbers, known);
    if (!known.has(label)) known.set(label, { label, style, variant });
  }
  const inOrder = new Intl.Collator('en', { numeric: true }).compare;
  return [...samples].map(([of, known]) => ({
    of,
    samples: [...known.values()].sort((a, b) => a.variant - b.variant || inOrder(a.label, b.label)),
  }));
}
