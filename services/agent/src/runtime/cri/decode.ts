import type { Container__Output } from '@raftsman/proto/gen/runtime/v1/Container.js';
import type { ContainerState__Output } from '@raftsman/proto/gen/runtime/v1/ContainerState.js';
import type { ContainerStatus__Output } from '@raftsman/proto/gen/runtime/v1/ContainerStatus.js';
import type { Image__Output } from '@raftsman/proto/gen/runtime/v1/Image.js';
import type { PodSandbox__Output } from '@raftsman/proto/gen/runtime/v1/PodSandbox.js';
import type { PodSandboxMetadata__Output } from '@raftsman/proto/gen/runtime/v1/PodSandboxMetadata.js';
import type { PodSandboxStatus__Output } from '@raftsman/proto/gen/runtime/v1/PodSandboxStatus.js';
import type {
  ContainerState,
  ContainerStatus,
  ContainerSummary,
  ImageStatus,
  PodSandboxMetadata,
  PodSandboxStatus,
  PodSandboxSummary,
} from '../runtime.js';

/** Pure functions from the wire's messages. Times there are nanoseconds, as strings. */
const milliseconds = (nanoseconds: string): number => Math.floor(Number(nanoseconds) / 1e6);

const sandboxMetadata = (metadata: PodSandboxMetadata__Output | null): PodSandboxMetadata => ({
  name: metadata?.name ?? '',
  namespace: metadata?.namespace ?? '',
  uid: metadata?.uid ?? '',
  attempt: metadata?.attempt ?? 0,
});

export const decodeSandbox = (sandbox: PodSandbox__Output): PodSandboxSummary => ({
  id: sandbox.id,
  metadata: sandboxMetadata(sandbox.metadata),
  ready: sandbox.state === 'SANDBOX_READY',
  createdAtMs: milliseconds(sandbox.createdAt),
  labels: sandbox.labels,
  annotations: sandbox.annotations,
});

export function decodeSandboxStatus(status: PodSandboxStatus__Output): PodSandboxStatus {
  const { ip = '', additionalIps = [] } = status.network ?? {};
  return {
    ...decodeSandbox(status),
    ips: [ip, ...additionalIps.map((additional) => additional.ip)].filter((address) => address !== ''),
  };
}

const states: Readonly<Record<ContainerState__Output, ContainerState>> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
};

export const decodeContainer = (container: Container__Output): ContainerSummary => ({
  id: container.id,
  sandboxId: container.podSandboxId,
  metadata: { name: container.metadata?.name ?? '', attempt: container.metadata?.attempt ?? 0 },
  state: states[container.state],
  createdAtMs: milliseconds(container.createdAt),
  labels: container.labels,
  annotations: container.annotations,
});

/** A container's status does not name its sandbox: the caller knows it from the list. */
export const decodeContainerStatus = (
  status: ContainerStatus__Output,
  sandboxId: string,
): ContainerStatus => ({
  id: status.id,
  sandboxId,
  metadata: { name: status.metadata?.name ?? '', attempt: status.metadata?.attempt ?? 0 },
  state: states[status.state],
  createdAtMs: milliseconds(status.createdAt),
  labels: status.labels,
  annotations: status.annotations,
  image: status.image?.image ?? '',
  imageRef: status.imageRef,
  startedAtMs: milliseconds(status.startedAt),
  finishedAtMs: finishedAtMs(status),
  exitCode: status.exitCode,
  reason: status.reason,
  message: status.message,
  logPath: status.logPath,
});

/** The runtime notes the start when it hears of it, its shim the end when it happens: of a container that ends at once they come the wrong way round. */
function finishedAtMs({ startedAt, finishedAt }: ContainerStatus__Output): number {
  const finished = milliseconds(finishedAt);
  return finished === 0 ? 0 : Math.max(finished, milliseconds(startedAt));
}

export const decodeImage = (image: Image__Output): ImageStatus => ({
  id: image.id,
  repoTags: image.repoTags,
  repoDigests: image.repoDigests,
  sizeBytes: Number(image.size),
  ...(image.uid === null ? {} : { uid: Number(image.uid.value) }),
  ...(image.username === '' ? {} : { username: image.username }),
});
