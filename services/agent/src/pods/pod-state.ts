import type { Container, Pod } from '@raftsman/api';
import { createHash } from 'node:crypto';
import { containerHashAnnotation, restartCountAnnotation } from '../runtime/labels.js';
import type { ContainerStatus, PodSandboxStatus, Runtime } from '../runtime/runtime.js';
import { isNotFound } from '../runtime/runtime.js';

/** What the runtime holds of one pod. Both lists are newest first. */
export interface PodRuntimeState {
  readonly sandboxes: readonly PodSandboxStatus[];
  readonly containers: readonly ContainerStatus[];
}

export async function readPodState(runtime: Runtime, podUid: string): Promise<PodRuntimeState> {
  const [sandboxes, containers] = await Promise.all([
    runtime.listPodSandboxes({ podUid }),
    runtime.listContainers({ podUid }),
  ]);
  const [sandboxStatuses, containerStatuses] = await Promise.all([
    Promise.all(sandboxes.map(({ id }) => orGone(runtime.podSandboxStatus(id)))),
    Promise.all(containers.map(({ id }) => orGone(runtime.containerStatus(id)))),
  ]);
  const newest = (a: Aged, b: Aged): number =>
    b.createdAtMs - a.createdAtMs || b.metadata.attempt - a.metadata.attempt;
  return {
    sandboxes: sandboxStatuses.filter((status) => status !== undefined).toSorted(newest),
    containers: containerStatuses.filter((status) => status !== undefined).toSorted(newest),
  };
}

interface Aged {
  readonly createdAtMs: number;
  readonly metadata: { readonly attempt: number };
}

/** What vanished between the list and the look is not there. */
function orGone<T>(status: Promise<T>): Promise<T | undefined> {
  return status.catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
}

export const readySandbox = (state: PodRuntimeState): PodSandboxStatus | undefined =>
  state.sandboxes.find(({ ready }) => ready);

/** The newest run of a container; with `sandboxId`, in that sandbox only. */
export const latestContainer = (
  state: PodRuntimeState,
  name: string,
  sandboxId?: string,
): ContainerStatus | undefined =>
  state.containers.find(
    (container) =>
      container.metadata.name === name && (sandboxId === undefined || container.sandboxId === sandboxId),
  );

/** It runs, or may: the runtime lost track of it. Either way it must be stopped before another run of it begins. */
export const mayRun = ({ state }: ContainerStatus): boolean => state === 'running' || state === 'unknown';

export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

export const initContainersOf = (pod: Pod): readonly Container[] => pod.spec.initContainers ?? [];

/** A running container whose hash differs is replaced: only a new image does that, as in kubelet. */
export const containerHash = (container: Container): string =>
  createHash('sha256')
    .update(JSON.stringify([container.name, container.image ?? '']))
    .digest('hex')
    .slice(0, 16);

export const definitionChanged = (container: Container, running: ContainerStatus): boolean => {
  const hash = running.annotations[containerHashAnnotation];
  return hash !== undefined && hash !== containerHash(container);
};

/** How often the container in hand had been restarted when it was made. */
export const restartCountOf = (container: ContainerStatus): number => {
  const annotated = Number(container.annotations[restartCountAnnotation]);
  return Number.isInteger(annotated) && annotated >= 0 ? annotated : container.metadata.attempt;
};

/** The number of the container's next run: one more than the runtime or, if it forgot, the API remembers. */
export function nextAttempt(pod: Pod, state: PodRuntimeState, name: string): number {
  const known = state.containers
    .filter(({ metadata }) => metadata.name === name)
    .map((container) => Math.max(restartCountOf(container), container.metadata.attempt) + 1);
  const reported = [
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.containerStatuses ?? []),
  ].find((status) => status.name === name);
  const hasRun = reported?.containerID !== undefined && reported.containerID !== '';
  return Math.max(0, ...known, hasRun ? reported.restartCount + 1 : 0);
}
