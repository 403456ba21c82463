import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { statePaths } from '../src/cluster/paths.js';
import { UserError } from '../src/errors.js';
import { alone } from '../src/process/lock.js';

test('one at a time works in a cluster’s folder, and the dead do not count', async () => {
  const root = mkdtempSync(join(tmpdir(), 'raftsman-lock-'));
  const paths = statePaths(root);
  const lock = join(root, 'lock');
  const holder = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)', 'raftsman']);
  await once(holder, 'spawn');
  writeFileSync(lock, `${holder.pid}\n`);
  await expect(alone(paths, () => Promise.resolve(1))).rejects.toThrow(UserError);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(await alone(paths, () => Promise.resolve(existsSync(lock)))).toBe(true);
  await expect(alone(paths, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(readdirSync(root)).toEqual([]);
  rmSync(root, { recursive: true });
});
