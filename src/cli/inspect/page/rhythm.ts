/** Three pictures of the rhythm: autocorrelation, periodogram, and the sizes of bursts. */
import { element } from '../../../svg.js';
import type { Spectrum } from '../../../traffic/beats/spectrum.js';
import type { Burst } from '../../../traffic/index.js';
import { bytesText, secondsText } from '../../text.js';
import {
  axes,
  curve,
  line,
  linear,
  logarithmic,
  logTicks,
  roundTicks,
  svg,
  timeText,
  words,
} from './plot.js';

const WIDTH = 508;
const HEIGHT = 262;
const FRAME = { left: 52, right: 484, top: 26, bottom: 218 };
/** Points of a curve. */
const MAX_POINTS = 900;

/** Undefined where there is too little time to correlate. */
export function autocorrelationPicture(spectrum: Spectrum, period: number | undefined): string | undefined {
  const { values, binSeconds, line: level } = spectrum.autocorrelation;
  if (values.length < 8) return undefined;
  const { left, right, top, bottom } = FRAME;
  const longest = Math.max(1, values.length - 1) * binSeconds;
  const x = linear([0, longest], [left, right]);
  const lowest = Math.min(-0.2, Math.floor(5 * values.reduce((least, r) => Math.min(least, r), 0)) / 5);
  const y = linear([lowest, 1], [bottom, top]);
  const factor = Math.ceil(values.length / MAX_POINTS);
  const points = [...values]
    .map((r, lag): [number, number] => [x(lag * binSeconds), y(r)])
    .filter((_, lag) => lag % factor === 0);
  const self = Math.min(spectrum.leastLagSeconds, longest);
  const body = [
    ...(self > 0
      ? [element('rect', { x: left, y: top, width: x(self) - left, height: bottom - top, class: 'self' })]
      : []),
    ...axes(
      FRAME,
      { scale: x, ticks: roundTicks(0, longest, 6), text: timeText, title: 'lag' },
      { scale: y, ticks: roundTicks(lowest, 1, 6), text: (r) => r.toFixed(1), title: 'r' },
    ),
    line(left, y(0), right, y(0), 'axis'),
    ...periodMark(period, x, longest),
    curve(points),
    ...levelMark(level, y, '5 % by chance'),
  ];
  return svg(WIDTH, HEIGHT, 'autocorrelation of the bytes that the mesh sent', body);
}

export function periodogramPicture(spectrum: Spectrum, period: number | undefined): string | undefined {
  const { frequencies, power, line: level } = spectrum.periodogram;
  const { left, right, top, bottom } = FRAME;
  if (frequencies.length < 2) return undefined;
  const shortest = 1 / frequencies.at(-1)!;
  const longest = 1 / frequencies[0]!;
  const x = logarithmic([shortest, longest], [left, right]);
  const most = Math.max(1, level ?? 0, ...power) * 1.08;
  const y = linear([0, most], [bottom, top]);
  const ticks = logTicks(shortest, longest);
  const body = [
    ...axes(
      FRAME,
      { scale: x, ticks: ticks.length > 1 ? ticks : [shortest, longest], text: secondsText, title: 'period' },
      { scale: y, ticks: roundTicks(0, most, 5), text: String, title: 'power R' },
    ),
    ...(period !== undefined && period >= shortest ? periodMark(period, x, longest) : []),
    curve(
      [...power].map((value, index): [number, number] => [x(1 / frequencies[index]!), y(value)]).reverse(),
    ),
    ...levelMark(level, y, '5 % by chance'),
  ];
  return svg(WIDTH, HEIGHT, 'periodogram of the starts of bursts', body);
}

/** How many bursts of the mesh have how many bytes; undefined without bursts. */
export function sizesPicture(bursts: readonly Burst[]): string | undefined {
  if (bursts.length === 0) return undefined;
  const { left, right, top, bottom } = FRAME;
  const largest = bursts.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  const ticks = roundTicks(0, largest * 1.08, 5);
  const step = ticks[1]! / 4;
  const bins = Math.ceil((largest * 1.0001) / step);
  const counts = new Array<number>(bins).fill(0);
  for (const { bytes } of bursts) counts[Math.min(bins - 1, Math.floor(bytes / step))]! += 1;
  const x = linear([0, bins * step], [left, right]);
  const most = Math.max(...counts);
  const y = linear([0, most * 1.12], [bottom, top]);
  const body = [
    ...axes(
      FRAME,
      {
        scale: x,
        ticks: ticks.filter((tick) => tick <= bins * step),
        text: (bytes) => (bytes === 0 ? '0' : bytesText(bytes)),
        title: 'bytes of a burst, all nodes together',
      },
      { scale: y, ticks: roundTicks(0, most, 5).filter(Number.isInteger), text: String, title: 'bursts' },
    ),
    ...counts.flatMap((count, bin) =>
      count === 0
        ? []
        : [
            element('rect', {
              x: x(bin * step) + 1,
              y: y(count),
              width: x((bin + 1) * step) - x(bin * step) - 2,
              height: bottom - y(count),
              class: 'up',
            }),
            words((x(bin * step) + x((bin + 1) * step)) / 2, y(count) - 4, String(count), 'small', 'middle'),
          ],
    ),
  ];
  return svg(WIDTH, HEIGHT, 'sizes of bursts', body);
}

function periodMark(period: number | undefined, x: (value: number) => number, most: number): string[] {
  if (period === undefined || period > most) return [];
  const at = x(period);
  const isRight = at > 400;
  return [
    line(at, FRAME.top, at, FRAME.bottom, 'period'),
    words(at + (isRight ? -5 : 5), FRAME.top + 2, secondsText(period), 'strong', isRight ? 'end' : undefined),
  ];
}

function levelMark(level: number | null, y: (value: number) => number, text: string): string[] {
  if (level === null) return [];
  return [
    line(FRAME.left, y(level), FRAME.right, y(level), 'level'),
    words(FRAME.right, y(level) - 5, text, 'level-text', 'end'),
  ];
}
