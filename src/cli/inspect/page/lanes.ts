/**
 * The mesh on one axis of time: a lane for each host, what it sent above its line and what it received below, all at one
 * scale. Bursts of the mesh are shaded through all lanes; above them a triangle marks each start, and a stroke where it
 * would be if the beat were perfect.
 *
 * A long capture has more bins than a picture has columns: a column is then the mean over its bins, and says so.
 */
import { element, number } from '../../../svg.js';
import type { Host } from '../../../traffic/hosts.js';
import { gridOver, onGrid } from '../../../traffic/grid.js';
import { median } from '../../../traffic/statistics.js';
import { rateText, secondsText } from '../../text.js';
import type { Inspection } from '../gather.js';
import { line, linear, roundTicks, shortened, svg, timeText, words } from './plot.js';

const WIDTH = 1040;
const LEFT = 158;
const RIGHT = 1028;
const TOP = 40;
/** Hosts with a lane, those with the most bytes. */
export const MAX_LANES = 48;
const MAX_BURSTS = 400;

/** The picture and what is to be said below it; undefined when there is no IP traffic. */
export function lanes({ report, series, names }: Inspection): { svg: string; notes: string[] } | undefined {
  const hosts = series.hosts.slice(0, MAX_LANES);
  const columns = hosts.length <= 12 ? RIGHT - LEFT : (RIGHT - LEFT) / 2;
  const all = hosts.flatMap(({ egress, ingress }) => [egress, ingress]);
  const grid = gridOver(all, series.pool, Math.floor(columns));
  if (grid === undefined) return undefined;
  const from = grid.startSeconds;
  const to = from + grid.length * grid.binSeconds;
  const x = linear([from, to], [LEFT, RIGHT]);
  const rates = hosts.map((host) => ({
    up: onGrid([host.egress], series.pool, grid),
    down: onGrid([host.ingress], series.pool, grid),
  }));
  const peak = rates.reduce((most, { up, down }) => Math.max(most, maximum(up), maximum(down)), 0);
  const height = hosts.length <= 4 ? 88 : hosts.length <= 10 ? 62 : hosts.length <= 20 ? 44 : 30;
  const bottom = TOP + hosts.length * height;
  const { bursts, heartbeat } = report.heartbeat;
  const shown = bursts.slice(0, MAX_BURSTS);
  const body = [
    downPattern(),
    ...shown.map(({ startSeconds, endSeconds }) =>
      element('rect', {
        x: x(startSeconds),
        y: TOP,
        width: Math.max(1, x(endSeconds) - x(startSeconds)),
        height: bottom - TOP,
        class: 'burst',
      }),
    ),
    ...shown.map(({ startSeconds }) => triangle(x(startSeconds), TOP - 3)),
    ...perfectBeats(shown, heartbeat?.periodSeconds, from, to).map((at) =>
      line(x(at), TOP - 22, x(at), TOP - 13, 'beat'),
    ),
    ...(shown.length === 0 ? [] : [words(LEFT - 8, TOP - 2, '▼ a burst starts', 'faint small', 'end')]),
    ...(heartbeat === null
      ? []
      : [words(LEFT - 8, TOP - 15, `| every ${secondsText(heartbeat.periodSeconds)}`, 'faint small', 'end')]),
    ...hosts.flatMap((host, index) => {
      const middle = TOP + (index + 0.5) * height;
      const half = height / 2 - 2;
      const { up, down } = rates[index]!;
      return [
        element('path', { d: steps(up, x, grid, middle, -half / peak), class: 'up' }),
        element('path', { d: steps(down, x, grid, middle, half / peak), class: 'down' }),
        line(LEFT, middle, RIGHT, middle, 'axis'),
        ...label(host, names.get(host.address), middle, height),
      ];
    }),
    ...roundTicks(from, to, 9).flatMap((tick) => [
      line(x(tick), TOP, x(tick), bottom + 4, 'rule'),
      words(x(tick), bottom + 18, timeText(tick), 'faint', tick > to - (to - from) / 40 ? 'end' : 'middle'),
    ]),
    words((LEFT + RIGHT) / 2, bottom + 34, 'time since the first packet', 'faint', 'middle'),
  ];
  const hidden = series.hosts.length - hosts.length;
  const notes = [
    `Sent is above each line (solid), received below (hatched). Half a lane is ${rateText((8 * peak) / grid.binSeconds)}; a column is ${secondsText(grid.binSeconds)}.`,
    ...(hidden > 0
      ? [`The ${hosts.length} hosts with the most bytes are shown; ${hidden} more are not.`]
      : []),
    ...(bursts.length > MAX_BURSTS ? [`The first ${MAX_BURSTS} of ${bursts.length} bursts are shaded.`] : []),
  ];
  return { svg: svg(WIDTH, bottom + 42, 'bytes over time, a lane for each host', body), notes };
}

function label(host: Host, name: string | undefined, middle: number, height: number): string[] {
  if (name === undefined || height < 40) {
    return [words(LEFT - 8, middle + 4, shortened(name ?? host.address, 20), 'strong', 'end')];
  }
  return [
    words(LEFT - 8, middle - 2, shortened(name, 18), 'strong', 'end'),
    words(LEFT - 8, middle + 13, shortened(host.address, 22), 'faint small', 'end'),
  ];
}

/** The outline of a row of columns that stand on `base`; runs of nothing are left out. */
function steps(
  values: Float64Array,
  x: (seconds: number) => number,
  { startSeconds, binSeconds }: { readonly startSeconds: number; readonly binSeconds: number },
  base: number,
  factor: number,
): string {
  let d = '';
  let last = 0;
  for (let bin = 0; bin <= values.length; bin++) {
    // A quarter of a pixel is nothing, but any traffic at all is drawn as that.
    const value = values[bin] ?? 0;
    const size = value === 0 ? 0 : Math.max(0.4, Math.abs(value * factor));
    const y = Math.round(4 * size) / 4 || (value > 0 ? 0.4 : 0);
    if (y === last) continue;
    const at = number(x(startSeconds + bin * binSeconds));
    const place = number(base + Math.sign(factor) * y);
    if (last === 0) d += `M${at} ${number(base)}V${place}`;
    else d += `H${at}V${place}`;
    if (y === 0) d += 'Z';
    last = y;
  }
  return d;
}

/** Where bursts would start if all intervals were the period: laid so that half of the real ones are late. */
export function perfectBeats(
  bursts: readonly { readonly startSeconds: number }[],
  period: number | undefined,
  from: number,
  to: number,
): number[] {
  const first = bursts[0]?.startSeconds;
  if (period === undefined || first === undefined || (to - from) / period > MAX_BURSTS) return [];
  const phase = median(
    bursts.map(({ startSeconds }) => startSeconds - Math.round((startSeconds - first) / period) * period),
  );
  const last = Math.round((bursts.at(-1)!.startSeconds - phase) / period);
  return Array.from({ length: last + 1 }, (_, beat) => phase + beat * period).filter(
    (at) => at >= from && at <= to,
  );
}

function triangle(x: number, y: number): string {
  const at = [x, x - 4, x + 4].map(number);
  return element('path', { d: `M${at[0]} ${number(y)}L${at[1]} ${number(y - 8)}H${at[2]}Z`, class: 'mark' });
}

function downPattern(): string {
  return (
    '<defs><pattern id="down" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">' +
    '<rect width="4" height="4" class="down-ground"/><path d="M1 0V4" class="down-ink" stroke-width="2"/></pattern></defs>'
  );
}

function maximum(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
