/**
 * A reporter for vitest that ends with what was not tested: every suite that was skipped, with what it needs, so
 * that a green run on a machine without tcpdump does not look like more than it is.
 */
import type { Reporter, TestModule, TestSuite } from 'vitest/node';

export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
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

function outermostSkipped(suites: readonly TestSuite[]): TestSuite[] {
  return suites.flatMap((suite) =>
    suite.options.mode === 'skip' ? [suite] : outermostSkipped([...suite.children.suites()]),
  );
}
