import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly words: readonly string[];
}

/** Every process of this computer that could be read; one that ends meanwhile is not there. */
export function allProcesses(): readonly Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        // proc(5): "pid (comm) state ppid …"; comm may hold anything, a bracket too.
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return [{ pid: Number(name), parent, words }];
      } catch {
        // It ended between the list and the look.
        return [];
      }
    });
}

/**
 * Those that `chosen` picks, and all below them. Pure. A container's processes stay below its shim whatever becomes of their parents: the shim is
 * a child subreaper (prctl(2)).
 */
export function withDescendants(
  processes: readonly Process[],
  chosen: (process: Process) => boolean,
): readonly number[] {
  const found = new Set(processes.filter(chosen).map(({ pid }) => pid));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** SIGKILL to each; one that has ended already is none. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
