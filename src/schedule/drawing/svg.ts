/**
 * A picture as vector graphics, for documents. It has room where a terminal has none: a box is as long as what it
 * stands for, slices that overlap lie above each other, and the thin lanes of a pipeline show its messages.
 */
import { element, svgDocument, textWidth } from '../../svg.js';
import { ticks } from './axis.js';
import type { Box, Group, Lane, Picture, Style } from './picture.js';

export interface SvgOptions {
  /** In bold above the picture. */
  readonly title: string;
  /** After it. */
  readonly subtitle?: string;
  /** Pixels; default 960. */
  readonly width?: number;
}

/** Fills that dark letters can be read on, on light and on dark ground; odd variants have a shade of their own. */
const FILLS: Readonly<Record<Style, readonly [string, string]>> = {
  compute: ['#84abdc', '#84abdc'],
  forward: ['#93bdf0', '#5b8fd0'],
  backward: ['#9fd8aa', '#5cae6d'],
  'backward-input': ['#7fd0c6', '#48a79d'],
  'backward-weight': ['#ddbcea', '#ae82c4'],
  wait: ['none', 'none'],
  compress: ['#e8873c', '#e8873c'],
  aggregate: ['#6f8ff0', '#6f8ff0'],
  outer: ['#cf6fc3', '#cf6fc3'],
  sum: ['#f2c565', '#f2c565'],
  copy: ['#a3cf6f', '#a3cf6f'],
  activation: ['#93bdf0', '#93bdf0'],
  'activation-gradient': ['#9fd8aa', '#9fd8aa'],
  put: ['#f0aa64', '#f0aa64'],
  get: ['#86cbdc', '#86cbdc'],
};
/** Of slices of fragments, in turn; those to be summed are drawn paler. */
const FRAGMENT_FILLS = ['#a3cf6f', '#f2c565', '#7cc0ea', '#e79ab2', '#bda4e6', '#e6ac78'] as const;
const CSS = `
.on { fill: #14181d; text-anchor: middle; }
.small { font-size: 9px; }
.pale { fill-opacity: .55; }
.wait { stroke: #8c959f; stroke-width: 2; stroke-dasharray: 2 4; }`;

/** Bold letters are as wide as plain ones of this size. */
const BOLD_SIZE = 12.5;
const MARGIN = 12;
const HEADER = 34;
const COMPUTE_HEIGHT = 22;
const TRANSFER_HEIGHT = 14;
const THIN_HEIGHT = 8;
const GROUP_GAP = 8;
const LEGEND_LINE = 18;
/** Slices of one look that are no further apart than this are drawn as one, pixels. */
const TOUCHING = 0.75;

/** A standalone SVG document. */
export function svgPicture(picture: Picture, { title, subtitle = '', width = 960 }: SvgOptions): string {
  const { groups, nodes, from, seconds } = picture;
  const isPipeline = picture.numberings.some(({ of }) => of === 'microbatch');
  const heightOf = ({ kind }: Lane) =>
    kind === 'compute' ? COMPUTE_HEIGHT : isPipeline ? THIN_HEIGHT : TRANSFER_HEIGHT;
  const names = Math.max(...groups.map(({ name }) => textWidth(name, BOLD_SIZE)));
  const left = MARGIN + names + 8 + textWidth('compute', 9) + 8;
  const inner = width - left - MARGIN;
  const x = (time: number) => left + (time / seconds) * inner;

  const lanes: string[] = [];
  let y = HEADER;
  for (const group of groups) {
    lanes.push(...groupElements(group, { x, y, heightOf, nameX: MARGIN, kindX: left - 8 }));
    y += group.lanes.reduce((sum, lane) => sum + heightOf(lane) + 1, 0) + GROUP_GAP;
  }
  const bottom = y - GROUP_GAP + 2;
  const grid = ticks(from, seconds, (seconds * 90) / inner).flatMap(({ at, label }) => [
    element('path', { class: 'grid', d: `M${x(at - from).toFixed(2)} ${HEADER - 4}V${bottom + 4}` }),
    element('text', { class: 'faint', x: x(at - from), y: bottom + 16, 'text-anchor': 'middle' }, label),
  ]);
  const frame = element('path', {
    class: 'line',
    d: `M${left.toFixed(2)} ${bottom}H${(left + inner).toFixed(2)}`,
  });
  const hidden =
    nodes > groups.length
      ? [`… and ${nodes - groups.length} more of ${nodes} nodes, not shown`].map((words) =>
          element('text', { class: 'faint', x: MARGIN, y: bottom + 16 }, words),
        )
      : [];
  const legend = legendElements(picture, { left: MARGIN, right: width - MARGIN, top: bottom + 30 });
  const header = [
    element('text', { class: 'strong', x: MARGIN, y: 17, style: 'font-size: 13px' }, title),
    element('text', { class: 'faint', x: MARGIN + textWidth(title, 15) + 12, y: 17 }, subtitle),
  ];
  return svgDocument({
    width,
    height: legend.bottom + MARGIN / 2,
    title: subtitle === '' ? title : `${title}: ${subtitle}`,
    css: CSS,
    body: [...header, ...grid, ...lanes, frame, ...hidden, ...legend.elements],
  });
}

interface Place {
  readonly x: (time: number) => number;
  readonly y: number;
  readonly heightOf: (lane: Lane) => number;
  readonly nameX: number;
  readonly kindX: number;
}

function groupElements({ name, lanes }: Group, { x, y, heightOf, nameX, kindX }: Place): string[] {
  const elements = [element('text', { class: 'strong', x: nameX, y: y + 15 }, name)];
  let top = y;
  for (const lane of lanes) {
    const height = heightOf(lane);
    const style = height < 9 ? 'font-size: 8px' : undefined;
    const words = { class: 'faint small', x: kindX, y: top + height / 2 + 3, 'text-anchor': 'end', style };
    elements.push(element('text', words, lane.kind), ...laneElements(lane, { x, top, height }));
    top += height + 1;
  }
  return elements;
}

interface Strip {
  readonly x: (time: number) => number;
  readonly top: number;
  readonly height: number;
}

/** Boxes that overlap share the height of the lane. */
function laneElements({ boxes }: Lane, { x, top, height }: Strip): string[] {
  const { rows, count } = stacked(joined(boxes, x));
  return rows.flatMap(({ box, row }) => {
    const strip = { x, top: top + (row * height) / count, height: height / count };
    return boxElements(box, strip);
  });
}

function boxElements(box: Box, { x, top, height }: Strip): string[] {
  const [start, end] = [x(box.start), x(box.end)];
  if (box.style === 'wait') {
    return [
      element('path', { class: 'wait', d: `M${start.toFixed(2)} ${top + height / 2}H${end.toFixed(2)}` }),
    ];
  }
  const isMark = box.style === 'compress' || box.style === 'aggregate' || box.style === 'outer';
  const width = Math.max(end - start, isMark ? 3 : 0.5);
  // A hair's breadth between neighbours, where they are wide enough to spare it.
  const gap = width > 3 && !isMark ? 0.6 : 0;
  const rectangle = element('rect', {
    // A mark for an instant ends there, so that what begins then does not cover it.
    x: isMark ? end - width : start,
    y: top,
    width: width - gap,
    height: Math.max(height - 0.5, 1),
    fill: fillOf(box),
    class: isPale(box) ? 'pale' : undefined,
    rx: height >= 12 && width > 6 ? 1.5 : undefined,
  });
  const size = height >= 18 ? 11 : 9;
  const label = box.labels.find((one) => textWidth(one, size) + 2 <= width);
  if (label === undefined || height < 8) return [rectangle];
  const middle = { x: start + (width - gap) / 2, y: top + height / 2 + size * 0.36 };
  return [rectangle, element('text', { class: size === 9 ? 'on small' : 'on', ...middle }, label)];
}

function fillOf({ style, variant, numbers }: Pick<Box, 'style' | 'variant' | 'numbers'>): string {
  if (numbers === 'fragment') return FRAGMENT_FILLS[variant % FRAGMENT_FILLS.length] ?? FRAGMENT_FILLS[0];
  return FILLS[style][variant % 2 === 0 ? 0 : 1];
}

function isPale({ style, numbers }: Pick<Box, 'style' | 'numbers'>): boolean {
  return numbers === 'fragment' && style === 'sum';
}

/** Boxes with the same key that touch become one. */
function joined(boxes: readonly Box[], x: (time: number) => number): Box[] {
  const done: Box[] = [];
  const last = new Map<string, number>();
  for (const box of boxes) {
    const at = last.get(box.key);
    const before = at === undefined ? undefined : done[at];
    if (at !== undefined && before && x(box.start) - x(before.end) <= TOUCHING) {
      done[at] = { ...before, end: Math.max(before.end, box.end) };
    } else {
      last.set(box.key, done.length);
      done.push(box);
    }
  }
  return done;
}

/** The fewest rows in which no two boxes overlap, each box in the first row that is free. */
function stacked(boxes: readonly Box[]): { rows: { box: Box; row: number }[]; count: number } {
  const free: number[] = [];
  const rows = boxes.map((box) => {
    const found = free.findIndex((end) => end <= box.start + (box.end - box.start) * 1e-6);
    const row = found < 0 ? free.length : found;
    free[row] = box.end;
    return { box, row };
  });
  return { rows, count: Math.max(1, free.length) };
}

interface LegendPlace {
  readonly left: number;
  readonly right: number;
  readonly top: number;
}

/** Swatches with their words, in as many lines as it takes. */
function legendElements(
  { legend, numberings }: Picture,
  { left, right, top }: LegendPlace,
): { elements: string[]; bottom: number } {
  const elements: string[] = [];
  let [at, line] = [left, top];
  const place = (width: number): { x: number; y: number } => {
    if (at > left && at + width > right) [at, line] = [left, line + LEGEND_LINE];
    const x = at;
    at += width + 18;
    return { x, y: line };
  };
  const fragments = numberings.find(({ of }) => of === 'fragment');
  for (const { style, variant, meaning } of legend) {
    const { x, y } = place(18 + textWidth(meaning));
    const isSlice = fragments !== undefined && (style === 'sum' || style === 'copy');
    const look = { style, variant, ...(isSlice ? { numbers: 'fragment' as const } : {}) };
    elements.push(...swatch(look, x, y), element('text', { x: x + 18, y: y + 10 }, meaning));
  }
  for (const { of, samples } of numberings) {
    if (of === 'fragment') {
      for (const { label, variant } of samples) {
        const { x, y } = place(18 + textWidth(`${of} ${label}`));
        elements.push(
          ...swatch({ style: 'copy', variant, numbers: 'fragment' }, x, y),
          element('text', { x: x + 18, y: y + 10 }, `${of} ${label}`),
        );
      }
      continue;
    }
    const labels = samples.slice(0, 3).map(({ label }) => label);
    const words = `${labels.join(', ')}${samples.length > 3 ? ', …' : ''}: ${of}`;
    const { x, y } = place(textWidth(words));
    elements.push(element('text', { x, y: y + 10 }, words));
  }
  return { elements, bottom: line + LEGEND_LINE };
}

function swatch(look: Pick<Box, 'style' | 'variant' | 'numbers'>, x: number, y: number): string[] {
  if (look.style === 'wait') return [element('path', { class: 'wait', d: `M${x.toFixed(2)} ${y + 6}h13` })];
  return [
    element('rect', {
      x,
      y,
      width: 13,
      height: 12,
      fill: fillOf(look),
      class: isPale(look) ? 'pale' : undefined,
      rx: 1.5,
    }),
  ];
}
