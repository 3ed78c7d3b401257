/** What NoLoCo asks of a scenario: that its replicas can stay together. */
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/scenario/index.js';
import { EXAMPLE, FILE, refusal } from './example.js';

const scenario = (outer: string, count = 1) =>
  EXAMPLE.replace('kind: diloco', `kind: noloco\n  outer: ${outer}`).replace(
    'region: us-east',
    `region: us-east\n    count: ${count}`,
  );

describe('a pull that drives replicas apart', () => {
  it('is refused, and the message says from where on', () => {
    const message = refusal(scenario('{ momentum: 0.9 }', 5));
    expect(message).toContain('protocol.outer.pull');
    expect(message).toContain('found 0.7');
    expect(message).toContain('allowed: below 0.46, since with momentum 0.9');
  });

  it('is none of the defaults’, nor one that momentum leaves room for', () => {
    for (const count of [1, 2, 9, 50]) {
      const { protocol } = parseScenario(scenario('{}', count), FILE);
      expect(protocol).toMatchObject({ kind: 'noloco', outer: { momentum: 0.5, pull: 0.7 } });
    }
    expect(() => parseScenario(scenario('{ momentum: 0.9, pull: 0.3 }', 5), FILE)).not.toThrow();
  });
});
