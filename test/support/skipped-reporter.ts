/**
 * A reporter for vitest that ends with what a green run would hide: every suite that was skipped, with what it needs,
 * so that a machine without tcpdump does not look like more than it is; and every test that passed at its second try
 * only.
 */
import type { Reporter, TestModule, TestSuite } from 'vitest/node';

export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    sayFlaky(modules);
    const skipped = modules.flatMap((module) => outermostSkipped([...module.children.suites()]));
    if (skipped.length === 0) return;
    const tests = skipped.reduce((sum, suite) => sum + [...suite.children.allTests()].length, 0);
    const lines = skipped.map((suite) => `  ${suite.fullName}`);
    process.stderr.write(
      [`\nNot tested here, ${tests} tests in ${skipped.length} suites:`, ...lines]
        .concat('With MESHBEAT_REQUIRE_ALL=1 in the environment these fail.\n\n')
        .join('\n'),
    );
  }
}

function sayFlaky(modules: readonly TestModule[]): void {
  const flaky = modules
    .flatMap((module) => [...module.children.allTests('passed')])
    .filter((test) => test.diagnostic()?.flaky === true);
  if (flaky.length === 0) return;
  const lines = flaky.map((test) => `  ${test.module.relativeModuleId}: ${test.fullName}`);
  process.stderr.write(`\nPassed at the second try only:\n${lines.join('\n')}\n\n`);
}

function outermostSkipped(suites: readonly TestSuite[]): TestSuite[] {
  return suites.flatMap((suite) =>
    suite.options.mode === 'skip' ? [suite] : outermostSkipped([...suite.children.suites()]),
  );
}
