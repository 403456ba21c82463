import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { command, RackError, succeeds } from './command.js';
import { rackLimits } from './limits.js';

/** Where one machine's containerd keeps things. `run` is short: a socket's path has 107 characters at most. */
export interface ContainerdPaths {
  readonly configFile: string;
  readonly root: string;
  readonly run: string;
  readonly socket: string;
  readonly cniConfDir: string;
}

export function containerdPaths(dataDir: string, clusterName: string, machineName: string): ContainerdPaths {
  const run = join('/run/raftsman', clusterName, machineName);
  return {
    configFile: join(dataDir, 'containerd.toml'),
    root: join(dataDir, 'containerd'),
    run,
    socket: join(run, 'containerd.sock'),
    cniConfDir: join(dataDir, 'cni'),
  };
}

/** Writes a containerd's configuration (version 2, for Debian's 1.6) and its folders. */
export function prepareContainerd(paths: ContainerdPaths, sandboxImage: string): void {
  for (const folder of [paths.root, paths.run, paths.cniConfDir]) mkdirSync(folder, { recursive: true });
  writeFileSync(paths.configFile, containerdConfig(paths, sandboxImage));
}

/** `restrict_oom_score_adj`: the machine may lack CAP_SYS_RESOURCE. */
export function containerdConfig(paths: ContainerdPaths, sandboxImage: string): string {
  return `version = 2
root = "${paths.root}"
state = "${join(paths.run, 'state')}"
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
  address = "${paths.socket}"

[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "${sandboxImage}"
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${paths.cniConfDir}"
`;
}

/** Resolves when the containerd answers. Throws RackError if it does not in time. */
export async function waitForContainerd(paths: ContainerdPaths): Promise<void> {
  const deadlineMs = performance.now() + rackLimits.containerdTimeoutMs;
  while (!succeeds('ctr', '--address', paths.socket, 'version')) {
    if (performance.now() > deadlineMs) throw new RackError(`containerd does not answer on ${paths.socket}`);
    await sleep(100);
  }
}

/** Imports an image archive where the kubelet's runtime looks for images. Throws RackError. */
export function importImage(paths: ContainerdPaths, archive: string): void {
  command('ctr', '--address', paths.socket, '--namespace', 'k8s.io', 'images', 'import', archive);
}

/** Kills every container and shim that a machine's containerd has left; it must run. */
export function removeContainers(paths: ContainerdPaths): void {
  const ctr = ['ctr', '--address', paths.socket, '--namespace', 'k8s.io'];
  const list = (...words: readonly string[]): readonly string[] =>
    command(...ctr, ...words)
      .split('\n')
      .filter((line) => line !== '');
  for (const task of list('tasks', 'list', '-q')) succeeds(...ctr, 'tasks', 'delete', '--force', task);
  for (const container of list('containers', 'list', '-q'))
    succeeds(...ctr, 'containers', 'delete', container);
}
