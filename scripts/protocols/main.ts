/**
 * `npm run protocols`: the reference of protocols, docs/protocols.md, from real runs of all scenarios in scenarios/.
 *
 *     npm run protocols                    run them all, one at a time, and write the page
 *     npm run protocols -- --only diloco   run one again (the option may be repeated), and write the page
 *     npm run protocols -- --page          write the page from what was measured before
 *
 * What a run shows goes to docs/protocols.json and docs/images/protocols/, so the page can be written again without
 * running anything. A run that the gate calls invalid is repeated, for the machine may have been busy; if all are
 * invalid, the page says so. That, or a run that broke off, makes the exit status 1.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { RunError } from '../../src/errors.js';
import { packageRoot } from '../../src/package-root.js';
import { loadScenario } from '../../src/scenario/index.js';
import { headComment } from './head-comment.js';
import { measure } from './measure.js';
import { drawSchedule } from './draw-schedule.js';
import { pageOf, type Chapter } from './page.js';
import { resultsSchema, type Results } from './results.js';
import { readResults, writeTidily } from '../results-page.js';

const at = (...parts: string[]): string => path.join(packageRoot, ...parts);
const SCENARIOS = at('scenarios');
const RESULTS = at('docs', 'protocols.json');
const IMAGES = at('docs', 'images', 'protocols');
const PAGE = at('docs', 'protocols.md');
/** Left out: it shows nothing but size, and a machine that plays 32 nodes in time is not everybody's. */
const TOO_LARGE = 'diloco-32';
/** Left out, too: what the network is like or becomes, or who else is there, says nothing of a protocol. */
const isOfMore = (name: string): boolean => {
  const { events, nodes } = loadScenario(path.join(SCENARIOS, `${name}.yaml`));
  return name.startsWith('weather') || events.length > 0 || nodes.some(({ exec }) => exec !== undefined);
};

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, page: { type: 'boolean', default: false } },
});
const names = readdirSync(SCENARIOS)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => path.basename(file, '.yaml'))
  .filter((name) => name !== TOO_LARGE && !isOfMore(name));
const unknown = (values.only ?? []).filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`protocols: --only: found ${unknown.join(', ')}; allowed: ${names.join(', ')}\n`);
  process.exit(2);
}

mkdirSync(IMAGES, { recursive: true });
const results: Record<string, Results[string]> = readResults(RESULTS, resultsSchema);
let interrupted = false;
// The run under way hears of it too, ends in order, and is the last one.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (interrupted = true));
const broken: string[] = [];
for (const name of values.page ? [] : (values.only ?? names)) {
  if (interrupted) process.exit(1);
  try {
    const { result, strip } = await measure(path.join(SCENARIOS, `${name}.yaml`));
    results[name] = result;
    writeFileSync(path.join(IMAGES, `${name}-egress.svg`), strip);
    await writeTidily(RESULTS, JSON.stringify(inOrder(results)));
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    broken.push(error.message);
  }
}

const chapters = names.map((name): Chapter => {
  const file = path.join(SCENARIOS, `${name}.yaml`);
  const scenario = loadScenario(file, { sets: [] });
  const { svg, closedForm } = drawSchedule(scenario);
  writeFileSync(path.join(IMAGES, `${name}.svg`), svg);
  const comment = headComment(readFileSync(file, 'utf8'));
  return { name, scenario, comment, closedForm, result: results[name] };
});
await writeTidily(PAGE, pageOf(chapters));

const invalid = chapters.filter(({ result }) => result?.gate.verdict === 'invalid');
const complaints = [...broken, ...invalid.map(({ name }) => `${name}: no valid run`)];
for (const complaint of complaints) process.stderr.write(`protocols: ${complaint}\n`);
process.exitCode = complaints.length > 0 ? 1 : 0;

function inOrder(of: Results): Results {
  return Object.fromEntries(names.flatMap((name) => (of[name] ? [[name, of[name]]] : [])));
}
