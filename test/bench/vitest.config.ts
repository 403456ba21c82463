import { defineConfig } from 'vitest/config';
import base from '../../vitest.config.js';

/** Benchmarks print figures and assert none; they run one at a time. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/bench/**/*.bench.ts'],
    exclude: ['**/node_modules/**'],
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    disableConsoleIntercept: true,
    reporters: ['dot'],
  },
});
