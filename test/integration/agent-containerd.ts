import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildOciImage, missingForImages, type OciImage } from '../support/oci-image.js';

const run = promisify(execFile);

export const pauseImage: OciImage = {
  name: 'registry.k8s.io/pause:3.10',
  entrypoint: ['/bin/sleep', '2147483647'],
};
export const busyboxImage: OciImage = { name: 'docker.io/library/busybox:1.36' };

/** Why containerd cannot be started here; undefined: it can. */
export function missingForContainerd(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const programs = ['/usr/bin/containerd', '/usr/bin/ctr', '/usr/sbin/runc', '/usr/lib/cni/ptp'];
  const missing = programs.filter((program) => !existsSync(program));
  if (missing.length > 0)
    return `missing: ${missing.join(', ')} (apt install containerd runc containernetworking-plugins)`;
  return missingForImages();
}

export interface Containerd {
  readonly endpoint: string;
  readonly cniConfDir: string;
  readonly cniDataDir: string;
  import(image: OciImage): Promise<void>;
  stop(): Promise<void>;
}

/** A containerd of one's own: root, state, socket and CNI directory in a temporary directory, nothing shared. */
export async function startContainerd(): Promise<Containerd> {
  const root = await mkdtemp(join(tmpdir(), 'raftsman-containerd-'));
  const socket = join(root, 'containerd.sock');
  const cniConfDir = join(root, 'cni-conf');
  await mkdir(cniConfDir);
  await writeFile(join(root, 'config.toml'), configToml(root, socket, cniConfDir));
  const child = spawn('/usr/bin/containerd', ['--config', join(root, 'config.toml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000)));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ctr = (...args: string[]): Promise<unknown> =>
    run('/usr/bin/ctr', ['--address', socket, '-n', 'k8s.io', ...args]);
  const deadline = Date.now() + 30_000;
  for (;;) {
    const up = await ctr('version').then(
      () => true,
      () => false,
    );
    if (up) break;
    if (Date.now() > deadline || child.exitCode !== null)
      throw new Error(`containerd does not start:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const containerd: Containerd = {
    endpoint: `unix://${socket}`,
    cniConfDir,
    cniDataDir: join(root, 'cni-data'),
    import: async (image) => {
      const file = join(root, 'image.tar');
      await writeFile(file, buildOciImage(image));
      await ctr('images', 'import', file);
      await rm(file);
    },
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      await killShims(root);
      await unmountBelow(root);
      await rm(root, { recursive: true, force: true });
    },
  };
  await containerd.import(pauseImage);
  await containerd.import(busyboxImage);
  return containerd;
}

const configToml = (root: string, socket: string, cniConfDir: string): string => `version = 2
root = "${root}/root"
state = "${root}/state"

[grpc]
  address = "${socket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "${root}/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage.name}"
  restrict_oom_score_adj = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${cniConfDir}"
`;

/** Shims outlive containerd by design: those that serve this one's socket are ended by pid. */
async function killShims(root: string): Promise<void> {
  const { stdout } = await run('ps', ['-eo', 'pid=,args=']);
  const shims = stdout.split('\n').filter((line) => line.includes('containerd-shim') && line.includes(root));
  for (const line of shims) {
    const pid = Number.parseInt(line, 10);
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    for (const target of [pid, ...children.split(' ').map(Number)]) {
      if (!(target > 1)) continue;
      try {
        process.kill(target, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }
}

async function unmountBelow(root: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${root}/`));
  for (const path of mounts.toReversed()) await run('umount', ['--lazy', path]).catch(() => undefined);
}
