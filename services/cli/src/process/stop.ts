import { setTimeout as sleep } from 'node:timers/promises';
import type { StatePaths } from '../cluster/paths.js';
import { cliLimits } from '../limits.js';
import { knownMembers, livePid, removePid } from './pids.js';

/** Stops members by name, all at once: SIGTERM, then SIGKILL to those that are left. */
export async function stopMembers(paths: StatePaths, members: readonly string[]): Promise<void> {
  const alive = (): readonly { readonly member: string; readonly pid: number }[] =>
    members.flatMap((member) => {
      const pid = livePid(paths, member);
      return pid === null ? [] : [{ member, pid }];
    });
  const signalAll = (name: NodeJS.Signals): void => {
    for (const { pid } of alive()) {
      try {
        process.kill(pid, name);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  };
  signalAll('SIGTERM');
  const deadlineMs = performance.now() + cliLimits.stopGraceMs + 2_000;
  while (alive().length > 0 && performance.now() < deadlineMs) await sleep(50);
  signalAll('SIGKILL');
  for (const member of members) removePid(paths, member);
}

/**
 * Everything that has a pid file except `spared`: machines first, so that no supervisor starts again what was stopped.
 * Answers how many processes ran.
 */
export async function stopAll(
  paths: StatePaths,
  machines: readonly string[],
  spared: readonly string[],
): Promise<number> {
  const known = knownMembers(paths).filter((member) => !spared.includes(member));
  const running = known.filter((member) => livePid(paths, member) !== null);
  const machinesKnown = known.filter((member) => machines.includes(member));
  await stopMembers(paths, machinesKnown);
  await stopMembers(
    paths,
    known.filter((member) => !machines.includes(member)),
  );
  return running.length;
}
