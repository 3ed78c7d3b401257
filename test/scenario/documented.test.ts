/** docs/scenarios.md names what a scenario may say of its protocol; this holds the page and the schema together. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compressionSchema } from '../../src/scenario/compression-schema.js';
import { collectiveName, pipelineSchema, protocolSchema } from '../../src/scenario/protocol-schema.js';
import { scenarioSchema } from '../../src/scenario/schema.js';
import { innerSchema } from '../../src/scenario/training-schema.js';
import { bottleneckSchema, regionalWeatherSchema } from '../../src/scenario/weather-schema.js';
import { PROJECT } from '../support/meshbeat.js';

const page = readFileSync(join(PROJECT, 'docs', 'scenarios.md'), 'utf8');
const kinds = [protocolSchema, compressionSchema].flatMap(({ options }) =>
  options.flatMap(({ shape }) => [...shape.kind.values]),
);
const words = [
  ...kinds,
  ...collectiveName.unwrap().options,
  ...pipelineSchema.shape.schedule.unwrap().options,
  ...scenarioSchema.shape.persona.unwrap().options,
  ...innerSchema.options.flatMap(({ shape }) => Object.keys(shape)),
  ...protocolSchema.options.flatMap(({ shape }) => Object.keys(shape)),
  ...compressionSchema.options.flatMap(({ shape }) => Object.keys(shape)),
  ...Object.keys(regionalWeatherSchema.shape),
  ...Object.keys(bottleneckSchema.shape),
  ...['uniform', 'normal', 'pareto', 'trace', 'bernoulli', 'gilbert-elliott', 'weather', 'bottlenecks'],
];

it.each([...new Set(words)])('docs/scenarios.md explains %s', (word) => {
  expect(page).toMatch(new RegExp(`[\`. ]${word}(?![\\w-])`));
});
