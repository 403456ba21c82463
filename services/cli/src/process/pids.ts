import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { pidFile, type StatePaths } from '../cluster/paths.js';

/** `run/<member>.pid` holds the number alone, so that `kill -9 $(cat …)` works. */
export function writePid(paths: StatePaths, member: string, pid: number): void {
  const file = pidFile(paths, member);
  writeFileSync(`${file}.tmp`, `${pid}\n`);
  renameSync(`${file}.tmp`, file);
}

export function removePid(paths: StatePaths, member: string): void {
  rmSync(pidFile(paths, member), { force: true });
}

/** The member's process, or null if it does not run. A pid that another program has by now does not count. */
export function livePid(paths: StatePaths, member: string): number | null {
  const file = pidFile(paths, member);
  if (!existsSync(file)) return null;
  const pid = Number(readFileSync(file, 'utf8'));
  return Number.isInteger(pid) && pid > 1 && isOurs(paths, pid) ? pid : null;
}

/** Every member with a pid file, whether it lives or not. */
export function knownMembers(paths: StatePaths): readonly string[] {
  if (!existsSync(paths.run)) return [];
  return readdirSync(paths.run)
    .filter((name) => name.endsWith('.pid'))
    .map((name) => name.slice(0, -'.pid'.length));
}

/** Every process of a cluster has the cluster's folder somewhere on its command line. */
function isOurs(paths: StatePaths, pid: number): boolean {
  try {
    if (readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')) return false;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(paths.root);
  } catch {
    // No such process.
    return false;
  }
}
