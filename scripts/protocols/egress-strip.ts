/**
 * A capture as a seismograph would write it: what each node sends over time, one strip above the other, all to the
 * same scale. Behind them, shaded, the bursts that were found.
 */
import { element, number, svgDocument, textWidth } from '../../src/svg.js';
import { rateText } from '../../src/cli/text.js';
import { ticks } from '../../src/schedule/drawing/axis.js';
import type { HostReport, TrafficReport } from '../../src/traffic/index.js';

const WIDTH = 960;
const MARGIN = 12;
const HEADER = 32;
const STRIP = 30;
const GAP = 5;
const CSS = `
.egress { fill: #4f83c4; }
.burst { fill: #f2c565; fill-opacity: .28; }
@media (prefers-color-scheme: dark) { .egress { fill: #84abdc; } .burst { fill-opacity: .2; } }`;

type Shown = Pick<TrafficReport, 'hosts' | 'durationSeconds' | 'heartbeat'>;

/** A standalone SVG; hosts without a name in the capture are no part of the mesh and left out. */
export function egressStrip(title: string, { hosts, durationSeconds, heartbeat }: Shown): string {
  const nodes = hosts.filter(({ name }) => name !== null).sort((a, b) => inOrder(a.address, b.address));
  const most = Math.max(1, ...nodes.flatMap(({ egressRates }) => egressRates));
  const left = MARGIN + Math.max(0, ...nodes.map(({ name }) => textWidth(name ?? '', 12.5))) + 10;
  const inner = WIDTH - left - MARGIN;
  const x = (seconds: number) => left + (seconds / Math.max(durationSeconds, 1e-9)) * inner;
  const bottom = HEADER + nodes.length * (STRIP + GAP);
  const body = [
    element('text', { class: 'strong', x: MARGIN, y: 17, style: 'font-size: 13px' }, title),
    element(
      'text',
      { class: 'faint', x: WIDTH - MARGIN, y: 17, 'text-anchor': 'end' },
      `full height: ${rateText(most)}; shaded: bursts`,
    ),
    ...heartbeat.bursts.map(({ startSeconds, endSeconds }) =>
      element('rect', {
        class: 'burst',
        x: x(startSeconds),
        y: HEADER - 4,
        width: Math.max(x(endSeconds) - x(startSeconds), 0.5),
        height: bottom - HEADER + 4,
      }),
    ),
    ...ticks(0, durationSeconds, (durationSeconds * 90) / inner).flatMap(({ at, label }) => [
      element('path', { class: 'grid', d: `M${number(x(at))} ${HEADER - 4}V${bottom + 4}` }),
      element('text', { class: 'faint', x: x(at), y: bottom + 16, 'text-anchor': 'middle' }, label),
    ]),
    ...nodes.flatMap(({ name, egressRates }, index) => {
      const base = HEADER + index * (STRIP + GAP) + STRIP;
      const step = inner / egressRates.length;
      const heights = egressRates.map((rate) => (rate / most) * STRIP);
      return [
        element('text', { class: 'strong', x: MARGIN, y: base - 4 }, name ?? ''),
        element('path', { class: 'egress', d: stairs(heights, left, base, step) }),
        element('path', { class: 'line', d: `M${number(left)} ${base}h${number(inner)}` }),
      ];
    }),
  ];
  return svgDocument({ width: WIDTH, height: bottom + 24, title, css: CSS, body });
}

/** The outline of a row of columns that stand on a line; equal neighbours are one column. */
function stairs(heights: readonly number[], left: number, base: number, step: number): string {
  let path = `M${number(left)} ${number(base)}`;
  let before = '';
  heights.forEach((height, index) => {
    const y = (base - height).toFixed(1);
    if (y === before) return;
    path += `H${number(left + index * step)}V${y}`;
    before = y;
  });
  return `${path}H${number(left + heights.length * step)}V${number(base)}Z`;
}

/** Addresses by their numbers, which follow the ranks. */
function inOrder(a: HostReport['address'], b: HostReport['address']): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
