import { describe, expect, test } from 'vitest';
import { renderVerification } from '../../src/cli/verify/report.js';
import type { VerificationDocument } from '../../src/run/files.js';

const good: VerificationDocument['checks'][number] = {
  ...{ property: 'UDP rate', path: 'a → b', set: 40e6, measured: 39.9e6, least: 39.2e6, most: 40.4e6 },
  ...{ unit: 'bit/s', ok: true, attempts: 1, note: '' },
};
const document = (checks: VerificationDocument['checks']): VerificationDocument => ({
  ...{ meshbeat: '0.1.0', scenario: 'four', seed: 1, nodes: 4, fabric: 'netns', durationSeconds: 61 },
  ...{ startedAt: '2026-11-26T11:00:00.000Z', checks, unmeasured: [] },
  verdict: checks.every(({ ok }) => ok) ? 'faithful' : 'unfaithful',
  host: { platform: 'linux', kernel: '6.18', cores: 2, node: 'v20' },
});
const render = (checks: VerificationDocument['checks'], all = false): string =>
  renderVerification(document(checks), { colour: false, all });

describe('the page of a verification', () => {
  const worse = { ...good, path: 'b → a', measured: 39.3e6 };

  test('of each property shows the path that is furthest off, and how many it stands for', () => {
    const page = render([good, worse]);
    expect(page).toContain('b → a, the worst of 2');
    expect(page).not.toContain('a → b');
    expect(page.trimEnd().split('\n').at(-1)).toBe('faithful: 2 measurements within what is tolerated');
    expect(render([good, worse], true)).toContain('a → b');
  });

  test('what is exactly as set is not furthest off, though it lies on the edge of what is tolerated', () => {
    const calm = { ...good, property: 'loss', path: 'x → y', set: 0, measured: 0, least: 0, most: 1e-4 };
    const lossy = { ...calm, path: 'y → x', set: 0.01, measured: 0.0105, least: 0.009, most: 0.011 };
    expect(render([calm, lossy])).toContain('y → x, the worst of 2');
  });

  test('names all that failed, in the table and in the last line', () => {
    const slow = { ...good, path: 'c → a', measured: 30e6, ok: false, attempts: 3 };
    const nothing = { ...good, path: 'd → a', measured: null, ok: false };
    const page = render([good, slow, nothing]);
    expect(page).toContain('NO (3 tries)');
    expect(page.trimEnd().split('\n').at(-1)).toBe(
      'unfaithful: UDP rate of c → a was 30 Mbit/s (tolerated: 39.2 Mbit/s … 40.4 Mbit/s); ' +
        'UDP rate of d → a was not to be measured (tolerated: 39.2 Mbit/s … 40.4 Mbit/s)',
    );
  });

  test('says what was not measured, and limits as limits', () => {
    const limit = { ...good, property: 'lateness', path: 'all', set: null, least: 0, most: 0.002 };
    const page = renderVerification(
      {
        ...document([{ ...limit, measured: 0.0002, unit: 's' }]),
        unmeasured: [{ property: 'loss', path: 'all', reason: 'no packets' }],
      },
      { colour: false, all: false },
    );
    expect(page).toContain('at most 2 ms');
    expect(page).toContain('not measured: loss (all): no packets');
  });
});
