import { setTimeout as sleep } from 'node:timers/promises';
import { faultLimits } from '../limits.js';
import { FaultError, type Injected } from './fault.js';

/** A process that can be killed, paused and started again. `pid` is undefined while it does not run. */
export interface ProcessTarget {
  readonly name: string;
  readonly pid: number | undefined;
  /** Resolves once the process has ended, at once if it does not run. */
  ended(): Promise<void>;
  start(): Promise<void>;
}

/** SIGKILL: the process has no last word. Undone by starting it again. */
export async function kill(target: ProcessTarget): Promise<Injected> {
  const { name, pid } = target;
  if (pid === undefined) throw new FaultError(`${name} does not run`);
  signal(pid, 'SIGKILL');
  const timeout = new AbortController();
  const tooLong = sleep(faultLimits.killTimeoutMs, 'still there', { signal: timeout.signal, ref: false });
  const outcome = await Promise.race([target.ended(), tooLong.catch(() => undefined)]);
  timeout.abort();
  if (outcome !== undefined) throw new FaultError(`${name} (${pid}) survives SIGKILL`);
  return {
    did: `killed ${name} (SIGKILL to ${pid})`,
    undoing: `starts ${name} again`,
    undo: async () => {
      if (target.pid === undefined) await target.start();
    },
  };
}

/** SIGSTOP: it holds its connections and says nothing. Undone by SIGCONT. */
export async function pause(target: ProcessTarget): Promise<Injected> {
  const { name, pid } = target;
  if (pid === undefined) throw new FaultError(`${name} does not run`);
  signal(pid, 'SIGSTOP');
  return {
    did: `paused ${name} (SIGSTOP to ${pid})`,
    undoing: `resumes ${name} (SIGCONT)`,
    undo: async () => void signal(pid, 'SIGCONT'),
  };
}

/** Stops and resumes a process in turns: a machine that others use up. Undone by leaving it running. */
export async function stutter(
  target: ProcessTarget,
  { stoppedMs, runningMs }: { readonly stoppedMs: number; readonly runningMs: number },
): Promise<Injected> {
  const { name, pid } = target;
  if (pid === undefined) throw new FaultError(`${name} does not run`);
  const stop = new AbortController();
  const turns = (async () => {
    while (!stop.signal.aborted && signal(pid, 'SIGSTOP')) {
      await sleep(stoppedMs, undefined, { signal: stop.signal }).catch(() => undefined);
      signal(pid, 'SIGCONT');
      await sleep(runningMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return {
    did: `${name} stutters: ${stoppedMs} ms stopped, ${runningMs} ms running`,
    undoing: `leaves ${name} running`,
    undo: async () => {
      stop.abort();
      await turns;
    },
  };
}

/** Whether the process was there to get it. */
function signal(pid: number, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
