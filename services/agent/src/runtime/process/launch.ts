import { execFile, spawn } from 'node:child_process';
import { constants, readFileSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { constants as osConstants } from 'node:os';
import type { Readable } from 'node:stream';
import { RuntimeError } from '../runtime.js';
import { parseProcStat } from './process-table.js';

/** A process that has started. */
export interface Launched {
  readonly pid: number;
  /** See ProcessEntry. */
  readonly startTicks: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves with its exit code once it is dead; its output may still be on the way. */
  readonly exited: Promise<number>;
}

export interface Launch {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly uid?: number;
  readonly gid?: number;
  /** setpriv of util-linux: makes the kernel kill the process when the agent dies. Absent: only the next start cleans up. */
  readonly setpriv?: string;
}

/**
 * Starts a process in a session (and so a process group) of its own. Resolves once it runs.
 * Rejects as a container runtime does: no such executable, not executable, no such directory.
 */
export async function launch(what: Launch): Promise<Launched> {
  const [file, ...args] = what.argv;
  if (file === undefined) throw new RuntimeError('InvalidArgument', 'no command to run');
  const executable = await findExecutable(file, what.env.PATH ?? '', what.cwd);
  // pdeathsig is cleared when credentials change, so the wrapper comes last, after libuv's setuid.
  const argv =
    what.setpriv === undefined
      ? [executable, ...args]
      : [what.setpriv, '--pdeathsig', 'KILL', '--', executable, ...args];
  const child = spawn(argv[0]!, argv.slice(1), {
    cwd: what.cwd,
    env: what.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(what.uid === undefined ? {} : { uid: what.uid }),
    ...(what.gid === undefined ? {} : { gid: what.gid }),
  });
  // Read in the same turn: libuv has not waited for the child yet, so that even a dead one is in the table.
  const startTicks = child.pid === undefined ? 0 : startTicksOf(child.pid);
  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => resolve(exitCodeOf(code, signal)));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.on('error', (cause) => {
      reject(new RuntimeError('Internal', `starting ${JSON.stringify(file)}: ${cause.message}`, { cause }));
    });
  });
  return { pid: child.pid!, startTicks, stdout: child.stdout, stderr: child.stderr, exited };
}

const startTicksOf = (pid: number): number =>
  parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.startTicks ?? 0;

/** As execvp(3), with runc's words when there is none. */
async function findExecutable(file: string, path: string, cwd: string): Promise<string> {
  const candidates = file.includes('/')
    ? [join(file.startsWith('/') ? '/' : cwd, file)]
    : path.split(delimiter).map((directory) => join(directory === '' ? cwd : directory, file));
  for (const candidate of candidates) {
    const usable = await access(candidate, constants.X_OK).then(
      async () => (await stat(candidate)).isFile(),
      () => false,
    );
    if (usable) return candidate;
  }
  const why = file.includes('/') ? 'no such file, or not executable' : 'executable file not found in $PATH';
  throw new RuntimeError('InvalidArgument', `exec: ${JSON.stringify(file)}: ${why}`);
}

/** A shell's convention, which Kubernetes shows too: 128 and the signal's number. */
function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code;
  return 128 + (signal === null ? 0 : (osConstants.signals[signal] ?? 0));
}

/** Undefined where there is none that knows --pdeathsig: util-linux' does, busybox' does not. */
export async function findSetpriv(path: string): Promise<string | undefined> {
  const setpriv = await findExecutable('setpriv', path, '/').catch(() => undefined);
  if (setpriv === undefined) return undefined;
  return new Promise((resolve) => {
    execFile(setpriv, ['--pdeathsig', 'KILL', '--', 'true'], { timeout: 5_000 }, (error) =>
      resolve(error === null ? setpriv : undefined),
    );
  });
}
