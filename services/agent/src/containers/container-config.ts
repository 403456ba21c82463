import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Container, Pod } from '@raftsman/api';
import { containerHash } from '../pods/pod-state.js';
import {
  containerHashAnnotation,
  containerNameLabel,
  podGracePeriodAnnotation,
  podLabels,
  restartCountAnnotation,
  terminationMessagePathAnnotation,
  terminationMessagePolicyAnnotation,
} from '../runtime/labels.js';
import type {
  ContainerConfig,
  ContainerSecurity,
  ImageStatus,
  Labels,
  Mount,
  Runtime,
} from '../runtime/runtime.js';
import type { ObjectReader } from '../sources.js';
import { mountSource, type MountedVolumes } from '../volumes/volumes.js';
import { ContainerConfigError } from './config-error.js';
import { resolveEnvironment } from './environment.js';
import { expand } from './expansion.js';
import type { PodFacts } from './fields.js';
import { hostsFile } from './hosts-file.js';
import { linuxResources } from './linux-resources.js';
import type { PodPaths } from './sandbox-config.js';

export interface ContainerConfigInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly image: ImageStatus;
  readonly facts: PodFacts;
  readonly volumes: MountedVolumes;
  readonly paths: PodPaths;
  readonly objects: ObjectReader;
  readonly runtime: Pick<Runtime, 'mountsVolumes'>;
}

/** One run of a container as the runtime makes it. Rejects with ContainerConfigError. */
export async function containerConfig(input: ContainerConfigInput): Promise<ContainerConfig> {
  const { pod, container, attempt, image, facts } = input;
  const variables = await resolveEnvironment(pod, container, facts, input.objects);
  return {
    metadata: { name: container.name, attempt },
    image: container.image ?? '',
    imageRef: image.id,
    command: (container.command ?? []).map((part) => expand(part, variables)),
    args: (container.args ?? []).map((part) => expand(part, variables)),
    workingDir: container.workingDir ?? '',
    env: [...variables].map(([name, value]) => ({ name, value })),
    mounts: [...(await volumeMounts(input, variables)), ...(await ownMounts(input))],
    labels: {
      ...podLabels({
        uid: pod.metadata.uid ?? '',
        namespace: pod.metadata.namespace ?? '',
        name: pod.metadata.name ?? '',
      }),
      [containerNameLabel]: container.name,
    },
    annotations: annotations(input),
    logPath: join(container.name, `${attempt}.log`),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    resources: linuxResources(pod, container, facts.allocatable.memory ?? 0),
    security: security(pod, container, image),
  };
}

function annotations({ pod, container, attempt, runtime, paths }: ContainerConfigInput): Labels {
  return {
    [containerHashAnnotation]: containerHash(container),
    [restartCountAnnotation]: String(attempt),
    [podGracePeriodAnnotation]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
    [terminationMessagePolicyAnnotation]: container.terminationMessagePolicy ?? 'File',
    ...(runtime.mountsVolumes
      ? { [terminationMessagePathAnnotation]: terminationFile(paths, container, attempt) }
      : {}),
  };
}

/** The host's side of a container's terminationMessagePath. */
const terminationFile = (paths: PodPaths, container: Container, attempt: number): string =>
  join(paths.podDirectory, 'containers', container.name, String(attempt));

async function volumeMounts(
  { container, volumes }: ContainerConfigInput,
  variables: ReadonlyMap<string, string>,
): Promise<readonly Mount[]> {
  const mounts: Mount[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const volume = volumes.get(mount.name);
    if (volume === undefined)
      throw new ContainerConfigError(
        `volumeMount ${mount.mountPath} names no volume of the pod: ${mount.name}`,
      );
    const subPath =
      mount.subPathExpr === undefined ? (mount.subPath ?? '') : expand(mount.subPathExpr, variables);
    mounts.push({
      volume: mount.name,
      containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
      hostPath: await mountSource(volume, mount, subPath),
      readOnly: volume.readOnly || mount.readOnly === true,
      propagation: mount.mountPropagation ?? 'None',
    });
  }
  return mounts;
}

/** The files that every container gets: /etc/hosts and the file of its last words. */
async function ownMounts(input: ContainerConfigInput): Promise<readonly Mount[]> {
  const { pod, container, paths, attempt, facts } = input;
  if (!input.runtime.mountsVolumes) return [];
  const mountedByPod = new Set((container.volumeMounts ?? []).map(({ mountPath }) => mountPath));
  const mounts: Mount[] = [];
  const add = async (containerPath: string, hostPath: string, text: string, mode: number): Promise<void> => {
    if (mountedByPod.has(containerPath)) return;
    await mkdir(dirname(hostPath), { recursive: true });
    await writeFile(hostPath, text, { mode });
    mounts.push({ volume: '', containerPath, hostPath, readOnly: false, propagation: 'None' });
  };
  if (pod.spec.hostNetwork !== true)
    await add('/etc/hosts', join(paths.podDirectory, 'etc-hosts'), hostsFile(pod, facts.podIps), 0o644);
  const lastWords = container.terminationMessagePath ?? '/dev/termination-log';
  await add(lastWords, terminationFile(paths, container, attempt), '', 0o666);
  return mounts;
}

function security(pod: Pod, container: Container, image: ImageStatus): ContainerSecurity {
  const own = container.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  const runAsUser = own.runAsUser ?? shared.runAsUser;
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup;
  const groups = [
    ...(shared.supplementalGroups ?? []),
    ...(shared.fsGroup === undefined ? [] : [shared.fsGroup]),
  ];
  if (own.runAsNonRoot ?? shared.runAsNonRoot ?? false) assertNotRoot(container, image, runAsUser);
  const seccomp = own.seccompProfile?.type ?? shared.seccompProfile?.type ?? 'Unconfined';
  if (seccomp === 'Localhost')
    throw new ContainerConfigError('seccompProfile Localhost is not supported by this agent');
  return {
    privileged: own.privileged ?? false,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    supplementalGroups: groups,
    seccomp,
  };
}

function assertNotRoot(container: Container, image: ImageStatus, runAsUser: number | undefined): void {
  const uid = runAsUser ?? image.uid;
  if (uid !== undefined && uid !== 0) return;
  if (runAsUser === undefined && image.username !== undefined)
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root`,
    );
  throw new ContainerConfigError(
    runAsUser === 0
      ? "container's runAsUser breaks non-root policy"
      : `container has runAsNonRoot and image will run as root (container ${container.name})`,
  );
}
