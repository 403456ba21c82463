import type { ContainerStatusResponse__Output } from '@raftsman/proto/gen/runtime/v1/ContainerStatusResponse.js';
import type { CreateContainerResponse__Output } from '@raftsman/proto/gen/runtime/v1/CreateContainerResponse.js';
import type { ExecSyncResponse__Output } from '@raftsman/proto/gen/runtime/v1/ExecSyncResponse.js';
import type { ImageStatusResponse__Output } from '@raftsman/proto/gen/runtime/v1/ImageStatusResponse.js';
import type { ListContainersResponse__Output } from '@raftsman/proto/gen/runtime/v1/ListContainersResponse.js';
import type { ListPodSandboxResponse__Output } from '@raftsman/proto/gen/runtime/v1/ListPodSandboxResponse.js';
import type { PodSandboxStatusResponse__Output } from '@raftsman/proto/gen/runtime/v1/PodSandboxStatusResponse.js';
import type { PullImageResponse__Output } from '@raftsman/proto/gen/runtime/v1/PullImageResponse.js';
import type { RunPodSandboxResponse__Output } from '@raftsman/proto/gen/runtime/v1/RunPodSandboxResponse.js';
import type { StatusResponse__Output } from '@raftsman/proto/gen/runtime/v1/StatusResponse.js';
import type { VersionResponse__Output } from '@raftsman/proto/gen/runtime/v1/VersionResponse.js';
import type { Logger } from '@raftsman/telemetry';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { agentLimits } from '../../limits.js';
import { podUidLabel } from '../labels.js';
import {
  isNotFound,
  RuntimeError,
  type ContainerConfig,
  type ContainerStatus,
  type ContainerSummary,
  type ExecResult,
  type ImageAuth,
  type ImageStatus,
  type PodSandboxConfig,
  type PodSandboxStatus,
  type PodSandboxSummary,
  type Runtime,
  type RuntimeCondition,
  type RuntimeFilter,
  type RuntimeVersion,
} from '../runtime.js';
import { CriClient } from './cri-client.js';
import {
  decodeContainer,
  decodeContainerStatus,
  decodeImage,
  decodeSandbox,
  decodeSandboxStatus,
} from './decode.js';
import { encodeContainer, encodeSandbox } from './encode.js';
import { changedPods, summarise, type Listed } from './relist.js';

export interface CriRuntimeOptions {
  /** "unix:///run/containerd/containerd.sock" */
  readonly endpoint: string;
  readonly logger: Logger;
}

const callMs = agentLimits.criCallTimeoutMs;

/** Containers through the Container Runtime Interface v1: containerd, CRI-O. */
export class CriRuntime implements Runtime {
  readonly name: string;
  readonly usesImages = true;
  readonly mountsVolumes = true;

  readonly #client: CriClient;
  readonly #logger: Logger;
  readonly #version: RuntimeVersion;
  /** A container's status does not say which sandbox it is in; it never moves. */
  readonly #sandboxOf = new Map<string, string>();

  private constructor(client: CriClient, version: RuntimeVersion, logger: Logger) {
    this.#client = client;
    this.#version = version;
    this.#logger = logger;
    this.name = version.name;
  }

  /** Rejects if nothing answers at the endpoint, or not in this protocol. */
  static async connect({ endpoint, logger }: CriRuntimeOptions): Promise<CriRuntime> {
    const client = new CriClient(endpoint);
    try {
      const answer = await client.runtime<object, VersionResponse__Output>(
        'version',
        { version: 'v1' },
        10_000,
      );
      return new CriRuntime(client, { name: answer.runtimeName, version: answer.runtimeVersion }, logger);
    } catch (error) {
      client.close();
      throw error;
    }
  }

  version(): Promise<RuntimeVersion> {
    return Promise.resolve(this.#version);
  }

  async status(): Promise<readonly RuntimeCondition[]> {
    const { status } = await this.#call<StatusResponse__Output>('status', {});
    return (status?.conditions ?? []).flatMap(({ type, ...rest }) =>
      type === 'RuntimeReady' || type === 'NetworkReady' ? [{ type, ...rest }] : [],
    );
  }

  async updateRuntimeConfig({ podCidr }: { readonly podCidr: string }): Promise<void> {
    await this.#call('updateRuntimeConfig', { runtimeConfig: { networkConfig: { podCidr } } });
  }

  async runPodSandbox(config: PodSandboxConfig): Promise<string> {
    await mkdir(config.logDirectory, { recursive: true, mode: 0o755 });
    const request = { config: encodeSandbox(config) };
    return (await this.#call<RunPodSandboxResponse__Output>('runPodSandbox', request)).podSandboxId;
  }

  async stopPodSandbox(podSandboxId: string): Promise<void> {
    await this.#call('stopPodSandbox', { podSandboxId }).catch(unlessNotFound);
  }

  async removePodSandbox(podSandboxId: string): Promise<void> {
    await this.#call('removePodSandbox', { podSandboxId }).catch(unlessNotFound);
  }

  async podSandboxStatus(podSandboxId: string): Promise<PodSandboxStatus> {
    const { status } = await this.#call<PodSandboxStatusResponse__Output>('podSandboxStatus', {
      podSandboxId,
    });
    if (status === null) throw new RuntimeError('NotFound', `no sandbox ${podSandboxId}`);
    return decodeSandboxStatus(status);
  }

  async listPodSandboxes(filter: RuntimeFilter = {}): Promise<readonly PodSandboxSummary[]> {
    const request = { filter: { labelSelector: selectorOf(filter) } };
    return (await this.#call<ListPodSandboxResponse__Output>('listPodSandbox', request)).items.map(
      decodeSandbox,
    );
  }

  async createContainer(
    sandboxId: string,
    config: ContainerConfig,
    sandbox: PodSandboxConfig,
  ): Promise<string> {
    await mkdir(dirname(join(sandbox.logDirectory, config.logPath)), { recursive: true, mode: 0o755 });
    const { containerId } = await this.#call<CreateContainerResponse__Output>('createContainer', {
      podSandboxId: sandboxId,
      config: encodeContainer(config, sandbox),
      sandboxConfig: encodeSandbox(sandbox),
    });
    this.#sandboxOf.set(containerId, sandboxId);
    return containerId;
  }

  async startContainer(containerId: string): Promise<void> {
    await this.#call('startContainer', { containerId });
  }

  async stopContainer(containerId: string, timeoutSeconds: number): Promise<void> {
    const patienceMs = timeoutSeconds * 1_000 + agentLimits.stopMarginMs;
    await this.#call('stopContainer', { containerId, timeout: timeoutSeconds }, patienceMs).catch(
      unlessNotFound,
    );
  }

  async removeContainer(containerId: string): Promise<void> {
    await this.#call('removeContainer', { containerId }).catch(unlessNotFound);
    this.#sandboxOf.delete(containerId);
  }

  async containerStatus(containerId: string): Promise<ContainerStatus> {
    const { status } = await this.#call<ContainerStatusResponse__Output>('containerStatus', { containerId });
    if (status === null) throw new RuntimeError('NotFound', `no container ${containerId}`);
    if (!this.#sandboxOf.has(containerId)) await this.listContainers();
    return decodeContainerStatus(status, this.#sandboxOf.get(containerId) ?? '');
  }

  async listContainers(filter: RuntimeFilter = {}): Promise<readonly ContainerSummary[]> {
    const request = { filter: { labelSelector: selectorOf(filter) } };
    const answer = await this.#call<ListContainersResponse__Output>('listContainers', request);
    const containers = answer.containers.map(decodeContainer);
    for (const { id, sandboxId } of containers) this.#sandboxOf.set(id, sandboxId);
    return containers;
  }

  async reopenContainerLog(containerId: string): Promise<void> {
    await this.#call('reopenContainerLog', { containerId });
  }

  async execSync(containerId: string, command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    // The protocol knows whole seconds; the call's own deadline is a little later, so that the runtime's answer wins.
    const timeout = Math.max(1, Math.ceil(timeoutMs / 1_000));
    const request = { containerId, cmd: [...command], timeout };
    const answer = await this.#call<ExecSyncResponse__Output>('execSync', request, timeout * 1_000 + 2_000);
    const text = (bytes: Buffer): string => bytes.toString('utf8', 0, agentLimits.execOutputBytesMax);
    return { exitCode: answer.exitCode, stdout: text(answer.stdout), stderr: text(answer.stderr) };
  }

  async imageStatus(image: string): Promise<ImageStatus | undefined> {
    const request = { image: { image } };
    const answer = await this.#client.images<object, ImageStatusResponse__Output>(
      'imageStatus',
      request,
      callMs,
    );
    return answer.image === null ? undefined : decodeImage(answer.image);
  }

  async pullImage(image: string, auth: ImageAuth | undefined, signal: AbortSignal): Promise<string> {
    const request = { image: { image }, ...(auth === undefined ? {} : { auth }) };
    const { imagePullTimeoutMs } = agentLimits;
    const answer = await this.#client.images<object, PullImageResponse__Output>(
      'pullImage',
      request,
      imagePullTimeoutMs,
      signal,
    );
    return answer.imageRef;
  }

  watch(changed: (podUid: string) => void, signal: AbortSignal): void {
    void this.#relist(changed, signal);
  }

  close(): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }

  /** Looks at everything once a second, as kubelet does: containerd before 1.7 tells nobody by itself. */
  async #relist(changed: (podUid: string) => void, signal: AbortSignal): Promise<void> {
    let before: Listed = new Map();
    let failing = false;
    while (!signal.aborted) {
      try {
        const [sandboxes, containers] = await Promise.all([this.listPodSandboxes(), this.listContainers()]);
        const after = summarise(sandboxes, containers);
        if (!signal.aborted) for (const uid of changedPods(before, after)) changed(uid);
        before = after;
        this.#forgetGone(containers);
        if (failing) this.#logger.info('the container runtime answers again');
        failing = false;
      } catch (error) {
        if (!failing && !signal.aborted)
          this.#logger.warn({ err: error }, 'the container runtime does not answer');
        failing = true;
      }
      await pause(agentLimits.relistIntervalMs, signal);
    }
  }

  #forgetGone(containers: readonly ContainerSummary[]): void {
    const present = new Set(containers.map(({ id }) => id));
    for (const id of this.#sandboxOf.keys()) if (!present.has(id)) this.#sandboxOf.delete(id);
  }

  #call<Response>(method: string, request: object, timeoutMs: number = callMs): Promise<Response> {
    return this.#client.runtime(method, request, timeoutMs);
  }
}

const selectorOf = ({ podUid }: RuntimeFilter): Record<string, string> =>
  podUid === undefined ? {} : { [podUidLabel]: podUid };

function unlessNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done, { once: true });
  });
}
