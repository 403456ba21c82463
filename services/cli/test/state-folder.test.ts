import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { statePaths } from '../src/cluster/paths.js';
import { requireStateFolder } from '../src/cluster/state-folder.js';
import { UserError } from '../src/errors.js';

test('only a cluster’s folder is worked in, and removed', () => {
  const root = mkdtempSync(join(tmpdir(), 'state-'));
  const check = (folder: string) => () => requireStateFolder(statePaths(folder));
  expect(check(join(root, 'none'))).not.toThrow();
  expect(check(root)).not.toThrow();
  mkdirSync(join(root, 'logs'));
  expect(check(root)).not.toThrow();
  writeFileSync(join(root, 'thesis.tex'), '');
  expect(check(root)).toThrow(UserError);
  expect(check(root)).toThrow('it holds thesis.tex');
  mkdirSync(join(root, 'pki'));
  writeFileSync(join(root, 'pki', 'api-ca.crt'), '');
  expect(check(root)).not.toThrow();
  expect(check('/')).toThrow(UserError);
  rmSync(root, { recursive: true });
});
