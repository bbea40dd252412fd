import type { Reporter, TestModule } from 'vitest/node';

/** Closes the run with one line of real counts: `tests: 123 passed, 0 failed, 2 skipped`. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.state() === 'failed' && module.errors().length > 0) count.failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state]++;
        if (state === 'skipped') process.stdout.write(`skipped: ${test.fullName}\n`);
      }
    }
    // Last word of the process, after the default reporter's summary.
    process.on('exit', () => {
      const { passed, failed, skipped, pending } = count;
      process.stdout.write(`\ntests: ${passed} passed, ${failed} failed, ${skipped + pending} skipped\n`);
    });
  }
}
