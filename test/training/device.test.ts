/** The pool of threads: same bits as without it, and clean ends. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, RunError } from '../../src/errors.js';
import { createDevice, type Device } from '../../src/training/device.js';
import { allocateReplica, type ReplicaMemory } from '../../src/training/memory.js';
import { parameterCount } from '../../src/training/model.js';
import { createSteps } from '../../src/training/steps.js';
import { smallSettings, updateBy, wholeOf } from './small-settings.js';

const DEVICE_NICENESS = 10;
const settings = smallSettings(2);
const ranges = wholeOf(settings);
const replica = () => allocateReplica(parameterCount(settings.shape));

let pool: Device;
let nicedBefore = 0;
beforeAll(async () => {
  nicedBefore = nicedThreads();
  pool = await createDevice({ settings, ranks: [0, 1], threads: 2 });
});
afterAll(() => pool.close());

/** One round of DiLoCo's work on one rank: three inner steps, then the pseudo-gradient. */
async function train(on: Device, memory: ReplicaMemory, rank: number): Promise<number[]> {
  const losses: number[] = [];
  await on.initialise({ memory: memory.shared, ranges });
  for (let step = 0; step < 3; step++) {
    const report = await on.innerStep({ memory: memory.shared, rank, step });
    expect(report.computeSeconds).toBeGreaterThan(0);
    losses.push(report.loss);
  }
  await on.pseudoGradient({ memory: memory.shared, ranges });
  return losses;
}

describe('Device', () => {
  it('trains two ranks at once on two threads, to the bits of a run without threads', async () => {
    expect(pool.threads).toBe(2);
    const memories = [replica(), replica()];
    const losses = await Promise.all(memories.map((memory, rank) => train(pool, memory, rank)));

    const steps = createSteps(settings);
    for (const [rank, memory] of memories.entries()) {
      const expected = replica();
      steps.initialise(expected, ranges);
      expect(losses[rank]).toEqual([0, 1, 2].map((step) => steps.innerStep(expected, rank, step)));
      steps.pseudoGradient(expected, ranges);
      expect(memory.parameters).toEqual(expected.parameters);
      expect(memory.reduction).toEqual(expected.reduction);
    }
    expect(losses[1]).not.toEqual(losses[0]);
  });

  it('gives the same bits on either thread for the same rank', async () => {
    const [one, other] = [replica(), replica()];
    await Promise.all([train(pool, one, 0), train(pool, other, 0)]);
    expect(one.parameters).toEqual(other.parameters);
    const losses = await Promise.all([one, other].map(({ shared }) => pool.evaluate({ memory: shared })));
    expect(losses[0]).toBe(losses[1]);
  });

  it('applies the mean gradient and the outer step', async () => {
    const [memory, expected] = [replica(), replica()];
    const steps = createSteps(settings);
    steps.initialise(expected, ranges);
    steps.gradient(expected, 1, 0);
    const inner = updateBy({ optimizer: 'inner', step: 0 }, 2, ranges);
    const nesterov = { optimizer: 'nesterov', learningRate: 0.7, momentum: 0.9, mix: 0 } as const;
    const outer = updateBy(nesterov, 2, ranges);
    const place = { rank: 1, round: 0 };
    steps.work(expected, inner, place);
    steps.pseudoGradient(expected, ranges);
    steps.work(expected, outer, place);

    const shared = { memory: memory.shared };
    await pool.initialise({ ...shared, ranges });
    await pool.gradient({ ...shared, rank: 1, step: 0 });
    await pool.work({ ...shared, ...place, operation: inner });
    await pool.pseudoGradient({ ...shared, ranges });
    const report = await pool.work({ ...shared, ...place, operation: outer });
    expect(report.loss).toBeUndefined();
    expect(report.computeSeconds).toBeGreaterThan(0);
    expect(memory).toEqual({ ...expected, shared: memory.shared });
  });

  it.runIf(process.platform === 'linux')('lowers the priority of its threads and of no other', () => {
    expect(nicedThreads()).toBe(nicedBefore + pool.threads);
    expect(nicenessOf(process.pid)).not.toBe(DEVICE_NICENESS);
  });

  it('rejects with a RunError that says what failed', async () => {
    const memory = replica();
    memory.parameters.fill(NaN);
    const failed = pool.innerStep({ memory: memory.shared, rank: 1, step: 7 });
    await expect(failed).rejects.toThrow(RunError);
    await expect(failed).rejects.toThrow(/innerStep of rank 1, step 7: .*loss .* is NaN/);
    await expect(pool.initialise({ memory: memory.shared, ranges })).resolves.toBeUndefined();
  });

  it('closes with work under way, which rejects; may be closed again', async () => {
    const own = await createDevice({ settings, ranks: [0], threads: 1 });
    const { shared } = replica();
    const failed = expect(own.evaluate({ memory: shared })).rejects.toThrow(RunError);
    await own.close();
    await failed;
    await expect(own.initialise({ memory: shared, ranges })).rejects.toThrow(RunError);
    await own.close();
  });

  it('refuses wrong settings before it starts a thread', async () => {
    const wrong = smallSettings(480);
    await expect(createDevice({ settings: wrong, ranks: [0] })).rejects.toThrow(InputError);
  });
});

function nicedThreads(): number {
  if (process.platform !== 'linux') return 0;
  const threads = readdirSync('/proc/self/task').map(Number);
  return threads.filter((thread) => nicenessOf(thread) === DEVICE_NICENESS).length;
}

/** Field 19 of proc(5)'s stat; the thread's name, field 2, may hold spaces. */
function nicenessOf(thread: number): number {
  const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
}
