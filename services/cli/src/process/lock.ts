import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatePaths } from '../cluster/paths.js';
import { UserError } from '../errors.js';

/**
 * Runs `work` as the only one that does so in the cluster's folder: two that make certificates at one time make pairs that do
 * not match. Throws UserError if another process is at it; a lock whose holder died does not count.
 */
export async function alone<T>({ root }: StatePaths, work: () => Promise<T>): Promise<T> {
  const file = join(root, 'lock');
  mkdirSync(root, { recursive: true });
  take(file);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file: string): void {
  try {
    return writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = readFileSync(file, 'utf8').trim();
  if (holder === '' || isRaftsman(holder))
    throw new UserError(
      `another raftsman (pid ${holder}) is at work on this cluster; if none is, remove ${file}`,
    );
  rmSync(file, { force: true });
  writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
}

function isRaftsman(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('raftsman');
  } catch {
    // No such process.
    return false;
  }
}
