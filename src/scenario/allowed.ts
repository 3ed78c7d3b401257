/**
 * What is allowed at a place in a scenario, in words: the part of an error message that helps.
 *
 * Think of the JSON Schema as a map of the country and of a path as directions. Where the country forks
 * (one protocol has other keys than another) a place is a set of alternatives; the value that stands in the
 * file may narrow it by its `kind`. Nothing here validates: zod does that, this only explains.
 */
import { scenarioJsonSchema, type JsonSchema } from './json-schema.js';
import { isProgramsOnly } from './programs.js';
import { shorten } from './words.js';

export { nearest, shorten, wordsAllowed } from './words.js';

/** Keys of maps and indices of lists, from the top. */
export type Path = readonly (string | number)[];

/** A path as people write it: `nodes.0.uplink`. Keys that are no plain words are quoted. */
export function pathText(path: Path): string {
  return path
    .map((step) => (/^[\w-]+$/.test(String(step)) ? String(step) : shorten(JSON.stringify(step), 60)))
    .join('.');
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null;

const alternativesOf = (schema: JsonSchema): JsonSchema[] =>
  (schema.oneOf ?? schema.anyOf)?.flatMap((one) => (isSchema(one) ? alternativesOf(one) : [])) ?? [schema];

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Of the alternatives those whose `kind` is the value's or is the default, or all if its kind fits none. */
function narrow(alternatives: JsonSchema[], value: unknown): JsonSchema[] {
  const kind = isMap(value) ? value['kind'] : undefined;
  const fitting = alternatives.filter((one) => {
    const own = one.properties?.['kind'];
    return isSchema(own) && (own.const === kind || (kind === undefined && own.default !== undefined));
  });
  return fitting.length > 0 ? fitting : alternatives;
}

/** The two kinds of scenario: with training, and of programs only. */
const roots = alternativesOf(scenarioJsonSchema());

/** Of the kinds of scenario the one that a document is of; both if there is none. */
function rootsFor(document: unknown): JsonSchema[] {
  if (document === undefined) return roots;
  const programsOnly = isProgramsOnly(document);
  return roots.filter(({ properties = {} }) => Object.hasOwn(properties, 'duration') === programsOnly);
}

function step(schema: JsonSchema, key: string | number): JsonSchema[] {
  const { properties = {}, items, additionalProperties, propertyNames } = schema;
  const text = String(key);
  const named = Object.hasOwn(properties, text) ? properties[text] : undefined;
  if (isSchema(named)) return alternativesOf(named);
  if (isSchema(items) && !Array.isArray(items) && /^\d+$/.test(text)) return alternativesOf(items);
  const keyFits = isSchema(propertyNames) && new RegExp(propertyNames.pattern ?? '').test(text);
  return isSchema(additionalProperties) && keyFits ? alternativesOf(additionalProperties) : [];
}

/** The alternatives at a path, narrowed by what stands in `document`; none if the schema has no such path. */
export function schemasAt(path: Path, document?: unknown): JsonSchema[] {
  let [schemas, value] = [rootsFor(document), document];
  for (const key of path) {
    value =
      isMap(value) || Array.isArray(value) ? (value as Record<string, unknown>)[String(key)] : undefined;
    schemas = narrow(
      schemas.flatMap((schema) => step(schema, key)),
      value,
    );
  }
  return schemas;
}

/** The keys that a map at these schemas may have. */
export const keysOf = (schemas: readonly JsonSchema[]): string[] => [
  ...new Set(schemas.flatMap((schema) => Object.keys(schema.properties ?? {}))),
];

function rangeText(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  const bounds = [
    minimum === undefined ? [] : `of at least ${minimum}`,
    exclusiveMinimum === undefined ? [] : `above ${exclusiveMinimum}`,
    maximum === undefined ? [] : `of at most ${maximum}`,
    exclusiveMaximum === undefined ? [] : `below ${exclusiveMaximum}`,
  ].flat();
  return bounds.length > 0 ? ` ${bounds.join(' and ')}` : '';
}

function describe(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(String).join(', ');
  switch (schema.type) {
    case 'integer':
      return `an integer${rangeText(schema)}`;
    case 'number':
      return `a number${rangeText(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object':
      return schema.properties === undefined
        ? 'a map'
        : `a map with ${Object.keys(schema.properties).join(', ')}`;
    case 'string':
    case 'null':
    case undefined:
      break;
  }
  return 'text';
}

/** What may stand at a path of the schema, in words. */
export function allowedAt(path: Path, document?: unknown): string {
  const schemas = schemasAt(path, document);
  const kinds = schemas.map(({ properties }) => properties?.['kind']);
  if (kinds.length > 1 && kinds.every(isSchema))
    return `a map with kind ${kinds.map(describe).join(' or ')}, and the keys of that kind`;
  return [...new Set(schemas.map(describe))].join(' or ');
}
