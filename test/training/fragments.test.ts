import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StreamingProtocol } from '../../src/scenario/schema.js';
import { fragmentRanges } from '../../src/training/fragments.js';
import { parameterCount, parameterLayout } from '../../src/training/model.js';

const shapeOf = (layers: number) => ({ layers, width: 4, heads: 2, context: 3 });

/** By fragment: the names of the layers in it, and of what else it has. */
function contents(layers: number, fragments: number, pattern: StreamingProtocol['pattern']): string[] {
  const layout = parameterLayout(shapeOf(layers));
  return fragmentRanges(shapeOf(layers), { fragments, pattern }).map((ranges) => {
    const inside = layout.filter(({ offset, length }) =>
      ranges.some((range) => offset >= range.offset && offset + length <= range.offset + range.length),
    );
    return [...new Set(inside.map(({ name }) => name.replace(/^layers\.(\d+)\..*$/, '$1')))].join(' ');
  });
}

describe('fragments', () => {
  it('take layers in turn, or as they lie; what is in no layer goes with its neighbour', () => {
    expect(contents(5, 2, 'strided')).toEqual(['embedding positions 0 2 4 norm', '1 3']);
    expect(contents(4, 2, 'strided')).toEqual(['embedding positions 0 2', '1 3 norm']);
    expect(contents(4, 2, 'sequential')).toEqual(['embedding positions 0 1', '2 3 norm']);
    expect(contents(3, 3, 'sequential')).toEqual(['embedding positions 0', '1', '2 norm']);
    expect(contents(2, 1, 'strided')).toEqual(['embedding positions 0 1 norm']);
  });

  it('share out all parameters, in ranges that could not be fewer', () => {
    const models = fc
      .integer({ min: 1, max: 12 })
      .chain((layers) => fc.tuple(fc.constant(layers), fc.integer({ min: 1, max: layers })));
    fc.assert(
      fc.property(
        models,
        fc.constantFrom('strided' as const, 'sequential' as const),
        ([layers, fragments], pattern) => {
          const shape = shapeOf(layers);
          const ranges = fragmentRanges(shape, { fragments, pattern });
          expect(ranges).toHaveLength(fragments);
          for (const own of ranges) {
            expect(own.length).toBeGreaterThan(0);
            own.slice(1).forEach(({ offset }, i) => {
              expect(offset).toBeGreaterThan(own[i]!.offset + own[i]!.length);
            });
          }
          const inOrder = ranges.flat().sort((a, b) => a.offset - b.offset);
          let next = 0;
          for (const { offset, length } of inOrder) {
            expect(offset).toBe(next);
            next += length;
          }
          expect(next).toBe(parameterCount(shape));
        },
      ),
    );
  });

  it('are of at least a layer each', () => {
    expect(() => fragmentRanges(shapeOf(2), { fragments: 3, pattern: 'strided' })).toThrow(
      '3 fragments of a model of 2 layers',
    );
  });
});
