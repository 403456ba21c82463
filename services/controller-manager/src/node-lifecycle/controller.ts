import type { Node, Pod } from '@raftsman/api';
import {
  createController,
  createWorkQueue,
  isNotFound,
  keyOf,
  kinds,
  referenceTo,
  sleep,
  type Controller,
  type Requeue,
  type ResourceClient,
  type Stored,
  type WorkQueue,
} from '@raftsman/client';
import type { FailureDetector } from '@raftsman/heartbeat';
import type { ControllerContext } from '../context.js';
import { controllerLimits } from '../limits.js';
import { isReady, isTerminal, isTerminating, timestamp } from '../pods.js';
import { forEachParallel } from '../slow-start.js';
import {
  evictionAtMs,
  holdsBack,
  isUnreachable,
  readyCondition,
  wantedReady,
  wantedTaints,
  type DefaultTolerations,
} from './judgement.js';

/** What the controller hears of nodes; made anew for each term of a leader. */
export interface BeatEar {
  readonly detector: FailureDetector;
  /** Whether silence on NATS means anything. */
  natsLink(): 'up' | 'down';
}

export interface NodeLifecycleOptions {
  readonly defaultTolerations: DefaultTolerations;
  /** The failure detector's grace period: nodes get it anew when evictions go on after a common silence. */
  readonly gracePeriodMs: number;
  /** Starts to listen; ends with the signal. */
  readonly listen: (signal: AbortSignal) => BeatEar;
}

export function createNodeLifecycleController(
  context: ControllerContext,
  options: NodeLifecycleOptions,
): Controller {
  const queue = createWorkQueue({ backoffMaxMs: 5_000 });
  const { informers, logger } = context;
  const lifecycle = new NodeLifecycle(context, options, queue);
  const controller = createController({
    name: 'node-lifecycle',
    queue,
    reconcile: (key) => lifecycle.reconcile(key),
    workers: controllerLimits.workers,
    synced: [informers.nodes, informers.pods],
    logger,
  });
  informers.nodes.onChange(({ before, after }) => queue.add((after ?? before)!.metadata.name));
  informers.pods.onChange(({ before, after }) => {
    const node = after?.spec.nodeName ?? '';
    // A pod that came to a tainted node, or whose tolerations are still to be counted.
    if (before?.spec.nodeName !== node && (informers.nodes.get(node)?.spec?.taints ?? []).length > 0)
      queue.add(node);
  });
  return {
    run: async (signal) => {
      await Promise.all([controller.run(signal), lifecycle.monitor(signal)]);
    },
  };
}

class NodeLifecycle {
  readonly #context: ControllerContext;
  readonly #options: NodeLifecycleOptions;
  readonly #queue: WorkQueue;
  readonly #nodes: ResourceClient<Node>;
  readonly #pods: ResourceClient<Pod>;
  /** Since when a node is silent in this term (monotonic). */
  readonly #silentSinceMs = new Map<string, number>();
  #ear: BeatEar | undefined;
  #holdingBack = false;

  constructor(context: ControllerContext, options: NodeLifecycleOptions, queue: WorkQueue) {
    this.#context = context;
    this.#options = options;
    this.#queue = queue;
    this.#nodes = context.client.of(kinds.nodes);
    this.#pods = context.client.of(kinds.pods);
  }

  /** Every node that exists has a whole grace period from the moment this leader begins to listen. */
  async monitor(signal: AbortSignal): Promise<void> {
    const { informers, clock } = this.#context;
    const ear = this.#options.listen(signal);
    this.#ear = ear;
    if (!(await informers.nodes.waitForSync(signal))) return;
    for (const node of informers.nodes.list()) ear.detector.expect(node.metadata.name, clock.monotonicMs());
    informers.nodes.onChange(({ before, after }) => {
      if (after !== undefined) ear.detector.expect(after.metadata.name, clock.monotonicMs());
      else if (before !== undefined) this.#forget(ear, before.metadata.name);
    });
    while (!signal.aborted) {
      this.#evaluate(ear);
      await sleep(clock, controllerLimits.nodeMonitorPeriodMs, signal);
    }
  }

  #forget(ear: BeatEar, node: string): void {
    ear.detector.forget(node);
    this.#silentSinceMs.delete(node);
  }

  #evaluate(ear: BeatEar): void {
    const { detector } = ear;
    const { informers, clock, logger } = this.#context;
    const nowMs = clock.monotonicMs();
    for (const { node, to, silentForMs } of detector.evaluate(nowMs, ear.natsLink())) {
      if (informers.nodes.get(node) === undefined) {
        detector.forget(node);
        continue;
      }
      if (to === 'silent') {
        this.#silentSinceMs.set(node, nowMs);
        logger.warn({ node, silentForMs: Math.round(silentForMs) }, 'node fell silent');
      } else if (this.#silentSinceMs.delete(node)) logger.info({ node }, 'node is heard again');
      this.#queue.add(node);
    }
    this.#decideBrake();
  }

  #decideBrake(): void {
    const { informers, recorder, logger, clock } = this.#context;
    const nodes = informers.nodes.list().map((node) => ({
      verdict: this.#ear?.detector.verdict(node.metadata.name),
      handled: isUnreachable(node),
    }));
    const { unhealthyShare, unhealthyNodesMin } = controllerLimits;
    const holding = holdsBack(nodes, unhealthyShare, unhealthyNodesMin);
    if (holding === this.#holdingBack) return;
    this.#holdingBack = holding;
    if (!holding) {
      // Whoever is back first must not cost the others their pods: they may be a moment behind.
      const fromMs = clock.monotonicMs() + this.#options.gracePeriodMs;
      for (const node of this.#silentSinceMs.keys()) this.#silentSinceMs.set(node, fromMs);
      logger.info('evictions go on');
    }
    for (const node of this.#silentSinceMs.keys()) this.#queue.add(node);
    if (!holding) return;
    const silent = nodes.filter(({ verdict, handled }) => verdict === 'silent' && !handled).length;
    const message = `${silent} of ${nodes.length} nodes fell silent at once: taken for a failure of the network, no pod is evicted`;
    logger.error({ silent, nodes: nodes.length }, 'nodes fell silent at once: evictions are held back');
    const regarding = { apiVersion: 'v1', kind: 'Namespace', name: 'kube-system' };
    recorder.event(regarding, 'Warning', 'NodesSilent', message);
  }

  async reconcile(name: string): Promise<Requeue | void> {
    const { informers, clock } = this.#context;
    let node = informers.nodes.get(name);
    if (node === undefined) return undefined;
    const verdict = this.#ear?.detector.verdict(name);
    const waitMs = this.#settleMs(name);
    const mayEvict = verdict === 'silent' && waitMs <= 0 && !this.#holdingBack;
    node = await this.#writeReady(node, verdict);
    const taints = wantedTaints(node, mayEvict, clock.wallMs());
    if (taints !== undefined) {
      node = await this.#nodes.update({ ...node, spec: { ...node.spec, taints } });
      const keys = taints.map(({ key, effect }) => `${key}:${effect}`);
      this.#context.logger.info({ node: name, taints: keys }, 'node taints changed');
    }
    const nextMs = await this.#evict(node);
    const times = [nextMs, waitMs > 0 ? waitMs : undefined].filter((each) => each !== undefined);
    return times.length === 0 ? undefined : { afterMs: Math.min(...times) };
  }

  /** A node that fell silent is left alone for a moment: others may follow, and then the brake must know before the first eviction. */
  #settleMs(name: string): number {
    const sinceMs = this.#silentSinceMs.get(name);
    return sinceMs === undefined
      ? 0
      : sinceMs + controllerLimits.silenceSettleMs - this.#context.clock.monotonicMs();
  }

  async #writeReady(node: Stored<Node>, verdict: 'alive' | 'silent' | undefined): Promise<Stored<Node>> {
    const { clock, recorder, logger } = this.#context;
    const wanted = wantedReady(node, verdict, clock.wallMs());
    if (wanted === undefined) return node;
    const others = (node.status?.conditions ?? []).filter(({ type }) => type !== 'Ready');
    const written = await this.#nodes.updateStatus({
      ...node,
      status: { ...node.status, conditions: [...others, wanted] },
    });
    const ready = readyCondition(written)?.status === 'True';
    const reason = ready ? 'NodeReady' : 'NodeNotReady';
    recorder.event(
      referenceTo(node),
      'Normal',
      reason,
      `Node ${node.metadata.name} status is now: ${reason}`,
    );
    logger.info({ node: node.metadata.name, ready: wanted.status }, 'node condition changed');
    return written;
  }

  /** Deletes pods that must leave; answers after how long the next one must. */
  async #evict(node: Stored<Node>): Promise<number | undefined> {
    const { informers, clock } = this.#context;
    const taints = node.spec?.taints ?? [];
    if (!taints.some(({ effect }) => effect === 'NoExecute')) return undefined;
    const unreachable = isUnreachable(node);
    const nowMs = clock.wallMs();
    let next: number | undefined;
    const pods = informers.pods
      .by('node', node.metadata.name)
      .filter((pod) => !isTerminal(pod) && !isTerminating(pod));
    await forEachParallel(pods, controllerLimits.parallelWrites, async (pod) => {
      const atMs = evictionAtMs(pod, taints, this.#options.defaultTolerations);
      if (atMs !== undefined && atMs <= nowMs) {
        await this.#delete(pod);
        return;
      }
      if (atMs !== undefined) next = Math.min(next ?? Infinity, atMs - nowMs);
      if (unreachable && isReady(pod)) await this.#markNotReady(pod);
    });
    return next;
  }

  async #delete(pod: Stored<Pod>): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await this.#pods.delete({ namespace, name }, { uid });
      const message = `Marking for deletion Pod ${keyOf(pod)}`;
      this.#context.recorder.event(referenceTo(pod), 'Normal', 'TaintManagerEviction', message);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Traffic must not go there; the agent says otherwise when it is back. */
  async #markNotReady(pod: Stored<Pod>): Promise<void> {
    const lastTransitionTime = timestamp(this.#context.clock.wallMs());
    const conditions = (pod.status?.conditions ?? []).map((condition) =>
      condition.type === 'Ready' ? { ...condition, status: 'False' as const, lastTransitionTime } : condition,
    );
    try {
      await this.#pods.updateStatus({ ...pod, status: { ...pod.status, conditions } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
