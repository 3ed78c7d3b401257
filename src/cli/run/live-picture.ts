/**
 * One frame of the live view: a snapshot of the board as lines that fit a window. Pure, so that every size
 * of window can be tried without a terminal; live-view.ts shows the frames.
 *
 * A frame is a headline, a line of column heads, and a row per node. The sparkline takes what width is left,
 * and a full block in it means that the uplink is full. Where something does not fit, it is cut off: a line
 * that wrapped would spoil the redrawing of all others.
 */
import pc from 'picocolors';
import type { BoardSnapshot, NodeSnapshot, Phase } from '../../../orchestrator/board.js';
import { HISTORY_BINS } from '../../../orchestrator/rate-meter.js';
import { sparkline } from '../inspect-text.js';
import { bytesText } from '../text.js';

export interface PictureOptions {
  readonly title: string;
  /** Size of the window, characters. */
  readonly columns: number;
  readonly rows: number;
  /** Whether to write ANSI colours. */
  readonly colour: boolean;
}

interface Column {
  readonly head: string;
  readonly width: number;
  readonly align: 'left' | 'right';
  readonly cell: (node: NodeSnapshot) => string;
}

const GLYPHS: Readonly<Record<Phase, string>> = {
  joining: '…',
  computing: '●',
  synchronizing: '⇄',
  done: '✓',
};
/** Fewer blocks than this show nothing of a beat. */
const LEAST_BLOCKS = 8;
const GAP = '  ';

/** The frame: at most `rows` - 1 lines, for the cursor stands in the last, each shorter than `columns`. */
export function picture(snapshot: BoardSnapshot, options: PictureOptions): string {
  const { title, columns, rows, colour } = options;
  const colours = pc.createColors(colour);
  const width = Math.max(1, columns - 1);
  const fit = (text: string): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);
  const shape = columnsOf(snapshot, width);
  const shown = nodesThatFit(snapshot.nodes.length, rows);
  const hidden = snapshot.nodes.length - shown;
  const lines = [
    colours.bold(fit(`${title} · ${standing(snapshot)}`)),
    colours.dim(fit(lineOf(shape, ({ head }) => head))),
    ...snapshot.nodes.slice(0, shown).map((node) => {
      const line = fit(lineOf(shape, ({ cell }) => cell(node)));
      return paint(node, line, colours);
    }),
    ...(hidden > 0 ? [colours.dim(fit(`and ${hidden} more ${hidden === 1 ? 'node' : 'nodes'}`))] : []),
  ];
  return lines.slice(0, Math.max(1, rows - 1)).join('\n');
}

/** How far the run is, in a few words. */
function standing(snapshot: BoardSnapshot): string {
  const { stage, elapsedSeconds, roundsDone, rounds, meanLoss, secondsLeft, overruns } = snapshot;
  if (elapsedSeconds === null) return stage;
  if (rounds === 0) return `${stage} · ${clock(secondsLeft ?? 0)} left`;
  const late = overruns === 0 ? '' : ` · ${overruns} ${overruns === 1 ? 'step' : 'steps'} overran`;
  const loss = meanLoss === null ? '' : ` · loss ${meanLoss.toFixed(3)}`;
  const left = roundsDone < rounds ? `${clock(secondsLeft ?? 0)} left` : stage;
  return `round ${Math.min(roundsDone + 1, rounds)}/${rounds} · ${left}${loss}${late}`;
}

/** "0:43", "1:02:07". */
function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Besides the nodes there are the headline, the heads, the cursor's line, and perhaps the count of the rest. */
function nodesThatFit(nodes: number, rows: number): number {
  return nodes <= rows - 3 ? nodes : Math.max(0, rows - 4);
}

function columnsOf({ nodes, rounds, stepsPerRound }: BoardSnapshot, width: number): Column[] {
  const unit = rateUnit(Math.max(...nodes.map(({ uplink, downlink }) => Math.max(uplink, downlink))));
  const longestName = Math.max(...nodes.map(({ name }) => name.length));
  const steps = rounds * stepsPerRound;
  const left: Column[] = [
    { head: '', width: 1, align: 'left', cell: ({ phase }) => GLYPHS[phase] },
    { head: 'node', width: Math.max(4, longestName), align: 'left', cell: ({ name }) => name },
  ];
  const right: Column[] = [
    { head: 'up', width: 5, align: 'right', cell: ({ rateUp }) => unit.text(rateUp) },
    { head: `down ${unit.name}`, width: 11, align: 'right', cell: ({ rateDown }) => unit.text(rateDown) },
    { head: 'queue', width: 7, align: 'right', cell: ({ queuedBytes }) => bytesText(queuedBytes) },
    {
      head: 'step',
      width: Math.max(4, 2 * String(steps).length + 1),
      align: 'right',
      cell: (node) => `${node.steps}/${steps}`,
    },
    { head: 'loss', width: 6, align: 'right', cell: ({ loss }) => loss?.toFixed(3) ?? '' },
  ];
  const taken = [...left, ...right].reduce((sum, column) => sum + column.width + GAP.length, 0);
  // As wide as a full history from the start, so that nothing moves sideways while it fills.
  const blocks = Math.min(width - taken, HISTORY_BINS);
  if (blocks < LEAST_BLOCKS) return [...left, ...right];
  const spark: Column = {
    head: 'uplink',
    width: blocks,
    align: 'right',
    cell: ({ rateUpHistory, uplink }) => sparkline(rateUpHistory.slice(-blocks), uplink),
  };
  return [...left, spark, ...right];
}

/** One unit for all rates of a frame, so that they can be compared at a glance. */
function rateUnit(largest: number): { readonly name: string; readonly text: (rate: number) => string } {
  const [name, scale] =
    largest >= 1e9
      ? (['Gbit/s', 1e9] as const)
      : largest >= 1e6
        ? (['Mbit/s', 1e6] as const)
        : (['kbit/s', 1e3] as const);
  return { name, text: (rate) => (rate / scale).toFixed(rate / scale < 100 ? 1 : 0) };
}

function lineOf(columns: readonly Column[], text: (column: Column) => string): string {
  return columns
    .map((column) =>
      column.align === 'left' ? text(column).padEnd(column.width) : text(column).padStart(column.width),
    )
    .join(GAP);
}

/** Coloured after it is cut to length, as a colour has no width. */
function paint(
  { phase, overruns }: NodeSnapshot,
  line: string,
  colours: ReturnType<typeof pc.createColors>,
): string {
  if (overruns > 0) return colours.red(line);
  switch (phase) {
    case 'joining':
      return colours.dim(line);
    case 'computing':
      return line;
    case 'synchronizing':
      return colours.cyan(line);
    case 'done':
      return colours.green(line);
  }
}
