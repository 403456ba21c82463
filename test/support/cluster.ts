import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

export const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const raftsman = join(repositoryRoot, 'bin', 'raftsman');

/** A cluster as `raftsman up` starts it, with ports and loopback ranges of its own. */
export interface TestCluster {
  readonly stateDir: string;
  readonly kubeconfig: string;
  readonly storeEndpoints: readonly string[];
  /** Runs bin/raftsman on this cluster; answers output and exit code. */
  raftsman(...words: readonly string[]): CommandResult;
  /** Starts what does not run; throws with the output if that fails. */
  up(): void;
  pid(member: string): number;
  members(): readonly string[];
  kill(member: string): number;
  /** Stops everything and removes the files. Keeps the logs' tails for `logs`. */
  destroy(): void;
  /** The end of every log, for a failure's message. */
  logs(lines: number): string;
}

export interface CommandResult {
  readonly code: number | null;
  readonly output: string;
}

/**
 * `slot` from 1 to 9 sets ports and addresses apart, so that clusters of several tests and a user's own do not meet. `clusterYaml`: the cluster file,
 * if it is not to be a local cluster.
 */
export function createTestCluster(slot: number, clusterYaml?: string): TestCluster {
  const directory = mkdtempSync(join(tmpdir(), `raftsman-e2e-${slot}-`));
  const configFile = join(directory, 'cluster.yaml');
  const stateDir = join(directory, 'state');
  const base = 20_000 + slot * 100;
  writeFileSync(configFile, clusterYaml ?? clusterFile(slot, base));
  const where = [`--config=${configFile}`, `--state-dir=${stateDir}`];

  const run = (...words: readonly string[]): CommandResult => {
    const result = spawnSync(process.execPath, [raftsman, ...words, ...where], {
      encoding: 'utf8',
      timeout: 180_000,
    });
    return { code: result.status, output: result.stdout + result.stderr };
  };
  const pid = (member: string): number =>
    Number(readFileSync(join(stateDir, 'run', `${member}.pid`), 'utf8'));
  const logs = (lines: number): string => {
    const folder = join(stateDir, 'logs');
    if (!existsSync(folder)) return '';
    return readdirSync(folder)
      .map(
        (file) =>
          `== ${file}\n${readFileSync(join(folder, file), 'utf8').trimEnd().split('\n').slice(-lines).join('\n')}`,
      )
      .join('\n');
  };
  return {
    stateDir,
    kubeconfig: join(stateDir, 'kubeconfig'),
    storeEndpoints: [1, 2, 3].map((n) => `127.0.0.1:${base + n * 10}`),
    raftsman: run,
    up: () => {
      const { code, output } = run('up');
      if (code !== 0) throw new Error(`raftsman up failed:\n${output}\n${logs(15)}`);
    },
    pid,
    members: () => readdirSync(join(stateDir, 'run')).map((file) => file.replace(/\.pid$/, '')),
    kill: (member) => {
      const victim = pid(member);
      process.kill(victim, 'SIGKILL');
      return victim;
    },
    destroy: () => {
      run('clean');
      rmSync(directory, { recursive: true, force: true });
    },
    logs,
  };
}

function clusterFile(slot: number, base: number): string {
  const masters = [1, 2, 3].map((n) => {
    const port = base + n * 10;
    return `  - { name: master-${n}, address: 127.0.0.1, storeClientPort: ${port}, storePeerPort: ${port + 1}, apiserverPort: ${port + 2}, apiserverGrpcPort: ${port + 3} }`;
  });
  const workers = [1, 2, 3].map(
    (n) => `  - { name: worker-${n}, address: 127.0.0.1, agentPort: ${base + 50 + n} }`,
  );
  return `name: e2e-${slot}
kind: local
runtime: process
podCIDR: 127.${10 + slot}.0.0/16
serviceCIDR: 127.${110 + slot}.0.0/16
gateway: { address: 127.0.0.1, httpsPort: ${base}, grpcPort: ${base + 1} }
nats: { address: 127.0.0.1, port: ${base + 2} }
masters:
${masters.join('\n')}
workers:
${workers.join('\n')}
`;
}

/** Tries until `attempt` does not throw; the last error if it still does at the deadline. */
export async function eventually<T>(attempt: () => T | Promise<T>, timeoutMs = 30_000): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
    }
    await sleep(50);
  }
}

/** Runs a program without blocking the event loop. Never rejects. */
export function execute(program: string, words: readonly string[], input?: string): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    child.on('close', (code) => resolve({ code, output }));
    child.stdin.on('error', () => undefined); // The child ended without reading.
    child.stdin.end(input);
  });
}
