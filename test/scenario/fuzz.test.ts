/** Whatever is thrown at the loader, it answers with a scenario or an InputError, and nothing else. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { InputError } from '../../src/errors.js';
import { parseScenario } from '../../src/scenario/index.js';
import { EXAMPLE, FILE } from './example.js';

/** The InputError's message, or undefined for an accepted scenario; anything else thrown passes through. */
function outcome(text: string, sets: string[] = []): string | undefined {
  try {
    parseScenario(text, FILE, { sets });
    return undefined;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

const keys = fc.oneof(
  fc.constantFrom(
    'name',
    'nodes',
    'protocol',
    'kind',
    'regions',
    'delays',
    'a--b',
    'wan',
    '__proto__',
    'constructor',
    '0',
  ),
  fc.string(),
);
const scalars = fc.oneof(
  fc.constantFrom('40 Mbit/s', 'diloco', 'us-east', '1 s', '', 0, 1, -1, NaN, Infinity, 1e308, null, true),
  fc.string(),
  fc.double(),
);
const { anything } = fc.letrec((tie) => ({
  anything: fc.oneof(
    { maxDepth: 5 },
    scalars,
    fc.array(tie('anything')),
    fc.dictionary(keys, tie('anything')),
  ),
}));

it('random text', () => {
  const marks = fc.constantFrom(
    '\n',
    '  ',
    '- ',
    ': ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '&a ',
    '*a',
    '!x ',
    '|',
    '>',
    '"',
    "'",
    '#',
    '\t',
    '? ',
    '---\n',
    '%',
    '<<: ',
    'name',
    '1',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(marks).map((parts) => parts.join('')),
      ),
      (text) => {
        expect(outcome(text)).toMatch(/^example\.yaml:\d+/);
      },
    ),
    { numRuns: 1000 },
  );
});

it('random data, as JSON', () => {
  fc.assert(
    fc.property(anything, (data) => {
      expect(outcome(JSON.stringify(data))).toMatch(/^example\.yaml:\d+.*: found .*; allowed: /);
    }),
    { numRuns: 500 },
  );
});

it('a good scenario with one value replaced by anything', () => {
  const places = [
    'name',
    'rounds',
    'pace',
    'protocol',
    'nodes',
    'model',
    'regions',
    'wan',
    'data',
    'training',
    'seed',
  ];
  fc.assert(
    fc.property(fc.constantFrom(...places), anything, (key, value) => {
      const text = JSON.stringify({ ...(parse(EXAMPLE) as object), [key]: value });
      const message = outcome(text);
      expect(message === undefined || message.startsWith(`${FILE}:1: ${key}`)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

it('a good scenario with bytes lost or doubled', () => {
  fc.assert(
    fc.property(fc.nat(EXAMPLE.length), fc.nat(20), fc.boolean(), (start, length, doubled) => {
      const cut = EXAMPLE.slice(start, start + length);
      const text = EXAMPLE.slice(0, start) + (doubled ? cut + cut : '') + EXAMPLE.slice(start + length);
      expect(outcome(text) ?? FILE).toMatch(/^example\.yaml/);
    }),
    { numRuns: 500 },
  );
});

it('random --set', () => {
  const path = fc.array(fc.oneof(keys, fc.nat(3).map(String)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.tuple(path, fc.string()).map(([p, v]) => `${p.join('.')}=${v}`),
      ),
      (set) => {
        const message = outcome(EXAMPLE, [set]);
        expect(message === undefined || message.includes('--set ')).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});
