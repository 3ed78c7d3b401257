/** What a persona does to a scenario: fills in what nobody has said, and refuses what it can't carry. */
import { describe, expect, it, test } from 'vitest';
import { parseScenario, scenarioToYaml } from '../../src/scenario/index.js';
import { parameterCount } from '../../src/training/model.js';
import { EXAMPLE, FILE, refusal } from './example.js';

const as = (persona: string, more = '') => `${EXAMPLE}persona: ${persona}\n${more}`;

it('prescribes what the file leaves open', () => {
  const { protocol, transport } = parseScenario(as('prime'), FILE);
  expect(transport).toMatchObject({ tls: false, connections: 8 });
  expect(protocol).toMatchObject({
    kind: 'diloco',
    collective: 'ring',
    compression: { kind: 'int8', rounding: 'nearest', errorFeedback: false },
  });
  expect(parseScenario(as('opendiloco'), FILE)).toMatchObject({
    transport: { tls: true, connections: 1 },
    protocol: { collective: 'butterfly', slice: 2 ** 19, compression: { kind: 'none' } },
  });
});

it('cuts each node’s chunk into as many pieces as the system does', () => {
  const scenario = parseScenario(as('prime'), FILE);
  const chunk = Math.ceil(parameterCount(scenario.model) / 2);
  expect(scenario.protocol).toMatchObject({ slice: 4 * Math.ceil(chunk / 16) });
  // gloo's segments are no larger than a MiB: a chunk of 12.6 MB has more than two.
  const large = parseScenario(as('torchft', 'model: { layers: 8, width: 256 }\n'), FILE);
  expect(4 * parameterCount(large.model)).toBeGreaterThan(4 * 2 ** 20);
  expect(large.protocol).toMatchObject({ slice: 2 ** 20 });
});

it('leaves what the file says, and what --set says', () => {
  const text = as('prime', 'transport: { connections: 2 }\n').replace(
    'innerSteps: 4',
    'innerSteps: 4\n  slice: 1 KiB\n  compression: { kind: none }',
  );
  const { protocol, transport } = parseScenario(text, FILE);
  expect(transport).toMatchObject({ tls: false, connections: 2 });
  expect(protocol).toMatchObject({ slice: 1024, compression: { kind: 'none' }, collective: 'ring' });
  const set = parseScenario(as('prime'), FILE, { sets: ['transport.connections=3', 'transport.tls=true'] });
  expect(set.transport).toMatchObject({ tls: true, connections: 3 });
});

it('can be chosen with --set', () => {
  const { persona, transport } = parseScenario(EXAMPLE, FILE, { sets: ['persona=pccl'] });
  expect({ persona, ...transport }).toMatchObject({ persona: 'pccl', tls: false, connections: 16 });
});

it('shows what it filled in, and what it wrote loads back to the same', () => {
  const scenario = parseScenario(as('prime'), FILE);
  const yaml = scenarioToYaml(scenario);
  expect(yaml).toContain('connections: 8');
  expect(yaml).toContain('kind: int8');
  expect(parseScenario(yaml, FILE)).toEqual(scenario);
});

it('prescribes nothing where there is none', () => {
  const { transport, protocol } = parseScenario(EXAMPLE, FILE);
  expect(transport).toEqual({ tls: true, connections: 1 });
  expect(protocol).toMatchObject({ collective: 'ring', slice: 65536, compression: { kind: 'none' } });
});

describe('a persona that can’t carry the protocol', () => {
  test.each([
    ['templar', 'object-store, which is what templar can carry'],
    ['psyche', 'ddp, which is what psyche can carry'],
  ])('%s with diloco names the line and what is allowed', (persona, allowed) => {
    expect(refusal(as(persona))).toBe(`${FILE}:5: protocol.kind: found "diloco"; allowed: ${allowed}`);
  });

  test('is named by the option that chose it', () => {
    expect(refusal(EXAMPLE, { sets: ['persona=templar'] })).toMatch(
      /^example.yaml:5 with --set persona=templar: protocol.kind: found "diloco"; allowed: object-store/,
    );
  });

  test('goes with one that it can', () => {
    const text = as('torchft')
      .replace('kind: diloco', 'kind: streaming')
      .replace('innerSteps: 4', 'innerSteps: 4\n  fragments: 2');
    expect(parseScenario(text, FILE).protocol).toMatchObject({ kind: 'streaming', collective: 'ring' });
  });
});
