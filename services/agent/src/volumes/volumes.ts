import { chmod, chown, lstat, mkdir, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { HostPathVolumeSource, Pod, Volume, VolumeMount } from '@raftsman/api';
import { ContainerConfigError } from '../containers/config-error.js';
import { isSafePath, writePayload, type Payload } from './atomic-writer.js';
import {
  configMapPayload,
  downwardPayload,
  projectedPayload,
  secretPayload,
  type PayloadContext,
} from './payload.js';

/** Where a volume is on this machine. */
export interface MountedVolume {
  readonly hostPath: string;
  /** The agent writes it; containers may not. */
  readonly readOnly: boolean;
}

export type MountedVolumes = ReadonlyMap<string, MountedVolume>;

/**
 * Makes all volumes of a pod, or brings them up to date; idempotent. `podDirectory` is the pod's own below --root-dir.
 * Rejects with ContainerConfigError (reason FailedMount) for what cannot be had.
 */
export async function mountVolumes(podDirectory: string, context: PayloadContext): Promise<MountedVolumes> {
  const mounted = new Map<string, MountedVolume>();
  for (const volume of context.pod.spec.volumes ?? []) {
    try {
      mounted.set(volume.name, await mountVolume(podDirectory, volume, context));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ContainerConfigError(
        `MountVolume.SetUp failed for volume "${volume.name}" : ${why}`,
        'FailedMount',
        {
          cause,
        },
      );
    }
  }
  return mounted;
}

/** Whether a pod's volumes follow objects that may change. */
export const hasLiveVolumes = (pod: Pod): boolean =>
  (pod.spec.volumes ?? []).some(
    ({ configMap, secret, downwardAPI, projected }) =>
      configMap !== undefined || secret !== undefined || downwardAPI !== undefined || projected !== undefined,
  );

async function mountVolume(
  podDirectory: string,
  volume: Volume,
  context: PayloadContext,
): Promise<MountedVolume> {
  const directory = (plugin: string): string =>
    join(podDirectory, 'volumes', `kubernetes.io~${plugin}`, volume.name);
  const gid = context.pod.spec.securityContext?.fsGroup;
  const files = async (plugin: string, payload: Payload): Promise<MountedVolume> => {
    await writePayload(directory(plugin), payload, gid);
    return { hostPath: directory(plugin), readOnly: true };
  };
  if (volume.emptyDir !== undefined) return emptyDirectory(directory('empty-dir'), gid);
  if (volume.hostPath !== undefined) return hostPath(volume.hostPath);
  if (volume.configMap !== undefined)
    return files('configmap', await configMapPayload(volume.configMap, context));
  if (volume.secret !== undefined) return files('secret', await secretPayload(volume.secret, context));
  if (volume.projected !== undefined)
    return files('projected', await projectedPayload(volume.projected, context));
  if (volume.downwardAPI !== undefined) {
    const { items, defaultMode } = volume.downwardAPI;
    return files('downward-api', downwardPayload(items, defaultMode, context));
  }
  const source = Object.keys(volume).find((key) => key !== 'name') ?? 'nothing';
  throw new ContainerConfigError(`volume source ${source} is not supported by this agent`, 'FailedMount');
}

async function emptyDirectory(path: string, gid: number | undefined): Promise<MountedVolume> {
  await mkdir(path, { recursive: true });
  await chmod(path, gid === undefined ? 0o777 : 0o2777);
  if (gid !== undefined) await chown(path, -1, gid);
  return { hostPath: path, readOnly: false };
}

async function hostPath({ path, type }: HostPathVolumeSource): Promise<MountedVolume> {
  if (type === 'DirectoryOrCreate') await mkdir(path, { recursive: true, mode: 0o755 });
  if (type === 'FileOrCreate') {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '', { flag: 'a', mode: 0o644 });
  }
  const found = await stat(path).catch(() => undefined);
  const fits = {
    '': true,
    DirectoryOrCreate: found?.isDirectory(),
    Directory: found?.isDirectory(),
    FileOrCreate: found?.isFile(),
    File: found?.isFile(),
    Socket: found?.isSocket(),
    CharDevice: found?.isCharacterDevice(),
    BlockDevice: found?.isBlockDevice(),
  }[type ?? ''];
  if (fits !== true) throw new ContainerConfigError(`hostPath type check failed: ${path} is not a ${type}`);
  return { hostPath: path, readOnly: false };
}

/**
 * The directory or file of a volume that a mount shows. A sub path is made on demand; one that leaves the volume,
 * by itself or through a link, is refused.
 */
export async function mountSource(
  volume: MountedVolume,
  mount: VolumeMount,
  subPath: string,
): Promise<string> {
  if (subPath === '') return volume.hostPath;
  if (!isSafePath(subPath))
    throw new ContainerConfigError(`subPath ${JSON.stringify(subPath)} leaves volume ${mount.name}`);
  const root = await realpath(volume.hostPath);
  const wanted = resolve(root, subPath);
  if ((await lstat(wanted).catch(() => undefined)) === undefined) {
    const parent = await realpath(await nearestExisting(dirname(wanted)));
    assertBelow(root, parent, mount);
    await mkdir(wanted, { recursive: true, mode: 0o777 });
  }
  const real = await realpath(wanted);
  assertBelow(root, real, mount);
  return real;
}

async function nearestExisting(path: string): Promise<string> {
  const exists = await lstat(path).then(
    () => true,
    () => false,
  );
  return exists ? path : nearestExisting(dirname(path));
}

function assertBelow(root: string, path: string, mount: VolumeMount): void {
  if (path !== root && !path.startsWith(root + sep))
    throw new ContainerConfigError(`subPath of volume ${mount.name} leads out of it through a link`);
}
