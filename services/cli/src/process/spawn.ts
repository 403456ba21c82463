import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { logFile, type StatePaths } from '../cluster/paths.js';
import { nodeFlags } from './node-flags.js';

const mainFile = fileURLToPath(new URL('../main.js', import.meta.url));

/** One process of a cluster. `words` are a command line: of raftsman itself, or of another program. */
export interface ProcessSpec {
  readonly member: string;
  readonly program: 'raftsman' | { readonly path: string };
  readonly words: readonly string[];
}

/** Starts a process that outlives this one; its output goes to `logs/<member>.log`. */
export function spawnDetached(
  spec: ProcessSpec,
  paths: StatePaths,
  inMachine: readonly string[] = [],
): ChildProcess {
  const [command, ...args] = [...inMachine, ...commandLine(spec)];
  return withLog(spec, paths, (log) => {
    const child = spawn(command!, args, { detached: true, stdio: ['ignore', log, log] });
    child.unref();
    return child;
  });
}

/** Starts a process that ends with this one: raftsman's own through the IPC channel, others by the kernel's parent-death signal. */
export function spawnSupervised(spec: ProcessSpec, paths: StatePaths): ChildProcess {
  return withLog(spec, paths, (log) => {
    const [command, ...args] = commandLine(spec);
    if (spec.program === 'raftsman') return spawn(command!, args, { stdio: ['ignore', log, log, 'ipc'] });
    return spawn('setpriv', ['--pdeathsig', 'KILL', command!, ...args], { stdio: ['ignore', log, log] });
  });
}

function commandLine(spec: ProcessSpec): readonly string[] {
  return spec.program === 'raftsman'
    ? [process.execPath, ...nodeFlags, mainFile, ...spec.words]
    : [spec.program.path, ...spec.words];
}

function withLog(spec: ProcessSpec, paths: StatePaths, start: (log: number) => ChildProcess): ChildProcess {
  const log = openSync(logFile(paths, spec.member), 'a');
  try {
    return start(log);
  } finally {
    closeSync(log);
  }
}

/** Where programs are, also for users whose PATH has no sbin. */
const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The program's path, or null. */
export function findProgram(name: string): string | null {
  return programFolders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path)) ?? null;
}
