import { describe, expect, test } from 'vitest';
import { expectedPayload, runChecks, verdictOf, type Observed } from '../../orchestrator/gate.js';
import { compileRound } from '../../orchestrator/schedules/index.js';

const sound: Observed = {
  overruns: 0,
  lateness: { count: 1000, p50: 0.00001, p99: 0.0002, max: 0.004 },
  eventLoopLag: 0.02,
  missedPackets: 0,
  capturedPayload: 1_010_000,
  expectedPayload: 1_000_000,
  weightsHashes: ['a', 'a', 'a'],
};

describe('the gate', () => {
  test('is valid when everything is within its limits', () => {
    expect(verdictOf(runChecks(sound)).verdict).toBe('valid');
  });

  test.each<[string, Partial<Observed>]>([
    ['pace', { overruns: 1 }],
    ['lateness', { lateness: { ...sound.lateness, p99: 0.006 } }],
    ['event loop', { eventLoopLag: 0.3 }],
    ['missed by the capture', { missedPackets: 1 }],
    ['TCP payload', { capturedPayload: 1_031_000 }],
    ['TCP payload', { capturedPayload: 960_000 }],
    ['weights', { weightsHashes: ['a', 'b', 'a'] }],
  ])('is invalid for %s', (name, change) => {
    const { verdict, checks } = verdictOf(runChecks({ ...sound, ...change }));
    expect(verdict).toBe('invalid');
    const failed = checks.filter(({ ok }) => !ok);
    expect(failed).toHaveLength(1);
    expect(failed[0]!.name).toContain(name);
  });

  test('does not judge what could not be seen', () => {
    const { capturedPayload: _, ...unseen } = sound;
    const names = runChecks({ ...unseen, missedPackets: null }).map(({ name }) => name);
    expect(names.filter((name) => name.includes('capture'))).toEqual([]);
  });

  test('expects what the schedules send, and the framing', () => {
    const protocol = { kind: 'ddp', slice: 65536 } as const;
    const schedule = compileRound({ protocol, worldSize: 4, parameterCount: 100_000, round: 0 });
    const payload = 2 * 3 * 400_000; // 2·V·(N−1) over all ranks
    const withTls = expectedPayload([schedule], true);
    expect(withTls / payload).toBeGreaterThan(1);
    expect(withTls / payload).toBeLessThan(1.01);
    expect(expectedPayload([schedule], false)).toBeLessThan(withTls);
  });
});
