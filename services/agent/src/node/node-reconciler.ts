import type { Node, Taint } from '@raftsman/api';
import { isAlreadyExists, isNotFound, type ResourceClient, type Stored } from '@raftsman/client';
import type { Logger } from '@raftsman/telemetry';
import { agentLimits } from '../limits.js';
import type { RuntimeCondition, Runtime } from '../runtime/runtime.js';
import { readHeadroom, type Headroom } from './machine.js';
import { missingLabels, newNode, nextNodeStatus, type NodeFacts } from './node-object.js';

export interface NodeReconcilerOptions {
  readonly nodes: Pick<ResourceClient<Node>, 'create' | 'get' | 'modify'>;
  /** The Node as the informer has it; undefined: it has none. */
  readonly cached: () => Stored<Node> | undefined;
  readonly runtime: Pick<Runtime, 'status' | 'version'>;
  readonly facts: Omit<NodeFacts, 'headroom' | 'runtime' | 'runtimeConditions'>;
  readonly taints: readonly Taint[];
  readonly rootDir: string;
  readonly logger: Logger;
}

/**
 * Keeps the Node right: makes it, and writes its status when what is there differs from what is so — because something
 * changed here, or because the node lifecycle controller took us for dead.
 */
export class NodeReconciler {
  readonly #options: NodeReconcilerOptions;
  #wake = (): void => undefined;
  #dirty = true;

  constructor(options: NodeReconcilerOptions) {
    this.#options = options;
  }

  /** The Node, or what it says of, may have changed. */
  wake(): void {
    this.#dirty = true;
    this.#wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    const onAbort = (): void => this.wake();
    signal.addEventListener('abort', onAbort, { once: true });
    while (!signal.aborted) {
      this.#dirty = false;
      let pauseMs: number = agentLimits.nodePressureCheckMs;
      try {
        const { wrote, ready } = await this.#reconcile();
        failures = 0;
        if (!ready) pauseMs = agentLimits.nodeWriteIntervalMinMs;
        // Somebody who keeps undoing our writes must not make us busy; one second is soon enough to contradict.
        if (wrote) await this.#pause(agentLimits.nodeWriteIntervalMinMs, signal, false);
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        pauseMs = Math.min(
          agentLimits.writeRetryMaxMs,
          agentLimits.writeRetryInitialMs * 2 ** Math.min(failures, 16),
        );
        this.#options.logger.warn({ err: error, failures }, 'keeping the Node up to date');
      }
      await this.#pause(pauseMs, signal, failures === 0);
    }
    signal.removeEventListener('abort', onAbort);
  }

  async #reconcile(): Promise<{ readonly wrote: boolean; readonly ready: boolean }> {
    const { nodes, taints, facts } = this.#options;
    const now = await this.#facts();
    const node = this.#options.cached() ?? (await this.#getOrCreate(newNode(now, taints)));
    const ref = { name: facts.name };
    if (missingLabels(node, now) !== undefined)
      await nodes.modify(ref, (current) => {
        const labels = missingLabels(current, now);
        return labels && { ...current, metadata: { ...current.metadata, labels } };
      });
    const ready = now.runtimeConditions.length > 0 && now.runtimeConditions.every(({ status }) => status);
    if (nextNodeStatus(node, now, Date.now()) === undefined) return { wrote: false, ready };
    await nodes.modify(
      ref,
      (current) => {
        const status = nextNodeStatus(current, now, Date.now());
        return status && { ...current, status };
      },
      { status: true },
    );
    return { wrote: true, ready };
  }

  async #getOrCreate(node: Node): Promise<Node> {
    const { nodes, facts, logger } = this.#options;
    try {
      return await nodes.get({ name: facts.name });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    try {
      const created = await nodes.create(node);
      logger.info({ node: facts.name }, 'registered the Node');
      return created;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return nodes.get({ name: facts.name });
    }
  }

  async #facts(): Promise<NodeFacts> {
    const { runtime, facts, rootDir } = this.#options;
    const [version, runtimeConditions, headroom]: [
      NodeFacts['runtime'],
      readonly RuntimeCondition[],
      Headroom,
    ] = await Promise.all([
      runtime.version(),
      // A runtime that does not answer is what the condition then says.
      runtime.status().catch(() => []),
      readHeadroom(rootDir),
    ]);
    return { ...facts, runtime: version, runtimeConditions, headroom };
  }

  #pause(delayMs: number, signal: AbortSignal, wakeable: boolean): Promise<void> {
    if (signal.aborted || (wakeable && this.#dirty)) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#wake = () => {
        if (!wakeable && !signal.aborted) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
