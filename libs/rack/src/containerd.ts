import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { command, RackError, succeeds } from './command.js';
import { rackLimits } from './limits.js';
import { unmountBelow } from './mounts.js';
import { runFolder } from './plan.js';
import { allProcesses, killAll, withDescendants, type Process } from './processes.js';

/** Where one machine's containerd keeps things: what lasts in `dataDir`, and what a reboot would end in `run`. */
export interface ContainerdPaths {
  readonly dataDir: string;
  readonly configFile: string;
  readonly root: string;
  /** Short: a socket's path has few characters. */
  readonly run: string;
  readonly state: string;
  readonly runcRoot: string;
  readonly socket: string;
  readonly cniConfDir: string;
}

/** `dataDir`: all that the machine keeps. */
export function containerdPaths(dataDir: string, clusterName: string, machineName: string): ContainerdPaths {
  const run = runFolder(clusterName, machineName);
  return {
    dataDir,
    configFile: join(dataDir, 'containerd.toml'),
    root: join(dataDir, 'containerd'),
    run,
    state: join(run, 'state'),
    runcRoot: join(run, 'runc'),
    socket: join(run, 'containerd.sock'),
    cniConfDir: join(dataDir, 'cni'),
  };
}

/** Writes a containerd's configuration (version 2, for Debian's 1.6) and its folders. */
export function prepareContainerd(paths: ContainerdPaths, sandboxImage: string): void {
  for (const folder of [paths.root, paths.run, paths.cniConfDir]) mkdirSync(folder, { recursive: true });
  writeFileSync(paths.configFile, containerdConfig(paths, sandboxImage));
}

/**
 * `restrict_oom_score_adj`: the machine may lack CAP_SYS_RESOURCE. `netns_mounts_under_state_dir` and runc's root: all that this containerd mounts
 * and notes is in its own folders, so that it can be found and removed even after a crash.
 */
export function containerdConfig(paths: ContainerdPaths, sandboxImage: string): string {
  return `version = 2
root = "${paths.root}"
state = "${paths.state}"
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
  address = "${paths.socket}"

[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  sandbox_image = "${sandboxImage}"
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  Root = "${paths.runcRoot}"

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${paths.cniConfDir}"
`;
}

/** Resolves when the containerd answers. `alive`: whether it runs. Throws RackError if it ended or does not answer in time. */
export async function waitForContainerd(paths: ContainerdPaths, alive: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + rackLimits.containerdTimeoutMs;
  while (!succeeds('ctr', '--address', paths.socket, 'version')) {
    if (!alive()) throw new RackError(`containerd ended while starting (${paths.configFile})`);
    if (performance.now() > deadlineMs) throw new RackError(`containerd does not answer on ${paths.socket}`);
    await sleep(rackLimits.containerdPollMs);
  }
}

/** Imports an image archive where the kubelet's runtime looks for images. Throws RackError. */
export function importImage(paths: ContainerdPaths, archive: string): void {
  command('ctr', '--address', paths.socket, '--namespace', 'k8s.io', 'images', 'import', archive);
}

/**
 * Ends a machine as a power cut does, whether its containerd still runs or not: its containers, its processes, its mounts and all of `run`. What
 * containerd wrote to `dataDir` stays, so that the next one knows its containers as those of a rebooted machine. Throws RackError.
 */
export function powerOffContainerd(paths: ContainerdPaths): void {
  const containers = namesIn(join(paths.runcRoot, 'k8s.io'));
  // First, while their cgroups can still be told: runc removes these too.
  for (const id of containers)
    succeeds('runc', '--root', join(paths.runcRoot, 'k8s.io'), 'delete', '--force', id);
  killAll(withDescendants(allProcesses(), (process) => belongsTo(paths, process)));
  for (const file of [...shimSockets(paths), ...cniResults(containers)]) rmSync(file, { force: true });
  for (const folder of [paths.run, paths.dataDir]) unmountBelow(folder);
  rmSync(paths.run, { recursive: true, force: true });
}

const belongsTo = (paths: ContainerdPaths, { words }: Process): boolean =>
  (words[0]?.endsWith('containerd-shim-runc-v2') === true && words.includes(paths.socket)) ||
  (words[0]?.endsWith('containerd') === true && words.includes(paths.configFile));

/** A shim's socket is outside its machine's folders, in /run/containerd/s; its bundle says where. */
function shimSockets(paths: ContainerdPaths): readonly string[] {
  const bundles = join(paths.state, 'io.containerd.runtime.v2.task', 'k8s.io');
  return namesIn(bundles)
    .map((id) => join(bundles, id, 'address'))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8').trim().replace('unix://', ''))
    .filter((socket) => /^\/run\/containerd\/s\/[0-9a-f]+$/.test(socket));
}

/** What CNI noted about sandboxes' networks, in the one folder that it has for all. */
const cniResults = (sandboxes: readonly string[]): readonly string[] =>
  namesIn(cniResultsFolder)
    .filter((name) => sandboxes.some((id) => name.includes(`-${id}-`)))
    .map((name) => join(cniResultsFolder, name));

const cniResultsFolder = '/var/lib/cni/results';

const namesIn = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);
