/** A part of every kind of operation goes to a node and comes out as it went in. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Encoding } from '../../src/compression/index.js';
import type { Operation, Part, Update } from '../../src/schedule/operation.js';
import { packPart, unpackPart } from '../../src/transport/wire-operation.js';

const ranges = [
  { offset: 0, length: 3 },
  { offset: 70_000, length: 2 ** 31 },
];
const encodings: Encoding[] = [
  { kind: 'float32' },
  { kind: 'int8-blockwise', block: 64, rounding: 'stochastic' },
  { kind: 'top-k', chunk: 4096, keep: 64 },
  { kind: 'bytes' },
];
const updates: Update[] = [
  { optimizer: 'inner', step: 12 },
  { optimizer: 'nesterov', learningRate: 0.7, momentum: 0.9, mix: 0.1 },
  { optimizer: 'eager', learningRate: 0.7, momentum: 0.9 },
  { optimizer: 'noloco', learningRate: 0.7, momentum: 0.5, pull: 0.25 },
];

/** One of each kind, and of each of its variants that differs in its fields. */
const device = { stream: 'compute', id: 0, after: [] } as const;
const microbatch = { step: 1, shard: 0, stage: 1, stages: 4, microbatch: 2, microbatches: 8 };
const stage = { ...device, ...microbatch, kind: 'stage', cost: 0.25 } as const;
const operations: { readonly [Kind in Operation['kind']]: readonly Extract<Operation, { kind: Kind }>[] } = {
  compute: [
    { ...device, kind: 'compute', work: 'inner-steps', firstStep: 4, steps: 0, contribution: ranges },
    { ...device, kind: 'compute', work: 'gradient', firstStep: 4, steps: 1, contribution: [] },
  ],
  stage: [
    { ...stage, work: 'forward', output: 128 },
    { ...stage, work: 'backward-input', input: 0, output: 1, outputGradient: 2, inputGradient: 3 },
  ],
  compress: encodings.flatMap((encoding) =>
    encoding.kind === 'bytes'
      ? []
      : [
          { ...device, kind: 'compress', slices: ranges, encoding, decay: 0.95, cost: 1 },
          { ...device, kind: 'compress', slices: ranges, encoding, decay: 0, cost: 0.5, slot: 4 },
        ],
  ),
  aggregate: [
    { ...device, kind: 'aggregate', slices: ranges, encoding: encodings[2]!, slots: [0, 900], cost: 1 },
  ],
  outer: updates.map((update) => ({ ...device, kind: 'outer', update, ranges, contributors: 3, cost: 0.5 })),
  wait: [{ ...device, kind: 'wait', paces: 12.5 }],
  send: encodings.map((encoding) => ({
    ...{ ...transfer(encoding), kind: 'send', stream: 'send:1', settle: true },
  })),
  recv: encodings.map((encoding) => ({
    ...{ ...transfer(encoding), kind: 'recv', stream: 'recv:1', into: 'sum' },
  })),
  put: [{ kind: 'put', id: 0, stream: 'put', after: [3], owner: 0, round: 1, slot: 2, bytes: 3 }],
  get: [{ kind: 'get', id: 0, stream: 'get:2', after: [3], owner: 2, round: 1, slot: 2, bytes: 3 }],
};

function transfer(encoding: Encoding) {
  const slice = { buffer: 'anchor', offset: 5, length: 6, encoding, bytes: 24 } as const;
  return { ...slice, id: 0, after: [0, 1], peer: 1, sequence: 7 };
}

const one = fc.constantFrom(...Object.values(operations).flat()) as fc.Arbitrary<Operation>;
// With Object's own prototype, as a part's: an object without one is another thing to a strict comparison.
const scratch = fc.record(
  { activationElements: fc.nat(), contributionBytes: fc.nat() },
  { noNullPrototype: true },
);

test.each(Object.entries(operations))('%s', (_, variants) => {
  expect(variants.length).toBeGreaterThan(0);
  for (const operation of variants) {
    const part: Part = {
      rank: 3,
      operations: [operation],
      scratch: { activationElements: 0, contributionBytes: 0 },
    };
    // Strict, because a missing field and one that is undefined are not the same.
    expect(unpackPart(packPart(part))).toStrictEqual(part);
  }
});

test('any mixture of them, in their order', () => {
  fc.assert(
    fc.property(fc.nat(1023), fc.array(one, { maxLength: 50 }), scratch, (rank, mixed, sizes) => {
      const part: Part = { rank, operations: mixed, scratch: sizes };
      expect(unpackPart(packPart(part))).toStrictEqual(part);
    }),
  );
});
