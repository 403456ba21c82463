import { readdir, readFile } from 'node:fs/promises';

/** One line of /proc/<pid>/stat: proc_pid_stat(5). */
export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly sessionId: number;
  /** `Z`: dead, not yet waited for. */
  readonly state: string;
  /** Clock ticks between boot and the process's start: with the pid it names a process for good, within one boot. */
  readonly startTicks: number;
}

/** The command's name stands in parentheses and may hold anything, so fields are counted from the last ')'. */
export function parseProcStat(text: string): ProcessEntry | undefined {
  const close = text.lastIndexOf(')');
  if (close < 0) return undefined;
  const fields = text.slice(close + 2).split(' ');
  const entry = {
    pid: Number.parseInt(text, 10),
    state: fields[0] ?? '',
    parentPid: Number(fields[1]),
    sessionId: Number(fields[3]),
    startTicks: Number(fields[19]),
  };
  return Number.isNaN(entry.startTicks) || Number.isNaN(entry.pid) ? undefined : entry;
}

/** Undefined: there is no such process. */
export async function readProcess(pid: number): Promise<ProcessEntry | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseProcStat(text);
}

/** Every container's processes carry this variable, so that they are known even after they left its session. */
export const containerIdVariable = 'RAFTSMAN_CONTAINER_ID';

/** Who leads a container's processes. */
export interface ProcessLeader {
  readonly containerId: string;
  readonly pid: number;
  readonly startTicks: number;
}

/**
 * The live processes of a container: those of its leader's session, and those whose environment names the container.
 *
 * A session id is a pid and is not given to another process while the session has members, so a member that started
 * before the leader belongs to someone else; one that started after it is ours unless the leader's pid is now another process's.
 */
export async function containerProcesses(leader: ProcessLeader): Promise<readonly ProcessEntry[]> {
  const atLeaderPid = await readProcess(leader.pid);
  const sessionIsOurs = atLeaderPid === undefined || atLeaderPid.startTicks === leader.startTicks;
  const members: ProcessEntry[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const entry = await readProcess(Number(name));
    if (entry === undefined || entry.state === 'Z' || entry.startTicks < leader.startTicks) continue;
    if ((sessionIsOurs && entry.sessionId === leader.pid) || (await carries(entry.pid, leader.containerId)))
      members.push(entry);
  }
  return members;
}

async function carries(pid: number, containerId: string): Promise<boolean> {
  // Unreadable: another user's process, or one that just ended.
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return environment.split('\0').includes(`${containerIdVariable}=${containerId}`);
}

/** Sends a signal to each; a process that ended meanwhile is fine. */
export function signalAll(processes: readonly ProcessEntry[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/**
 * Kills all processes of a container and answers how many it found. Looks again until none is left, because a process may
 * fork between the look and the signal. A session that outlived its leader is taken for ours only through its environment
 * when the machine has rebooted since (`sameBoot` false): then ticks count from another start.
 */
export async function killContainerProcesses(leader: ProcessLeader): Promise<number> {
  let found = 0;
  for (let round = 0; round < 10; round += 1) {
    const members = await containerProcesses(leader);
    if (members.length === 0) return found;
    found += members.length;
    signalAll(members, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 5 * (round + 1)));
  }
  return found;
}
