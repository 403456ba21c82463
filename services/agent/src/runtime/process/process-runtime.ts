import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@raftsman/telemetry';
import { podUidLabel } from '../labels.js';
import {
  RuntimeError,
  type ContainerConfig,
  type ContainerStatus,
  type ContainerSummary,
  type ExecResult,
  type ImageStatus,
  type PodSandboxConfig,
  type PodSandboxStatus,
  type Runtime,
  type RuntimeCondition,
  type RuntimeFilter,
  type RuntimeVersion,
} from '../runtime.js';
import { AddressPool } from './addresses.js';
import { findSetpriv } from './launch.js';
import { ProcessContainer, type ContainerHost } from './process-container.js';
import { RecordStore, type ContainerRecord, type SandboxRecord } from './records.js';

export interface ProcessRuntimeOptions {
  /** Holds the records and the containers' private directories; one agent at a time. */
  readonly rootDir: string;
  readonly version: string;
  readonly logger: Logger;
  /** Where util-linux' setpriv is looked for; as $PATH. */
  readonly searchPath?: string;
}

/**
 * Runs containers as supervised child processes: no root, no images, no isolation. A sandbox is an address of the node's
 * podCIDR, which on one machine lies in 127.0.0.0/8. Its containers die with the agent (README.md).
 */
export class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly usesImages = false;
  readonly mountsVolumes = false;

  readonly #options: ProcessRuntimeOptions;
  readonly #bootId: string;
  readonly #setpriv: string | undefined;
  readonly #sandboxStore: RecordStore<SandboxRecord>;
  readonly #containerStore: RecordStore<ContainerRecord>;
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #containers = new Map<string, ProcessContainer>();
  readonly #watchers = new Set<(podUid: string) => void>();
  #pool: AddressPool | undefined;

  private constructor(options: ProcessRuntimeOptions, bootId: string, setpriv: string | undefined) {
    this.#options = options;
    this.#bootId = bootId;
    this.#setpriv = setpriv;
    this.#sandboxStore = new RecordStore(join(options.rootDir, 'sandboxes'));
    this.#containerStore = new RecordStore(join(options.rootDir, 'containers'));
  }

  /** Kills what an earlier agent left behind before it answers. */
  static async open(options: ProcessRuntimeOptions): Promise<ProcessRuntime> {
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    const setpriv = await findSetpriv(options.searchPath ?? '/usr/local/bin:/usr/bin:/bin');
    if (setpriv === undefined)
      options.logger.warn(
        'no setpriv with --pdeathsig (util-linux): pods outlive a killed agent until its next start',
      );
    const runtime = new ProcessRuntime(options, bootId, setpriv);
    await runtime.#recover();
    return runtime;
  }

  version(): Promise<RuntimeVersion> {
    return Promise.resolve({ name: this.name, version: this.#options.version });
  }

  status(): Promise<readonly RuntimeCondition[]> {
    const hasNetwork = this.#pool !== undefined;
    return Promise.resolve([
      { type: 'RuntimeReady', status: true, reason: '', message: '' },
      {
        type: 'NetworkReady',
        status: hasNetwork,
        reason: hasNetwork ? '' : 'NetworkPluginNotReady',
        message: hasNetwork ? '' : 'the node has no podCIDR yet',
      },
    ]);
  }

  updateRuntimeConfig(config: { readonly podCidr: string }): Promise<void> {
    if (this.#pool?.cidr !== config.podCidr) this.#pool = new AddressPool(config.podCidr);
    return Promise.resolve();
  }

  async runPodSandbox(config: PodSandboxConfig): Promise<string> {
    if (!config.hostNetwork && this.#pool === undefined)
      throw new RuntimeError('FailedPrecondition', 'the node has no podCIDR yet');
    const ip = config.hostNetwork ? '' : this.#pool!.allocate();
    const record = { id: newId(), config, createdAtMs: Date.now(), ready: true, ip };
    await this.#sandboxStore.put(record);
    this.#sandboxes.set(record.id, record);
    return record.id;
  }

  async stopPodSandbox(sandboxId: string): Promise<void> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox === undefined) return;
    await Promise.all(this.#containersOf(sandboxId).map((container) => container.stop(0)));
    if (!sandbox.ready) return;
    const stopped = { ...sandbox, ready: false };
    this.#sandboxes.set(sandboxId, stopped);
    if (sandbox.ip !== '') this.#pool?.release(sandbox.ip);
    await this.#sandboxStore.put(stopped);
  }

  async removePodSandbox(sandboxId: string): Promise<void> {
    await this.stopPodSandbox(sandboxId);
    for (const container of this.#containersOf(sandboxId)) await this.removeContainer(container.record.id);
    this.#sandboxes.delete(sandboxId);
    await this.#sandboxStore.remove(sandboxId);
  }

  podSandboxStatus(sandboxId: string): Promise<PodSandboxStatus> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox === undefined) return Promise.reject(notFound('sandbox', sandboxId));
    return Promise.resolve(sandboxStatus(sandbox));
  }

  listPodSandboxes(filter: RuntimeFilter = {}): Promise<readonly PodSandboxStatus[]> {
    const all = [...this.#sandboxes.values()].map(sandboxStatus);
    return Promise.resolve(all.filter(({ labels }) => matches(filter, labels[podUidLabel])));
  }

  async createContainer(
    sandboxId: string,
    config: ContainerConfig,
    sandbox: PodSandboxConfig,
  ): Promise<string> {
    const owner = this.#sandboxes.get(sandboxId);
    if (owner === undefined) throw notFound('sandbox', sandboxId);
    if (!owner.ready) throw new RuntimeError('FailedPrecondition', `sandbox ${sandboxId} is not ready`);
    if (config.command.length === 0)
      throw new RuntimeError(
        'InvalidArgument',
        `container ${config.metadata.name}: the process runtime needs a command; it has no images to take one from`,
        { reason: 'ProcessRuntimeNeedsCommand' },
      );
    const record: ContainerRecord = {
      id: newId(),
      sandboxId,
      config: {
        metadata: config.metadata,
        image: config.image,
        imageRef: config.imageRef,
        labels: config.labels,
        annotations: config.annotations,
      },
      logPath: join(sandbox.logDirectory, config.logPath),
      createdAtMs: Date.now(),
      life: { state: 'created' },
    };
    await this.#containerStore.put(record);
    const variables = { HOSTNAME: sandbox.hostname, ...(owner.ip === '' ? {} : { POD_IP: owner.ip }) };
    const container = new ProcessContainer(this.#hostOf(record), record, config, variables);
    this.#containers.set(record.id, container);
    return record.id;
  }

  startContainer(containerId: string): Promise<void> {
    return this.#container(containerId).then((container) => container.start());
  }

  async stopContainer(containerId: string, timeoutSeconds: number): Promise<void> {
    await this.#containers.get(containerId)?.stop(timeoutSeconds * 1_000);
  }

  async removeContainer(containerId: string): Promise<void> {
    await this.#containers.get(containerId)?.remove();
    this.#containers.delete(containerId);
  }

  async containerStatus(containerId: string): Promise<ContainerStatus> {
    return containerStatus((await this.#container(containerId)).record);
  }

  listContainers(filter: RuntimeFilter = {}): Promise<readonly ContainerSummary[]> {
    const all = [...this.#containers.values()].map(({ record }) => containerStatus(record));
    return Promise.resolve(all.filter(({ labels }) => matches(filter, labels[podUidLabel])));
  }

  /** Its log writer moves files aside by itself. */
  reopenContainerLog(): Promise<void> {
    return Promise.resolve();
  }

  async execSync(containerId: string, command: readonly string[], timeoutMs: number): Promise<ExecResult> {
    return (await this.#container(containerId)).exec(command, timeoutMs);
  }

  imageStatus(image: string): Promise<ImageStatus | undefined> {
    return Promise.resolve({ id: image, repoTags: [image], repoDigests: [], sizeBytes: 0 });
  }

  pullImage(image: string): Promise<string> {
    return Promise.resolve(image);
  }

  watch(changed: (podUid: string) => void, signal: AbortSignal): void {
    this.#watchers.add(changed);
    signal.addEventListener('abort', () => this.#watchers.delete(changed), { once: true });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#containers.values()].map((container) => container.stop(0)));
  }

  /** Addresses are given anew: nothing that was running still is. */
  async #recover(): Promise<void> {
    for (const record of await this.#containerStore.load()) {
      const container = new ProcessContainer(this.#hostOf(record), record);
      await container.recover();
      this.#containers.set(record.id, container);
    }
    for (const record of await this.#sandboxStore.load()) {
      const stopped = { ...record, ready: false };
      await this.#sandboxStore.put(stopped);
      this.#sandboxes.set(record.id, stopped);
    }
  }

  #hostOf(record: ContainerRecord): ContainerHost {
    return {
      store: this.#containerStore,
      directory: join(this.#options.rootDir, 'roots', record.id),
      bootId: this.#bootId,
      setpriv: this.#setpriv,
      logger: this.#options.logger,
      changed: () => {
        for (const watcher of this.#watchers) watcher(record.config.labels[podUidLabel] ?? '');
      },
    };
  }

  #containersOf(sandboxId: string): readonly ProcessContainer[] {
    return [...this.#containers.values()].filter(({ record }) => record.sandboxId === sandboxId);
  }

  #container(containerId: string): Promise<ProcessContainer> {
    const container = this.#containers.get(containerId);
    return container === undefined
      ? Promise.reject(notFound('container', containerId))
      : Promise.resolve(container);
  }
}

const newId = (): string => randomBytes(32).toString('hex');

const notFound = (what: string, id: string): RuntimeError => new RuntimeError('NotFound', `no ${what} ${id}`);

const matches = (filter: RuntimeFilter, podUid: string | undefined): boolean =>
  filter.podUid === undefined || filter.podUid === podUid;

function sandboxStatus({ id, config, createdAtMs, ready, ip }: SandboxRecord): PodSandboxStatus {
  const { metadata, labels, annotations } = config;
  return { id, metadata, ready, createdAtMs, labels, annotations, ips: ip === '' ? [] : [ip] };
}

function containerStatus({
  id,
  sandboxId,
  config,
  logPath,
  createdAtMs,
  life,
}: ContainerRecord): ContainerStatus {
  const common = { id, sandboxId, ...config, logPath, createdAtMs, state: life.state };
  const never = { startedAtMs: 0, finishedAtMs: 0, exitCode: 0, reason: '', message: '' };
  switch (life.state) {
    case 'created':
      return { ...common, ...never };
    case 'running':
      return { ...common, ...never, startedAtMs: life.startedAtMs };
    case 'exited': {
      const { startedAtMs, finishedAtMs, exitCode, reason, message } = life;
      return { ...common, startedAtMs, finishedAtMs, exitCode, reason, message };
    }
  }
}
