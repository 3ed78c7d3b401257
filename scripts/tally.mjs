// Sums up a test run in one line, "N passed, N failed, N skipped", from the file of vitest's JSON reporter.
//
// A test file that could not even be loaded has no test that failed; it counts as one. So does a run that left no
// results at all.
import { readFileSync } from 'node:fs';

function tally(text) {
  if (text.trim() === '') return { passed: 0, failed: 1, skipped: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults, success } =
    JSON.parse(text);
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = numFailedTests + broken.length;
  return {
    passed: numPassedTests,
    failed: success || failed > 0 ? failed : 1,
    skipped: numPendingTests + numTodoTests,
  };
}

const { passed, failed, skipped } = tally(readFileSync(process.argv[2], 'utf8'));
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
