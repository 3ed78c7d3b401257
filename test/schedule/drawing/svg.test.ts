import { DOMParser, type Document, type Element } from '@xmldom/xmldom';
import { describe, expect, it } from 'vitest';
import { pictureOf, svgPicture } from '../../../src/schedule/drawing/index.js';
import type { TimedOperation } from '../../../src/schedule/timed.js';
import { dataParallel, fragments, names, objectStore, pipeline } from './rounds.js';

/** Throws where it is not well formed. */
function parsed(svg: string): Document {
  return new DOMParser({
    onError: (level, message) => {
      throw new Error(`${level}: ${message}`);
    },
  }).parseFromString(svg, 'image/svg+xml');
}

function svgOf(
  timed: readonly TimedOperation[],
  title = 'a round',
  nodes: readonly string[] = names,
): string {
  const picture = pictureOf(timed, { names: nodes, transfers: true });
  return picture === undefined ? '' : svgPicture(picture, { title });
}

const elements = (document: Document, name: string): Element[] => [...document.getElementsByTagName(name)];
const words = (document: Document): string[] =>
  elements(document, 'text').map((text) => text.textContent ?? '');
const attribute = (element: Element, name: string): number => Number(element.getAttribute(name));

const rounds: [string, () => TimedOperation[]][] = [
  ['diloco', () => dataParallel(4, 'diloco')],
  ['ddp', () => dataParallel(6, 'ddp')],
  ['fragments', fragments],
  ['an object store', objectStore],
  ['1f1b', () => pipeline('1f1b', 4, 8)],
  ['interleaved', () => pipeline('interleaved', 4, 8, 2)],
  ['zb-h1', () => pipeline('zb-h1', 4, 8)],
];

describe('a picture as SVG', () => {
  it.each(rounds)('of %s is well formed, the same each time, and all within its frame', (_, timed) => {
    const svg = svgOf(timed());
    expect(svgOf(timed())).toBe(svg);
    const document = parsed(svg);
    const [root] = elements(document, 'svg');
    if (!root) throw new Error('no svg');
    const [width, height] = [attribute(root, 'width'), attribute(root, 'height')];
    expect(root.getAttribute('viewBox')).toBe(`0 0 ${width} ${height}`);
    expect(svg).not.toMatch(/NaN|undefined|Infinity|url\(|href/);
    for (const box of elements(document, 'rect')) {
      expect(attribute(box, 'x')).toBeGreaterThanOrEqual(0);
      expect(attribute(box, 'x') + attribute(box, 'width')).toBeLessThanOrEqual(width);
      expect(attribute(box, 'y') + attribute(box, 'height')).toBeLessThanOrEqual(height);
      expect(attribute(box, 'width')).toBeGreaterThan(0);
    }
  });

  it('has a box with its number for each pass of a pipeline', () => {
    const document = parsed(svgOf(pipeline('zb-h1', 3, 4)));
    const numbers = elements(document, 'text').filter((text) => text.getAttribute('class') === 'on');
    const count = (label: string) => numbers.filter(({ textContent }) => textContent === label).length;
    expect(['0', '1', '2', '3', '4'].map(count)).toEqual([9, 9, 9, 9, 0]);
    expect(words(document)).toEqual(
      expect.arrayContaining(['forward', 'backward, by input', 'backward, by weight']),
    );
  });

  it('has a legend of what occurs, and of that only', () => {
    expect(words(parsed(svgOf(fragments())))).toEqual(expect.arrayContaining(['fragment A', 'fragment C']));
    expect(words(parsed(svgOf(dataParallel(3, 'ddp'))))).toContain('0, 1, 2: chunk');
    expect(words(parsed(svgOf(dataParallel(3, 'ddp'))))).not.toContain('forward');
    expect(words(parsed(svgOf(objectStore())))).toEqual(
      expect.arrayContaining(['put', 'get', '0, 1: owner', 'wait']),
    );
  });

  it('draws boxes of one lane above each other where they overlap', () => {
    const twice = objectStore().flatMap((played): TimedOperation[] => {
      const { operation } = played;
      if (operation.kind !== 'get') return [];
      return [played, { ...played, operation: { ...operation, id: 7, stream: 'get:5', owner: 5 } }];
    });
    const boxes = elements(parsed(svgOf(twice)), 'rect').filter((box) => attribute(box, 'width') > 13);
    expect(boxes).toHaveLength(4);
    for (const [upper, lower] of [boxes.slice(0, 2), boxes.slice(2)]) {
      if (!upper || !lower) throw new Error('no pair');
      expect(attribute(lower, 'x')).toBe(attribute(upper, 'x'));
      expect(attribute(lower, 'y')).toBeGreaterThanOrEqual(
        attribute(upper, 'y') + attribute(upper, 'height'),
      );
    }
  });

  it('escapes whatever it is given', () => {
    const hostile = `</text><script>alert("1")</script> & 'x' \u0001\u{1f600}`;
    const document = parsed(svgOf(dataParallel(2, 'ddp'), hostile, [hostile, hostile]));
    expect(elements(document, 'script')).toEqual([]);
    expect(words(document)).toContain(hostile.replace('\u0001', ' '));
    expect(elements(document, 'title')[0]?.textContent).toContain('<script>');
  });
});
