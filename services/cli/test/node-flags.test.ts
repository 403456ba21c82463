import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { nodeFlags } from '../src/process/node-flags.js';

it('bin/raftsman starts Node.js as a supervisor does', () => {
  const file = readFileSync(new URL('../../../bin/raftsman', import.meta.url), 'utf8');
  expect(file.split('\n')[0]).toContain(` ${nodeFlags.join(' ')}`);
});
