/**
 * Who sent how much to whom: rows send, columns receive. The colour is by the logarithm of the bytes, from pale to dark,
 * and each cell has its number, so that it reads in grey, too.
 */
import { element } from '../../../svg.js';
import { bytesText } from '../../text.js';
import type { Inspection } from '../gather.js';
import { shortened, svg, words } from './plot.js';

/** Hosts in the matrix, those with the most bytes. */
export const MAX_HOSTS = 24;
const LEFT = 158;
const WIDTH = 1040;
const CELL_HEIGHT = 24;
const PALE = [222, 235, 247] as const;
const DARK = [8, 48, 107] as const;

export function matrix({ report, series, names }: Inspection): { svg: string; notes: string[] } | undefined {
  const hosts = series.hosts.slice(0, MAX_HOSTS).map(({ address }) => address);
  const place = new Map(hosts.map((address, index) => [address, index]));
  const bytes = hosts.map(() => new Float64Array(hosts.length));
  for (const { source, destination, forward, backward } of report.flows) {
    const from = place.get(source.address);
    const to = place.get(destination.address);
    if (from === undefined || to === undefined) continue;
    bytes[from]![to]! += forward.bytes;
    bytes[to]![from]! += backward.bytes;
  }
  const all = bytes.flatMap((row) => [...row]).filter((value) => value > 0);
  if (all.length === 0) return undefined;
  const most = Math.log(Math.max(...all));
  // Three powers of ten at least, so that what is about equal looks so.
  const least = Math.min(Math.log(Math.min(...all)), most - Math.log(1000));
  // The last of the slanting names needs room on the right.
  const width = Math.min(84, (WIDTH - LEFT - (hosts.length > 12 ? 56 : 10)) / hosts.length);
  const isNarrow = width < 56;
  const top = isNarrow ? 96 : 34;
  const textOf = (address: string, length: number): string =>
    shortened(names.get(address) ?? address, length);
  const body = [
    words(LEFT - 8, top - 10, 'from ↓   to →', 'faint', 'end'),
    ...hosts.flatMap((address, index) => {
      const middle = LEFT + (index + 0.5) * width;
      return [
        words(LEFT - 8, top + index * CELL_HEIGHT + 16, textOf(address, 20), '', 'end'),
        isNarrow
          ? words(middle + 3, top - 8, textOf(address, 15), 'small', undefined, -55)
          : words(middle, top - 10, textOf(address, Math.floor(width / 6.6)), 'small', 'middle'),
      ];
    }),
    ...bytes.flatMap((row, from) =>
      [...row].flatMap((value, to) =>
        cell(
          LEFT + to * width,
          top + from * CELL_HEIGHT,
          width,
          value,
          (Math.log(value) - least) / (most - least || 1),
        ),
      ),
    ),
  ];
  const hidden = series.hosts.length - hosts.length;
  return {
    svg: svg(WIDTH, top + hosts.length * CELL_HEIGHT + 8, 'bytes from each host to each other', body),
    notes: [
      'Bytes from the host on the left to the host on top; the colour is by their logarithm, empty is none.',
      ...(hidden > 0
        ? [`The ${hosts.length} hosts with the most bytes are shown; ${hidden} more are not.`]
        : []),
    ],
  };
}

function cell(x: number, y: number, width: number, bytes: number, share: number): string[] {
  const box = { x: x + 0.5, y: y + 0.5, width: width - 1, height: CELL_HEIGHT - 1 };
  if (bytes === 0) return [element('rect', { ...box, class: 'rule' })];
  const colour = PALE.map((pale, index) => Math.round(pale + (DARK[index]! - pale) * share)).join(',');
  const text = width < 52 ? bytesText(bytes).replace(/ ?B$/, '').replace(' ', '') : bytesText(bytes);
  return [
    element('rect', { ...box, style: `fill:rgb(${colour})` }),
    element(
      'text',
      {
        x: x + width / 2,
        y: y + 16,
        'text-anchor': 'middle',
        class: 'small',
        style: `fill:${share > 0.45 ? '#fff' : '#000'}`,
      },
      text,
    ),
  ];
}
