/** What the pictures of the page have in common: an outline in the page's own style, scales, and words on axes. */
import { element, escapeXml, number } from '../../../svg.js';
import { secondsText } from '../../text.js';

export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** An SVG that stands in a page of HTML, whose style it takes. */
export function svg(width: number, height: number, title: string, body: readonly string[]): string {
  return (
    `<svg viewBox="0 0 ${number(width)} ${number(height)}" role="img" aria-label="${escapeXml(title)}">` +
    `${body.join('')}</svg>`
  );
}

export type Scale = (value: number) => number;

/** A value in `from` … `to` to a place on the picture. */
export function linear(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  const factor = to === from ? 0 : (end - start) / (to - from);
  return (value) => start + (value - from) * factor;
}

export function logarithmic([from, to]: readonly [number, number], range: readonly [number, number]): Scale {
  const scale = linear([Math.log(from), Math.log(to)], range);
  return (value) => scale(Math.log(value));
}

/** Round numbers in `from` … `to`: 1, 2 or 5 times a power of ten apart, at most about `most`. */
export function roundTicks(from: number, to: number, most: number): number[] {
  const least = (to - from) / Math.max(1, most);
  if (!(least > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= least * (1 - 1e-9)) ?? 10);
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => +((first + i) * step).toPrecision(12));
}

/** 1, 2 and 5 times powers of ten in `from` … `to`; fewer where they would be many. */
export function logTicks(from: number, to: number): number[] {
  const decades = Math.log10(to / from);
  const factors = decades > 3 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++) {
    for (const factor of factors) {
      const tick = +(factor * 10 ** power).toPrecision(6);
      if (tick >= from * (1 - 1e-9) && tick <= to * (1 + 1e-9)) ticks.push(tick);
    }
  }
  return ticks;
}

export function line(x1: number, y1: number, x2: number, y2: number, look: string): string {
  return element('line', { x1, y1, x2, y2, class: look });
}

export function words(
  x: number,
  y: number,
  text: string,
  look = '',
  anchor?: 'middle' | 'end',
  turn?: number,
): string {
  return element(
    'text',
    {
      x,
      y,
      class: look === '' ? undefined : look,
      'text-anchor': anchor,
      transform: turn === undefined ? undefined : `rotate(${turn} ${number(x)} ${number(y)})`,
    },
    text,
  );
}

/** A curve through points. */
export function curve(points: readonly (readonly [number, number])[]): string {
  const d = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${number(x)} ${number(y)}`).join('');
  return element('path', { d, class: 'curve' });
}

/** A frame with ticks at the bottom and on the left, grid lines across, and a title for each axis. */
export function axes(
  { left, right, top, bottom }: Frame,
  x: { scale: Scale; ticks: readonly number[]; text: (value: number) => string; title: string },
  y: { scale: Scale; ticks: readonly number[]; text: (value: number) => string; title: string },
): string[] {
  return [
    ...y.ticks.flatMap((tick) => [
      line(left, y.scale(tick), right, y.scale(tick), 'rule'),
      words(left - 6, y.scale(tick) + 4, y.text(tick), 'faint', 'end'),
    ]),
    ...x.ticks.flatMap((tick) => [
      line(x.scale(tick), bottom, x.scale(tick), bottom + 4, 'axis'),
      words(x.scale(tick), bottom + 17, x.text(tick), 'faint', 'middle'),
    ]),
    line(left, bottom, right, bottom, 'axis'),
    words((left + right) / 2, bottom + 34, x.title, 'faint', 'middle'),
    words(left - 6, top - 8, y.title, 'faint'),
  ];
}

/** At most so many characters, with an ellipsis in the middle: of addresses and names both ends tell. */
export function shortened(text: string, most: number): string {
  const characters = [...text];
  if (characters.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (most - 1 - head)).join('')}`;
}

/** A time on an axis; the origin needs no unit. */
export function timeText(seconds: number): string {
  return seconds === 0 ? '0' : secondsText(seconds);
}
