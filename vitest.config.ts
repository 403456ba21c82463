import { defineConfig } from 'vitest/config';
import { FailuresReporter } from './test/support/failures-reporter.js';

/**
 * Tests read the packages' sources, so that no build can be stale under them. Without `import`: the workers get these as
 * `--conditions`, and with it protobufjs' require("long") finds an ES module, does without it and rounds int64.
 */
const conditions = ['raftsman-source', 'node', 'module', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    environment: 'node',
    include: ['libs/*/test/**/*.test.ts', 'services/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'test/bench/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Generous, because the machine may be busy; one second unless it is said here.
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 2,
    reporters: ['default', new FailuresReporter()],
  },
});
