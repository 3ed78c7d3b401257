/**
 * A round as a picture: time to the right, a few rows for each node, as papers on pipeline parallelism draw
 * theirs. What a reader should see at a glance is the shape: long solid work, then a short braid of sends and
 * receives in which chunks wander from node to node.
 *
 * It draws any timed operations, simulated or measured, and knows no protocol. A character cell stands for a
 * stretch of time and shows what filled most of it. Chunks are told from the offsets: where a stream jumps
 * in the buffer, a chunk begins; they are numbered in order of offset, and each run of cells begins with its
 * chunk's number. Drawing only; text in, nothing printed.
 */
import { createColors } from 'picocolors';
import { axis, busiest, type Bar } from './raster.js';
import type { TimedOperation } from './timed.js';

export interface GanttOptions {
  /** Names of the nodes, by rank. */
  readonly names: readonly string[];
  /** Columns of the whole picture. */
  readonly width: number;
  /** Colour by ANSI escapes; default false. */
  readonly colour?: boolean;
  /** Nodes drawn, the first ones; default 16. */
  readonly maxNodes?: number;
}

/** What a cell can mean; each has a glyph, a colour, and a word in the legend. */
type Style = 'compute' | 'sum' | 'copy' | 'outer' | 'idle';

const GLYPHS: Record<Style, string> = { compute: '█', sum: '▒', copy: '█', outer: '◆', idle: ' ' };
/** Instead of the glyph, where a transfer fills less than half of its cell. */
const SPARSE = '·';

interface Cell {
  readonly text: string;
  readonly style: Style;
}

type Paint = Record<Style | 'name' | 'faint', (text: string) => string>;

/**
 * Draws the operations of one round.
 *
 * @param timed All ranks' operations, those of a rank in order of id.
 * @returns Lines without trailing spaces, joined by newlines; an empty string if there is nothing to draw.
 */
export function gantt(timed: readonly TimedOperation[], options: GanttOptions): string {
  if (timed.length === 0) return '';
  const { names, maxNodes = 16 } = options;
  const ranks = [...new Set(timed.map(({ rank }) => rank))].sort((a, b) => a - b);
  const shown = ranks.slice(0, maxNodes);
  const byRank = new Map(shown.map((rank): [number, TimedOperation[]] => [rank, []]));
  let [from, to] = [Infinity, -Infinity];
  for (const played of timed) {
    byRank.get(played.rank)?.push(played);
    from = Math.min(from, played.start);
    to = Math.max(to, played.end);
  }
  const nameColumns = Math.max(...shown.map((rank) => (names[rank] ?? '').length));
  const kindColumns = 'compute'.length;
  const margin = ' '.repeat(nameColumns + 2 + kindColumns + 2);
  const columns = Math.max(10, options.width - margin.length);
  const scale: Scale = { from, seconds: Math.max(to - from, 1e-9), columns };
  const paint = paints(options.colour ?? false);
  const chunks = new Chunks(timed, new Set(shown));

  const lines = shown.flatMap((rank) => {
    const own = byRank.get(rank) ?? [];
    const rows = [
      ['compute', computeRow(own, scale)] as const,
      ['send', transferRow(own, 'send', chunks, scale)] as const,
      ['recv', transferRow(own, 'recv', chunks, scale)] as const,
    ];
    return rows.map(([kind, cells], row) => {
      const name = (row === 0 ? (names[rank] ?? '') : '').padEnd(nameColumns);
      const bar = paint.faint(row === 0 ? '┌' : row === rows.length - 1 ? '└' : '│');
      return `${paint.name(name)}  ${paint.faint(kind.padEnd(kindColumns))} ${bar}${drawn(cells, paint)}`;
    });
  });
  lines.push(...axis(scale.seconds, scale.columns).map((line) => margin + paint.faint(line)));
  if (ranks.length > shown.length) {
    lines.push(`… and ${ranks.length - shown.length} more of ${ranks.length} nodes, not shown`);
  }
  lines.push('', ...legend(timed, columns, paint).map((line) => margin + line));
  return lines.map((line) => line.trimEnd()).join('\n');
}

interface Scale {
  readonly from: number;
  readonly seconds: number;
  readonly columns: number;
}

/** Position on the scale, in cells. */
function cellsAt(time: number, { from, seconds, columns }: Scale): number {
  return ((time - from) / seconds) * columns;
}

function computeRow(own: readonly TimedOperation[], scale: Scale): Cell[] {
  const bars: Bar<string>[] = [];
  const cells = Array.from({ length: scale.columns }, (): Cell => ({ text: ' ', style: 'idle' }));
  for (const { operation, start, end } of own) {
    if (operation.kind !== 'compute') continue;
    const { steps, work } = operation;
    const label = work === 'gradient' ? 'gradient' : `${steps} inner step${steps === 1 ? '' : 's'}`;
    bars.push({ from: cellsAt(start, scale), to: cellsAt(end, scale), what: label });
  }
  const row = busiest(bars, scale.columns);
  for (const run of runs(row.map((cell) => cell?.what))) {
    if (run.value === undefined) continue;
    write(cells, run.start, GLYPHS.compute.repeat(run.length), 'compute');
    const label = ` ${run.value} `;
    if (label.length + 2 > run.length) continue;
    write(cells, run.start + Math.floor((run.length - label.length) / 2), label, 'compute');
  }
  for (const { operation, start } of own) {
    if (operation.kind !== 'outer') continue;
    write(cells, Math.min(Math.floor(cellsAt(start, scale)), scale.columns - 1), GLYPHS.outer, 'outer');
  }
  return cells;
}

function transferRow(
  own: readonly TimedOperation[],
  kind: 'send' | 'recv',
  chunks: Chunks,
  scale: Scale,
): Cell[] {
  const bars: Bar<string>[] = [];
  for (const played of own) {
    if (played.operation.kind !== kind) continue;
    const what = `${chunks.of(played)} ${chunks.into(played)}`;
    bars.push({ from: cellsAt(played.start, scale), to: cellsAt(played.end, scale), what });
  }
  const row = busiest(bars, scale.columns);
  const cells = Array.from({ length: scale.columns }, (): Cell => ({ text: ' ', style: 'idle' }));
  for (const run of runs(row.map((cell) => cell?.what))) {
    if (run.value === undefined) continue;
    const [chunk = '', into] = run.value.split(' ');
    const style = into === 'copy' ? 'copy' : 'sum';
    for (let at = run.start; at < run.start + run.length; at++) {
      write(cells, at, (row[at]?.share ?? 0) < 0.5 ? SPARSE : GLYPHS[style], style);
    }
    if (run.length > chunk.length) write(cells, run.start, chunk, style);
  }
  return cells;
}

function write(cells: Cell[], at: number, text: string, style: Style): void {
  for (const [i, character] of [...text].entries()) cells[at + i] = { text: character, style };
}

interface Run<T> {
  readonly start: number;
  readonly length: number;
  readonly value: T;
}

/** Stretches of equal neighbours. */
function runs<T>(values: readonly T[]): Run<T>[] {
  const starts = values.flatMap((value, at) => (at === 0 || value !== values[at - 1] ? [{ at, value }] : []));
  return starts.map(({ at, value }, i) => ({
    start: at,
    length: (starts[i + 1]?.at ?? values.length) - at,
    value,
  }));
}

/** Which chunk of the buffer a transfer belongs to, and which half of a collective. */
class Chunks {
  readonly #starts: number[];
  /** `into` of each receive, by sender, receiver and sequence; a send shares that of its receive. */
  readonly #into = new Map<string, string>();

  /** Chunks are told from all ranks, for one alone may never jump where a chunk begins. */
  constructor(timed: readonly TimedOperation[], senders: ReadonlySet<number>) {
    const starts = new Set<number>();
    const ends = new Map<string, number>();
    for (const { rank, operation } of timed) {
      if (operation.kind !== 'send' && operation.kind !== 'recv') continue;
      const stream = `${rank} ${operation.stream}`;
      if (ends.get(stream) !== operation.offset) starts.add(operation.offset);
      ends.set(stream, operation.offset + operation.length);
      if (operation.kind === 'recv' && senders.has(operation.peer)) {
        this.#into.set(`${operation.peer} ${rank} ${operation.sequence}`, operation.into);
      }
    }
    this.#starts = [...starts].sort((a, b) => a - b);
  }

  of({ operation }: TimedOperation): number {
    if (operation.kind !== 'send' && operation.kind !== 'recv') return 0;
    const later = this.#starts.findIndex((start) => start > operation.offset);
    return (later === -1 ? this.#starts.length : later) - 1;
  }

  into({ rank, operation }: TimedOperation): string {
    if (operation.kind === 'recv') return operation.into;
    if (operation.kind !== 'send') return '';
    return this.#into.get(`${rank} ${operation.peer} ${operation.sequence}`) ?? 'sum';
  }
}

/** Neighbours of one style share their escape codes. */
function drawn(cells: readonly Cell[], paint: Paint): string {
  return runs(cells.map(({ style }) => style))
    .map(({ start, length, value }) => {
      const text = cells.slice(start, start + length).map((cell) => cell.text);
      return paint[value](text.join(''));
    })
    .join('');
}

const MEANINGS = [
  ['compute', 'compute'],
  ['sum', 'reduce-scatter (summed)'],
  ['copy', 'all-gather (copied)'],
  ['outer', 'optimizer step'],
] as const;

/** What the glyphs mean, of those that occur, in lines of at most `columns`. */
function legend(timed: readonly TimedOperation[], columns: number, paint: Paint): string[] {
  const present = new Set<Style>();
  for (const { operation } of timed) {
    if (operation.kind === 'recv') present.add(operation.into);
    else if (operation.kind !== 'send') present.add(operation.kind);
  }
  const items = MEANINGS.filter(([style]) => present.has(style)).map(([style, meaning]) => ({
    columns: meaning.length + 2,
    text: `${paint[style](GLYPHS[style])} ${meaning}`,
  }));
  if (present.has('sum') || present.has('copy')) {
    for (const text of ['0 1 2 chunk', `${SPARSE} less than half busy`]) {
      items.push({ columns: text.length, text });
    }
  }
  const gap = '   ';
  const lines: string[] = [];
  let used = Infinity;
  for (const item of items) {
    const fits = used + gap.length + item.columns <= columns;
    if (fits) lines.push(lines.pop() + gap + item.text);
    else lines.push(item.text);
    used = fits ? used + gap.length + item.columns : item.columns;
  }
  return lines;
}

function paints(colour: boolean): Paint {
  const { blue, yellow, green, magenta, bold, dim } = createColors(colour);
  const plain = (text: string) => text;
  return { compute: blue, sum: yellow, copy: green, outer: magenta, idle: plain, name: bold, faint: dim };
}
