import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { execute, repositoryRoot } from './cluster.js';

const config = fileURLToPath(new URL('failing/vitest.config.ts', import.meta.url));

test('the end of a run names every test, hook and file that failed, and every error without a test', async () => {
  const words = ['node_modules/vitest/vitest.mjs', 'run', `--root=${repositoryRoot}`, `--config=${config}`];
  const { code, output } = await execute(process.execPath, words);
  expect(code).toBe(1);
  const end = output.slice(output.lastIndexOf('\n\nFAILED') + 2).split('\n');
  const at = 'FAILED test/support/failing';
  expect(end.toSorted()).toEqual([
    '',
    'FAILED no file > unhandled: [vitest-pool]: Worker forks emitted error.',
    `${at}/file.fixture.ts > the file or a hook: is no file of tests`,
    `${at}/gone.fixture.ts > the file: did not come to its end (pending)`,
    `${at}/hook.fixture.ts > the file or a hook: does not begin`,
    `${at}/tests.fixture.ts > a test > fails: AssertionError: expected 'one' to be 'two' // Object.is equality`,
    `${at}/tests.fixture.ts > a test > says much: ${`TypeError: ${'much '.repeat(100)}`.slice(0, 200)}`,
    `${at}/tests.fixture.ts > after all > a hook: does not end`,
    `${at}/tests.fixture.ts > before all > a hook: does not begin`,
    `${at}/unhandled.fixture.ts > unhandled leaves a promise behind: nobody waits`,
  ]);
});
