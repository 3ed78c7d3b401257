/**
 * `npm run background`: runs each background scenario and writes docs/background.md with what was captured.
 *
 *     npm run background                    all
 *     npm run background -- --only rsync    one, the others as they were; may be repeated
 *     npm run background -- --page          the page only, of the results there are
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { RunError } from '../../src/errors.js';
import { packageRoot } from '../../src/package-root.js';
import { isTraining, loadAnyScenario } from '../../src/scenario/index.js';
import { headComment } from '../protocols/head-comment.js';
import { measure } from './measure.js';
import { pageOf, type Chapter } from './page.js';
import { resultsSchema, type Results } from './results.js';
import { readResults, writeTidily } from '../results-page.js';

const at = (...parts: string[]): string => path.join(packageRoot, ...parts);
const SCENARIOS = at('scenarios', 'background');
const RESULTS = at('docs', 'background.json');
const IMAGES = at('docs', 'images', 'background');
const PAGE = at('docs', 'background.md');

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, page: { type: 'boolean', default: false } },
});
const names = readdirSync(SCENARIOS)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => path.basename(file, '.yaml'));
const unknown = (values.only ?? []).filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`background: --only: found ${unknown.join(', ')}; allowed: ${names.join(', ')}\n`);
  process.exit(2);
}

mkdirSync(IMAGES, { recursive: true });
const results: Record<string, Results[string]> = readResults(RESULTS, resultsSchema);
const broken: string[] = [];
for (const name of values.page ? [] : (values.only ?? names)) {
  process.stderr.write(`\n── ${name}\n`);
  try {
    const { result, strip } = await measure(path.join(SCENARIOS, `${name}.yaml`));
    results[name] = result;
    writeFileSync(path.join(IMAGES, `${name}.svg`), strip);
    await writeTidily(RESULTS, JSON.stringify(inOrder(results)));
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    broken.push(error.message);
  }
}

const chapters = names.flatMap((name): Chapter[] => {
  const file = path.join(SCENARIOS, `${name}.yaml`);
  const scenario = loadAnyScenario(file);
  if (isTraining(scenario)) return [];
  return [{ name, scenario, comment: headComment(readFileSync(file, 'utf8')), result: results[name] }];
});
await writeTidily(PAGE, pageOf(chapters));

const invalid = chapters.filter(({ result }) => result?.verdict === 'invalid');
const complaints = [...broken, ...invalid.map(({ name }) => `${name}: no valid run`)];
for (const complaint of complaints) process.stderr.write(`background: ${complaint}\n`);
process.exitCode = complaints.length > 0 ? 1 : 0;

function inOrder(of: Results): Results {
  return Object.fromEntries(names.flatMap((name) => (of[name] ? [[name, of[name]]] : [])));
}
