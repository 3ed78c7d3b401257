/**
 * Time onto character cells: what fills a cell, and the axis below. A cell goes to whatever fills most of it,
 * so a bar shorter than a cell still shows, unless a longer one shares its cell.
 */

import { ticks } from './axis.js';

/** A stretch on the scale of cells: 0 is the left edge of the first cell, 1 its right edge. */
export interface Bar<T> {
  readonly from: number;
  readonly to: number;
  readonly what: T;
}

export interface Filled<T> {
  /** What fills most of the cell. */
  readonly what: T;
  /** How much of the cell is filled by anything, 0 … 1. */
  readonly share: number;
}

/** One entry per cell; undefined where nothing is. */
export function busiest<T>(bars: readonly Bar<T>[], columns: number): (Filled<T> | undefined)[] {
  const shares = Array.from({ length: columns }, () => new Map<T, number>());
  for (const { from, to, what } of bars) {
    const last = Math.min(Math.ceil(to), columns);
    for (let cell = Math.max(Math.floor(from), 0); cell < last; cell++) {
      const share = Math.min(to, cell + 1) - Math.max(from, cell);
      const inCell = shares[cell];
      if (share > 0) inCell?.set(what, (inCell.get(what) ?? 0) + share);
    }
  }
  return shares.map((inCell) => {
    let [most, total]: [T | undefined, number] = [undefined, 0];
    for (const [what, share] of inCell) {
      if (most === undefined || share > (inCell.get(most) ?? 0)) most = what;
      total += share;
    }
    return most === undefined ? undefined : { what: most, share: Math.min(total, 1) };
  });
}

/** Cells from one tick of the axis to the next, at least. */
const TICK_CELLS = 10;

/**
 * Two lines, ticks and their labels, for an axis that begins at `from` and covers `seconds` in `columns` cells.
 * Ticks whose label does not fit have none.
 */
export function axis(from: number, seconds: number, columns: number): [ticks: string, labels: string] {
  const line = Array.from({ length: columns }, () => '─');
  let labels = '';
  for (const { at, label } of ticks(from, seconds, (seconds * TICK_CELLS) / columns)) {
    const cell = Math.min(Math.floor(((at - from) / seconds) * columns + 1e-9), columns - 1);
    line[cell] = '┴';
    if (cell + label.length <= columns) labels = labels.padEnd(cell) + label;
  }
  return [line.join(''), labels];
}
