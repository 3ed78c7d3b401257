/**
 * `npm run patterns`: holds runs of training, plain and tunnelled, against the detection that exists, and writes
 * docs/known-patterns.md.
 *
 *     npm run patterns                    run all, about a minute each
 *     npm run patterns -- --only ddp      run one again, the others as they were; may be repeated
 *     npm run patterns -- --judge         run none; judge the captures of the last runs again
 *     npm run patterns -- --page          the page only, of the scores there are
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { RunError } from '../../src/errors.js';
import { packageRoot } from '../../src/package-root.js';
import { readResults, writeTidily } from '../results-page.js';
import { judgeRun, run } from './measure.js';
import { pageOf } from './page.js';
import { resultsSchema, type Results } from './results.js';
import { RUNS } from './runs.js';

const RESULTS = path.join(packageRoot, 'docs', 'known-patterns.json');
const PAGE = path.join(packageRoot, 'docs', 'known-patterns.md');

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    judge: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
  },
});
const names = RUNS.map(({ name }) => name);
const unknown = (values.only ?? []).filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`patterns: --only: found ${unknown.join(', ')}; allowed: ${names.join(', ')}\n`);
  process.exit(2);
}

const results: Record<string, Results[string]> = readResults(RESULTS, resultsSchema);
const broken: string[] = [];
for (const planned of values.page ? [] : RUNS) {
  if (values.only !== undefined && !values.only.includes(planned.name)) continue;
  process.stderr.write(`\n── ${planned.name}\n`);
  try {
    if (!values.judge) await run(planned);
    const result = await judgeRun(planned);
    if (result === undefined) continue;
    results[planned.name] = result;
    const inOrder = Object.fromEntries(
      names.flatMap((name) => (results[name] ? [[name, results[name]]] : [])),
    );
    await writeTidily(RESULTS, JSON.stringify(inOrder));
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    broken.push(error.message);
  }
}
await writeTidily(PAGE, pageOf(RUNS.map((planned) => ({ planned, result: results[planned.name] }))));
for (const complaint of broken) process.stderr.write(`patterns: ${complaint}\n`);
process.exitCode = broken.length > 0 ? 1 : 0;
