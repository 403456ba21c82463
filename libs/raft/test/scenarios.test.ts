import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rewriteScenario } from './scenario.js';

/** `REWRITE=1 npx vitest run libs/raft/test/scenarios.test.ts` writes down what happens now; read the difference before you keep it. */
const folder = join(import.meta.dirname, 'scenarios');
const rewrite = process.env['REWRITE'] === '1';

describe('scenarios', () => {
  it.each(readdirSync(folder).filter((name) => name.endsWith('.txt')))('%s', (name) => {
    const path = join(folder, name);
    const actual = rewriteScenario(readFileSync(path, 'utf8'));
    if (rewrite) writeFileSync(path, actual);
    expect(actual).toBe(readFileSync(path, 'utf8'));
  });
});
