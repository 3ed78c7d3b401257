import { describe, expect, test } from 'vitest';
import { expectedPayload, runChecks, verdictOf, type Observed } from '../../orchestrator/gate.js';
import { compileRound } from '../../orchestrator/schedules/index.js';
import { requestFor } from '../support/request.js';

/** Of two groups: ranks 0 and 1, and rank 2. */
const hashes = (...ofRanks: string[]) => ofRanks.map((hash, rank) => ({ group: rank < 2 ? 0 : 1, hash }));

const sound: Observed = {
  overruns: 0,
  lateness: { count: 1000, p50: 0.00001, p99: 0.0002, max: 0.004 },
  eventLoopLag: 0.02,
  missedPackets: 0,
  capturedPayload: 1_010_000,
  expectedPayload: 1_000_000,
  weightsHashes: hashes('a', 'a', 'b'),
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
    ['events that did not happen', { events: { missed: 1, latest: 0.001 } }],
    ['lateness of events', { events: { missed: 0, latest: 0.051 } }],
    ['weights', { weightsHashes: hashes('a', 'c', 'b') }],
  ])('is invalid for %s', (name, change) => {
    const { verdict, checks } = verdictOf(runChecks({ ...sound, ...change }));
    expect(verdict).toBe('invalid');
    const failed = checks.filter(({ ok }) => !ok);
    expect(failed).toHaveLength(1);
    expect(failed[0]!.name).toContain(name);
  });

  test('is valid when events were on time', () => {
    const events = { missed: 0, latest: 0.049 };
    expect(verdictOf(runChecks({ ...sound, events })).verdict).toBe('valid');
  });

  test('of a round that was played again, any part may have been sent before', () => {
    const verdict = (capturedPayload: number) =>
      verdictOf(runChecks({ ...sound, abandonedPayload: 100_000, capturedPayload })).verdict;
    expect([1_000_000, 1_050_000, 1_100_000, 1_129_000].map(verdict)).toEqual(Array(4).fill('valid'));
    expect([969_000, 1_131_000].map(verdict)).toEqual(Array(2).fill('invalid'));
  });

  test('lets groups end alike or unlike', () => {
    const alike = { ...sound, weightsHashes: hashes('a', 'a', 'a') };
    expect(verdictOf(runChecks(alike)).verdict).toBe('valid');
  });

  test('does not judge what could not be seen', () => {
    const { capturedPayload: _, ...unseen } = sound;
    const names = runChecks({ ...unseen, missedPackets: null }).map(({ name }) => name);
    expect(names.filter((name) => name.includes('capture'))).toEqual([]);
  });

  test('does not judge a lateness that nobody has measured: 0 ms would be a lie', () => {
    const names = runChecks({ ...sound, lateness: { count: 0, p50: 0, p99: 0, max: 0 } }).map(
      ({ name }) => name,
    );
    expect(names.filter((name) => name.includes('lateness'))).toEqual([]);
    expect(runChecks(sound)).toHaveLength(names.length + 1);
  });

  test('expects what the schedules send, and the framing', () => {
    const schedule = compileRound(requestFor({ kind: 'ddp' }, { worldSize: 4, parameterCount: 100_000 }));
    const payload = 2 * 3 * 400_000; // 2·V·(N−1) over all ranks
    const withTls = expectedPayload([schedule], true);
    expect(withTls / payload).toBeGreaterThan(1);
    expect(withTls / payload).toBeLessThan(1.01);
    expect(expectedPayload([schedule], false)).toBeLessThan(withTls);
  });
});
