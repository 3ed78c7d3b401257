/** The cut of a model into stages. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parameterCount, parameterLayout } from '../../src/training/model.js';
import { embeddingRange, stageLayers, stageLinks, stageRanges } from '../../src/training/stage-layout.js';

const shapes = fc
  .record({ layers: fc.integer({ min: 1, max: 9 }), width: fc.integer({ min: 1, max: 8 }) })
  .map((sizes) => ({ ...sizes, heads: 1, context: 3 }));
const cuts = shapes.chain((shape) =>
  fc.record({ shape: fc.constant(shape), stages: fc.integer({ min: 1, max: shape.layers }) }),
);
const allOf = (stages: number) => Array.from({ length: stages }, (_, stage) => ({ stage, stages }));

describe('stageRanges', () => {
  it('covers every parameter once, and the embedding once more if there are several stages', () => {
    fc.assert(
      fc.property(cuts, ({ shape, stages }) => {
        const holders = new Uint8Array(parameterCount(shape));
        for (const place of allOf(stages))
          for (const { offset, length } of stageRanges(shape, place))
            for (let i = offset; i < offset + length; i++) holders[i]!++;
        const { offset, length } = embeddingRange(shape);
        holders.forEach((count, i) => {
          const shared = stages > 1 && i >= offset && i < offset + length;
          if (count !== (shared ? 2 : 1)) throw new Error(`element ${i} is held ${count} times`);
        });
      }),
    );
  });

  it('gives as few ranges as there can be: one, or two for the last stage', () => {
    fc.assert(
      fc.property(cuts, ({ shape, stages }) => {
        const counts = allOf(stages).map((place) => stageRanges(shape, place).length);
        expect(counts).toEqual(allOf(stages).map(({ stage }) => (stage > 0 && stage === stages - 1 ? 2 : 1)));
      }),
    );
  });
});

describe('stageLayers', () => {
  it('deals out consecutive layers, longer stages first', () => {
    const layers = (total: number, stages: number) =>
      allOf(stages).map((place) => stageLayers({ layers: total }, place));
    expect(layers(8, 3)).toEqual([
      { from: 0, to: 3 },
      { from: 3, to: 6 },
      { from: 6, to: 8 },
    ]);
    expect(layers(2, 1)).toEqual([{ from: 0, to: 2 }]);
  });

  it('refuses more stages than layers, and a stage that is not there', () => {
    expect(() => stageLayers({ layers: 3 }, { stage: 0, stages: 4 })).toThrow(/4, of a model of 3 layers/);
    expect(() => stageLayers({ layers: 3 }, { stage: 3, stages: 3 })).toThrow(RangeError);
  });
});

describe('stageLinks', () => {
  it('begins with the embedding and ends with the head, and names all blocks’ tensors alike', () => {
    const shape = { layers: 3, width: 2, heads: 1, context: 3 };
    const [first, second] = allOf(2).map((place) => stageLinks(shape, place));
    expect(first?.map(({ kind }) => kind)).toEqual(['embedding', 'block', 'block']);
    expect(second?.map(({ kind }) => kind)).toEqual(['block', 'head']);
    expect(stageLinks(shape, { stage: 0, stages: 1 })).toHaveLength(5);
    const third = second?.[0]?.tensors;
    expect(third?.map(({ name }) => name)).toEqual(first?.[1]?.tensors.map(({ name }) => name));
    const layout = parameterLayout(shape);
    for (const { name, offset } of third ?? [])
      expect(layout.find((tensor) => tensor.offset === offset)?.name).toBe(`layers.2.${name}`);
  });
});
