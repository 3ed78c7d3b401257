/**
 * A picture in characters, for a terminal. What a reader should see at a glance is the shape: long solid work,
 * then a short braid of sends and receives; or the triangles of a pipeline that fills and drains.
 *
 * A character cell stands for a stretch of time and shows what filled most of it. Text in, text out: nothing
 * is printed.
 */
import { createColors } from 'picocolors';
import { axis, busiest, type Bar } from './raster.js';
import type { Box, Group, Lane, LaneKind, Picture, Style } from './picture.js';

export interface TextOptions {
  /** Columns of the whole picture. */
  readonly width: number;
  /** Colour by ANSI escapes; default false. */
  readonly colour?: boolean;
}

/** For each style a character, and one for the odd ones of several alike. */
const GLYPHS: Readonly<Record<Style, readonly [string, string]>> = {
  compute: ['█', '█'],
  forward: ['░', '▒'],
  backward: ['█', '▓'],
  'backward-input': ['▓', '█'],
  'backward-weight': ['▚', '▞'],
  wait: ['┄', '┄'],
  compress: ['▾', '▾'],
  aggregate: ['▴', '▴'],
  outer: ['◆', '◆'],
  sum: ['▒', '▒'],
  copy: ['█', '█'],
  activation: ['░', '░'],
  'activation-gradient': ['█', '█'],
  put: ['▒', '▒'],
  get: ['█', '█'],
};
/** Instead of the glyph, where a transfer fills less than half of its cell. */
const SPARSE = '·';
/** Drawn last and in one cell at least, for they may take no time at all. */
const MARKS: readonly Style[] = ['compress', 'aggregate', 'outer'];

interface Cell {
  readonly text: string;
  /** Undefined where nothing is. */
  readonly style?: Style;
  readonly variant: number;
}

type Dye = (text: string) => string;

/** Lines without trailing spaces, joined by newlines. */
export function textPicture(picture: Picture, { width, colour = false }: TextOptions): string {
  const { groups, nodes } = picture;
  const nameColumns = Math.max(...groups.map(({ name }) => name.length));
  const kinds = groups[0]?.lanes.map(({ kind }) => kind) ?? [];
  const kindColumns = Math.max(...kinds.map((kind) => kind.length));
  const margin = ' '.repeat(nameColumns + 2 + kindColumns + 2);
  const columns = Math.max(10, width - margin.length);
  const { bold, dim } = createColors(colour);
  const dyes = dyesOf(colour);

  const lines = groups.flatMap(({ name, lanes }: Group) =>
    lanes.map((lane, row) => {
      const edge = lanes.length === 1 ? '│' : row === 0 ? '┌' : row === lanes.length - 1 ? '└' : '│';
      const title = bold((row === 0 ? name : '').padEnd(nameColumns));
      const cells = cellsOf(lane, { seconds: picture.seconds, columns });
      return `${title}  ${dim(lane.kind.padEnd(kindColumns))} ${dim(edge)}${dyed(cells, dyes)}`;
    }),
  );
  lines.push(...axis(picture.from, picture.seconds, columns).map((line) => margin + dim(line)));
  if (nodes > groups.length) lines.push(`… and ${nodes - groups.length} more of ${nodes} nodes, not shown`);
  lines.push('', ...legend(picture, columns, dyes).map((line) => margin + line));
  return lines.map((line) => line.trimEnd()).join('\n');
}

interface Scale {
  readonly seconds: number;
  readonly columns: number;
}

function cellsOf(lane: Lane, scale: Scale): Cell[] {
  const cells = Array.from({ length: scale.columns }, (): Cell => ({ text: ' ', variant: 0 }));
  const bodies = lane.boxes.filter(({ style }) => !MARKS.includes(style));
  const sample = new Map(bodies.map((box) => [box.key, box]));
  const row = busiest(
    bodies.map((box) => barOf(box, lane.kind, scale)),
    scale.columns,
  );
  let before: Box | undefined;
  for (const run of runs(row.map((cell) => cell?.what))) {
    const box = run.value === undefined ? undefined : sample.get(run.value);
    const isSamePeer = box?.numbers === 'peer' && before?.labels[0] === box.labels[0];
    before = box;
    if (box === undefined) continue;
    const glyph = glyphOf(box);
    const isSparse = (at: number) => lane.kind !== 'compute' && (row[at]?.share ?? 0) < 0.5;
    for (let at = run.start; at < run.start + run.length; at++) {
      write(cells, at, isSparse(at) ? SPARSE : glyph, box);
    }
    if (isSamePeer) continue;
    const { text, at } = labelIn(box, run.length, lane.kind);
    write(cells, run.start + at, text, box);
  }
  for (const mark of MARKS) {
    for (const box of lane.boxes) if (box.style === mark) writeMark(cells, box, scale);
  }
  return cells;
}

/**
 * Where a box lies on the scale of cells. Work begins and ends at whole cells, so that what waits is not hidden
 * by halves of cells on its left and right.
 */
function barOf({ start, end, key }: Box, kind: LaneKind, { seconds, columns }: Scale): Bar<string> {
  const from = (start / seconds) * columns;
  const to = (end / seconds) * columns;
  if (kind !== 'compute') return { from, to, what: key };
  const first = Math.min(Math.round(from), columns - 1);
  return { from: first, to: Math.max(Math.round(to), first + 1), what: key };
}

/** The longest label that fits into so many cells, and where: whole sentences in the middle, numbers in front. */
function labelIn({ style, labels }: Box, length: number, kind: LaneKind): { text: string; at: number } {
  if (style !== 'compute') {
    // A transfer must keep a cell that shows what it is; work on a microbatch may be all number.
    const room = kind === 'compute' ? length : length - 1;
    return { text: labels.find((label) => label.length <= room) ?? '', at: 0 };
  }
  const label = labels.find((one) => one.length + 4 <= length);
  const text = label === undefined ? '' : ` ${label} `;
  return { text, at: Math.floor((length - text.length) / 2) };
}

/** A mark that would cover another goes to its left, if there is room. */
function writeMark(cells: Cell[], box: Box, { seconds, columns }: Scale): void {
  const from = Math.min(Math.floor((box.start / seconds) * columns), columns - 1);
  const to = Math.max(Math.round((box.end / seconds) * columns), from + 1);
  const isMark = (cell: Cell | undefined) => cell?.style !== undefined && MARKS.includes(cell.style);
  const [left, covered] = [cells[from - 1], cells[from]];
  if (covered && isMark(covered) && left && !isMark(left)) cells[from - 1] = covered;
  for (let at = from; at < to; at++) write(cells, at, glyphOf(box), box);
}

function glyphOf({ style, variant }: Pick<Box, 'style' | 'variant'>): string {
  return GLYPHS[style][variant % 2 === 0 ? 0 : 1];
}

function write(cells: Cell[], at: number, text: string, { style, variant }: Box): void {
  for (const [i, character] of [...text].entries()) cells[at + i] = { text: character, style, variant };
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

/** Neighbours of one look share their escape codes. */
function dyed(cells: readonly Cell[], dyes: Dyes): string {
  return runs(cells.map(({ style, variant }) => (style === undefined ? '' : `${style} ${variant}`)))
    .map(({ start, length }) => {
      const text = cells.slice(start, start + length).map((cell) => cell.text);
      return dyes(cells[start])(text.join(''));
    })
    .join('');
}

/** What the glyphs and numbers mean, of those that occur, in lines of at most `columns`. */
function legend({ legend, numberings, groups }: Picture, columns: number, dyes: Dyes): string[] {
  const items = legend.map((entry) => ({
    columns: entry.meaning.length + 2,
    text: `${dyes(entry)(glyphOf(entry))} ${entry.meaning}`,
  }));
  for (const { of, samples } of numberings) {
    const labels = samples.slice(0, 3).map(({ label }) => label);
    items.push(plain(`${labels.join(' ')}${samples.length > 3 ? ' …' : ''} ${of}`));
  }
  const hasTransfers = groups.some(({ lanes }) =>
    lanes.some(({ kind, boxes }) => kind !== 'compute' && boxes.length > 0),
  );
  if (hasTransfers) items.push(plain(`${SPARSE} less than half busy`));
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

function plain(text: string): { columns: number; text: string } {
  return { columns: text.length, text };
}

type Dyes = (cell: { readonly style?: Style; readonly variant: number } | undefined) => Dye;

function dyesOf(colour: boolean): Dyes {
  const ink = createColors(colour);
  const byStyle: Readonly<Record<Style, readonly [Dye, Dye]>> = {
    compute: [ink.blue, ink.blue],
    forward: [ink.blue, ink.cyan],
    backward: [ink.green, ink.greenBright],
    'backward-input': [ink.green, ink.greenBright],
    'backward-weight': [ink.magenta, ink.magentaBright],
    wait: [ink.dim, ink.dim],
    compress: [ink.red, ink.red],
    aggregate: [ink.cyan, ink.cyan],
    outer: [ink.magenta, ink.magenta],
    sum: [ink.yellow, ink.yellow],
    copy: [ink.green, ink.green],
    activation: [ink.blue, ink.blue],
    'activation-gradient': [ink.green, ink.green],
    put: [ink.yellow, ink.yellow],
    get: [ink.cyan, ink.cyan],
  };
  const fragments: readonly Dye[] = [ink.green, ink.yellow, ink.cyan, ink.magenta, ink.red, ink.blue];
  const isSlice = (style: Style) => style === 'sum' || style === 'copy';
  return (cell) => {
    if (cell?.style === undefined) return (text) => text;
    const { style, variant } = cell;
    if (isSlice(style) && variant > 0) return fragments[variant % fragments.length] ?? ink.green;
    return byStyle[style][variant % 2 === 0 ? 0 : 1];
  };
}
