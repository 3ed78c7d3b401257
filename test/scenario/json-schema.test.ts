/** The published schema, read by another validator: it takes what the loader takes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { scenarioJsonSchema } from '../../src/scenario/index.js';
import type { JsonSchema } from '../../src/scenario/json-schema.js';
import { EXAMPLE } from './example.js';

const document = scenarioJsonSchema();
const validator = z.fromJSONSchema(document);
const accepts = (yaml: string) => validator.safeParse(parse(yaml)).success;

/** Every schema within the document, with its place. */
function within(schema: JsonSchema, place = '#'): [string, JsonSchema][] {
  const { properties = {}, items, additionalProperties, oneOf = [], anyOf = [] } = schema;
  const inner: [string, unknown][] = [
    ...Object.entries(properties),
    ['items', items],
    ['*', additionalProperties],
    ...[...oneOf, ...anyOf].map((one, index): [string, unknown] => [`${index}`, one]),
  ];
  return [
    [place, schema],
    ...inner.flatMap(([key, one]) => (isSchema(one) ? within(one, `${place}/${key}`) : [])),
  ];
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null;

describe('the JSON Schema', () => {
  it.each(['diloco', 'ddp', 'diloco-32'])('takes scenarios/%s.yaml', (name) => {
    expect(accepts(readFileSync(`scenarios/${name}.yaml`, 'utf8'))).toBe(true);
  });

  it.each([
    ['an unknown key', `${EXAMPLE}sede: 1\n`],
    ['a wrong unit', EXAMPLE.replace('40 Mbit/s', '40 Mbps')],
    ['H = 0', EXAMPLE.replace('innerSteps: 4', 'innerSteps: 0')],
    ['an unknown protocol', EXAMPLE.replace('kind: diloco', 'kind: dilico')],
    ['a key of another protocol', EXAMPLE.replace('kind: diloco', 'kind: ddp')],
    ['a missing key', EXAMPLE.replace('rounds: 2\n', '')],
  ])('refuses %s', (_, yaml) => {
    expect(accepts(EXAMPLE)).toBe(true);
    expect(accepts(yaml)).toBe(false);
  });

  const defaults = within(document).filter(([, schema]) => schema.default !== undefined);

  it('has defaults', () => expect(defaults.length).toBeGreaterThan(20));

  it.each(defaults)('the default at %s is one that a file may say', (_, schema) => {
    expect(z.fromJSONSchema(schema).safeParse(schema.default).success).toBe(true);
  });

  it('describes what its names do not say', () => {
    const described = within(document).filter(([, schema]) => schema.description !== undefined);
    expect(described.length).toBeGreaterThan(15);
  });
});
