import { mkdir, stat, symlink } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import type { ContainerConfig } from '../runtime.js';

/** Where a process finds its volumes: README.md, "The process runtime". */
const rootVariable = 'RAFTSMAN_ROOT';
const volumeVariable = (volume: string): string =>
  `RAFTSMAN_VOLUME_${volume.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;

/**
 * Lays out a container's private directory: a link at each mount's container path leads to the volume. Mounts come
 * outermost first; one inside another mount's path cannot be linked there and is reached through its variable alone.
 */
export async function makeContainerRoot(root: string, config: ContainerConfig): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o755 });
  const mounts = config.mounts.toSorted((a, b) => a.containerPath.length - b.containerPath.length);
  const linked: string[] = [];
  for (const mount of mounts) {
    // normalize() of an absolute path cannot leave it: "/../../etc" becomes "/etc".
    const at = normalize(`/${mount.containerPath}`).replace(/\/+$/, '');
    if (at === '' || linked.some((other) => at === other || at.startsWith(`${other}/`))) continue;
    await mkdir(dirname(join(root, at)), { recursive: true });
    await symlink(mount.hostPath, join(root, at));
    linked.push(at);
  }
}

/** The working directory: the host's if it has one of that name, else one below the private root, made on demand. */
export async function workingDirectory(root: string, config: ContainerConfig): Promise<string> {
  if (config.workingDir === '') return root;
  const onHost = normalize(`/${config.workingDir}`);
  const isDirectory = await stat(onHost).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isDirectory) return onHost;
  const own = join(root, onHost);
  await mkdir(own, { recursive: true });
  return own;
}

export function volumeVariables(root: string, config: ContainerConfig): Readonly<Record<string, string>> {
  const variables: Record<string, string> = { [rootVariable]: root };
  for (const mount of config.mounts)
    if (mount.volume !== '') variables[volumeVariable(mount.volume)] = mount.hostPath;
  return variables;
}
