/**
 * `npm run fidelity`: the figures of docs/fidelity.md, measured anew.
 *
 *     npm run fidelity                     measure all, and write the page
 *     npm run fidelity -- --only verify    one part again (verify, run, iperf3, bench; may be repeated)
 *     npm run fidelity -- --page           write the page from what was measured before
 *
 * What was measured goes to docs/fidelity.json; the page's tables stand between comments of the form
 * <!-- fidelity: NAME --> and <!-- /fidelity -->, and all else on it is written by people. Needs root, tcpdump and iperf3.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../src/package-root.js';
import { benchOfShaper, eightNodes, verification } from './measure.js';
import { agreement } from './iperf3.js';
import { filled } from './page.js';
import { PARTS, resultsSchema, type Results } from './results.js';
import { readResults, writeTidily } from '../results-page.js';

const RESULTS = path.join(packageRoot, 'docs', 'fidelity.json');
const PAGE = path.join(packageRoot, 'docs', 'fidelity.md');

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, page: { type: 'boolean', default: false } },
});
const unknown = (values.only ?? []).filter((name) => !PARTS.some((part) => part === name));
if (unknown.length > 0) {
  process.stderr.write(`fidelity: --only: found ${unknown.join(', ')}; allowed: ${PARTS.join(', ')}\n`);
  process.exit(2);
}

const measurements: { readonly [Part in keyof Results]-?: () => Promise<Results[Part]> } = {
  verify: verification,
  run: eightNodes,
  iperf3: agreement,
  bench: benchOfShaper,
};

let results = readResults(RESULTS, resultsSchema);
for (const part of values.page ? [] : PARTS.filter((name) => values.only?.includes(name) ?? true)) {
  process.stderr.write(`\n── ${part}\n`);
  results = { ...results, [part]: await measurements[part]() };
  await writeTidily(RESULTS, JSON.stringify(results));
}
await writeTidily(PAGE, filled(readFileSync(PAGE, 'utf8'), results));
