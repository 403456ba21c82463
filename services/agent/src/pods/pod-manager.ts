import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@raftsman/api';
import { podGracePeriodAnnotation, podIdentityOf, type PodIdentity } from '../runtime/labels.js';
import { agentLimits } from '../limits.js';
import type { PodHandlers } from '../sources.js';
import type { PodContext } from './pod-context.js';
import { PodWorker } from './pod-worker.js';

/** All pods of this node: those the API wants and those that still run without it. */
export class PodManager implements PodHandlers {
  readonly #context: PodContext;
  readonly #workers = new Map<string, PodWorker>();
  readonly #stop = new AbortController();
  #synced = false;

  constructor(context: PodContext) {
    this.#context = context;
    context.runtime.watch((podUid) => this.#workers.get(podUid)?.wake(), this.#stop.signal);
  }

  get size(): number {
    return this.#workers.size;
  }

  list(): readonly Pod[] {
    return [...this.#workers.values()].map(({ pod }) => pod);
  }

  /** The newest pod of that name. */
  find(namespace: string, name: string): PodWorker | undefined {
    return [...this.#workers.values()]
      .filter(({ pod }) => pod.metadata.namespace === namespace && pod.metadata.name === name)
      .at(-1);
  }

  set(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    this.#workerOf(uid, pod).update(pod);
  }

  deleted(pod: Pod): void {
    this.#workers.get(pod.metadata.uid ?? '')?.orphan();
  }

  synced(): void {
    if (this.#synced) return;
    this.#synced = true;
    void this.#endUnknown();
  }

  /** Lets go of all pods without ending them; waits for steps under way, but not for ever. */
  async close(): Promise<void> {
    this.#stop.abort();
    const closing = [...this.#workers.values()].map((worker) => worker.close());
    this.#context.statuses.close();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, agentLimits.shutdownMs);
    });
    await Promise.race([Promise.all(closing), timeout]);
    clearTimeout(timer);
  }

  #workerOf(uid: string, pod: Pod): PodWorker {
    let worker = this.#workers.get(uid);
    if (worker === undefined) {
      worker = new PodWorker(this.#context, pod, () => this.#workers.delete(uid));
      this.#workers.set(uid, worker);
    }
    return worker;
  }

  /**
   * Ends pods that run here and that the API does not know. Only after the first sync: before it, every pod would look
   * unknown. Tried again until the runtime answers.
   */
  async #endUnknown(): Promise<void> {
    try {
      const unknown = new Map<string, Pod>();
      for (const found of [
        ...(await this.#context.runtime.listPodSandboxes()),
        ...(await this.#context.runtime.listContainers()),
      ]) {
        const identity = podIdentityOf(found.labels);
        if (identity === undefined || this.#workers.has(identity.uid)) continue;
        const grace = Number(found.annotations[podGracePeriodAnnotation] ?? 30);
        unknown.set(identity.uid, podOf(identity, Number.isFinite(grace) ? grace : 30));
      }
      for (const [uid, pod] of unknown) {
        this.#context.logger.warn(
          { pod: pod.metadata.name, uid },
          'a pod runs that the API does not know: ending it',
        );
        this.#workerOf(uid, pod).orphan();
      }
      await this.#removeUnknownDirectories();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#context.logger.warn({ err: error }, 'looking for pods that the API does not know');
      setTimeout(() => void this.#endUnknown(), 5_000).unref();
    }
  }

  async #removeUnknownDirectories(): Promise<void> {
    for (const [folder, uidOf] of [
      ['pods', (name: string): string => name],
      ['logs', (name: string): string => name.slice(name.lastIndexOf('_') + 1)],
    ] as const) {
      const directory = join(this.#context.rootDir, folder);
      for (const name of await readdir(directory).catch(() => []))
        if (!this.#workers.has(uidOf(name)))
          await rm(join(directory, name), { recursive: true, force: true });
    }
  }
}

/** What can be said of a pod of which only its containers are left. */
const podOf = ({ uid, namespace, name }: PodIdentity, terminationGracePeriodSeconds: number): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { uid, namespace, name },
  spec: { containers: [], terminationGracePeriodSeconds },
});
