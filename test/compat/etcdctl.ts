import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { etcdctlBinary } from './etcd-peer.js';

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const environment = { PATH: process.env['PATH'] ?? '', ETCDCTL_API: '3' };
const callTimeoutMs = 60_000;
/** The client's own are two and five seconds: too few for a machine that is busy. A later one among the arguments counts. */
const patience = ['--dial-timeout=20s', '--command-timeout=30s'];

/** Runs Debian's etcdctl to its end. */
export function etcdctl(
  endpoints: readonly string[],
  args: readonly string[],
  input = '',
  timeoutMs = callTimeoutMs,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      etcdctlBinary,
      ['--endpoints', endpoints.join(','), ...patience, ...args],
      { env: environment, timeout: timeoutMs },
      (error, stdout, stderr) =>
        resolve({
          exitCode: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
          stdout,
          stderr,
        }),
    );
    // One that reads no input may be gone before it comes.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** An etcdctl that goes on until it is told to stop. */
export interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves with all output once it matches. */
  readonly until: (pattern: RegExp) => Promise<string>;
  /** Interrupts it as Ctrl-C does; resolves with its exit code. */
  readonly interrupt: () => Promise<number | null>;
}

export function runEtcdctl(endpoints: readonly string[], args: readonly string[]): Running {
  const child = spawn(etcdctlBinary, ['--endpoints', endpoints.join(','), ...patience, ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let seen = '';
  child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  // Its output is whole then.
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return {
    child,
    output: () => seen,
    until: async (pattern) => {
      const deadline = Date.now() + callTimeoutMs;
      while (!pattern.test(seen)) {
        if (Date.now() > deadline)
          throw new Error(`etcdctl ${args.join(' ')} never printed ${String(pattern)}: ${seen}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return seen;
    },
    interrupt: async () => {
      child.kill('SIGINT');
      return ended;
    },
  };
}
