import { defineConfig } from 'vitest/config';
import { FailuresReporter } from '../failures-reporter.js';

/** Tests that fail on purpose, for the test of the reporter that says so. */
export default defineConfig({
  test: { include: ['test/support/failing/*.fixture.ts'], reporters: ['default', new FailuresReporter()] },
});
