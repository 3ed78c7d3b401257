/** The key "wan.driver": what the kernel cannot shape is refused before a run, and never left out. */
import { describe, expect, test } from 'vitest';
import { parseScenario } from '../../src/scenario/index.js';
import { EXAMPLE, FILE, refusal } from './example.js';

const withNetem = (more = '', rest = ''): string => `${EXAMPLE}wan:\n  driver: netem\n${more}${rest}`;

describe('wan.driver', () => {
  test('is tun by default, or netem', () => {
    expect(parseScenario(EXAMPLE, FILE).wan.driver).toBe('tun');
    expect(parseScenario(withNetem(), FILE).wan.driver).toBe('netem');
    expect(refusal(withNetem().replace('netem', 'nistnet'))).toMatch(
      /:14: wan\.driver: found "nistnet"; allowed: tun, netem/,
    );
  });

  test.each(['threads', 'containers'] as const)('netem is refused on %s', (fabric) => {
    expect(refusal(withNetem(), { fabric })).toMatch(
      /^example\.yaml:14: wan\.driver: found "netem"; allowed: tun .*netem is for netns/,
    );
  });

  test('netem has weather', () => {
    const weather =
      '  jitter: { kind: pareto, deviation: 2 ms }\n' +
      '  loss: { kind: gilbert-elliott, p: 1 %, r: 30 % }\n  reorder: 1 %\n';
    expect(() => parseScenario(withNetem(weather), FILE, { fabric: 'netns' })).not.toThrow();
  });

  test.each([
    ['  duplicate: 1 %\n', '', /:15: wan\.duplicate: found .*1 %.*; allowed: 0 % with wan\.driver netem/],
    [
      '',
      'events: ["at 1 s partition us-east | eu-west", "at 2 s heal"]\n',
      /:15: events: found 2 of them; allowed: none with wan\.driver netem/,
    ],
    [
      '',
      'capture: { kind: shaper }\n',
      /:15: capture\.kind: found "shaper"; allowed: auto, tcpdump or none with/,
    ],
    ['', 'tunnel: wireguard\n', /:15: tunnel: found "wireguard"; allowed: none with wan\.driver netem/],
    [
      '',
      'regions:\n  weather:\n    us-east--eu-west: { duplicate: 2 % }\n',
      /:17: regions\.weather\.us-east--eu-west\.duplicate: found .*; allowed: 0 % with/,
    ],
  ])('netem has no %s%s', (more, rest, message) => {
    const text = withNetem(more, rest);
    expect(refusal(text, { fabric: 'netns' })).toMatch(message);
    const tun = text.replace('driver: netem', 'driver: tun');
    expect(() => parseScenario(tun, FILE)).not.toThrow();
  });
});
