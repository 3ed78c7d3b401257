/** Pipeline stages on the device's threads: the same bits as without, whichever thread takes which piece. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDevice, type Device } from '../../src/training/device.js';
import { allocateReplica } from '../../src/training/memory.js';
import { parameterCount } from '../../src/training/model.js';
import { Pipelined } from './pipelined.js';
import { smallSettings } from './small-settings.js';
import type { PipelinedSettings } from './unsplit.js';

const settings: PipelinedSettings = {
  ...smallSettings(64),
  shape: { layers: 2, width: 32, heads: 2, context: 16 },
  pipeline: { stages: 2, microbatches: 2, replicas: 1, activations: { kind: 'none' } },
};

let device: Device;
beforeAll(async () => {
  device = await createDevice({ settings, ranks: [0, 1], threads: 2 });
});
afterAll(() => device.close());

it('works on stages of several pipelines at once, each piece on any thread', async () => {
  const alone = new Pipelined(settings);
  const losses = alone.forward(0);
  alone.backward(0);

  const copies = await Promise.all(
    [0, 1, 2].map(async () => {
      const [memory, { activations, contributions }] = [
        allocateReplica(parameterCount(settings.shape)).shared,
        alone.memories[1]!.shared,
      ];
      const shared = { ...memory, activations, contributions };
      await device.initialise({ memory: shared, ranges: alone.rangesOf(1) });
      const found: (number | undefined)[] = [];
      for (const work of ['forward', 'backward-weight'] as const) {
        for (const microbatch of [0, 1]) {
          const operation = alone.operation(work, 1, microbatch, 0);
          const report = await device.work({ memory: shared, operation, rank: 1, round: 0 });
          expect(report.computeSeconds).toBeGreaterThan(0);
          found.push(report.loss);
        }
      }
      return { found, shared };
    }),
  );
  for (const { found, shared } of copies) {
    expect(found).toEqual([...losses, undefined, undefined]);
    const { reduction } = alone.memories[1]!;
    const bytes = Buffer.from(reduction.buffer, reduction.byteOffset, reduction.byteLength);
    const own = Buffer.from(shared.buffer, reduction.byteOffset, reduction.byteLength);
    expect(own.equals(bytes)).toBe(true);
  }
});
