import { ApiError, type Pod, type ReplicaSet } from '@raftsman/api';
import {
  createController,
  createWorkQueue,
  isAlreadyExists,
  isNamespaceTerminating,
  isNotFound,
  keyOf,
  kinds,
  referenceTo,
  type Change,
  type Controller,
  type Requeue,
  type ResourceClient,
  type Stored,
  type WorkQueue,
} from '@raftsman/client';
import { carryOutClaim } from '../claims.js';
import type { ControllerContext } from '../context.js';
import { sameJson } from '../json.js';
import { controllerLimits } from '../limits.js';
import { claim, controllerOf, controllerReference } from '../ownership.js';
import { isActive, isTerminating, matchesSelector, randomSuffix } from '../pods.js';
import { asError, slowStart } from '../slow-start.js';
import { decideReplicas } from './decide.js';
import { creationOf, deletionOf, Expectations } from './expectations.js';
import { replicaSetStatus, type ReplicaFailure } from './status.js';

/** Generated names keep room for their suffix within a DNS label. */
const generatedBaseLengthMax = 58;

export function createReplicaSetController(context: ControllerContext): Controller {
  const queue = createWorkQueue();
  const replicaSets = new ReplicaSetController(context, queue);
  const { informers, logger } = context;
  informers.replicaSets.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)));
  informers.pods.onChange((change) => replicaSets.podChanged(change));
  return createController({
    name: 'replicaset',
    queue,
    reconcile: (key) => replicaSets.reconcile(key),
    workers: controllerLimits.workers,
    synced: [informers.replicaSets, informers.pods],
    logger,
  });
}

class ReplicaSetController {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #pods: ResourceClient<Pod>;
  readonly #replicaSets: ResourceClient<ReplicaSet>;
  readonly #expectations = new Expectations();

  constructor(context: ControllerContext, queue: WorkQueue) {
    this.#context = context;
    this.#queue = queue;
    this.#pods = context.client.of(kinds.pods);
    this.#replicaSets = context.client.of(kinds.replicaSets);
  }

  podChanged({ before, after }: Change<Pod>): void {
    const beforeOwner = before === undefined ? undefined : this.#ownerKey(before);
    const afterOwner = after === undefined ? undefined : this.#ownerKey(after);
    if (after !== undefined && afterOwner !== undefined) {
      this.#expectations.observed(afterOwner, creationOf(keyOf(after)));
    }
    const going = after === undefined ? before : isTerminating(after) ? after : undefined;
    const goingOwner = afterOwner ?? beforeOwner;
    if (going !== undefined && goingOwner !== undefined) {
      this.#expectations.observed(goingOwner, deletionOf(going.metadata.uid));
      if (after === undefined) this.#expectations.observed(goingOwner, creationOf(keyOf(going)));
    }
    for (const key of new Set([beforeOwner, afterOwner])) if (key !== undefined) this.#queue.add(key);
    if (after !== undefined && afterOwner === undefined && controllerOf(after) === undefined)
      this.#offer(after);
  }

  /** An orphan may be anyone's whose selector matches. */
  #offer(orphan: Stored<Pod>): void {
    for (const replicaSet of this.#context.informers.replicaSets.by(
      'namespace',
      orphan.metadata.namespace ?? '',
    )) {
      if (matchesSelector(replicaSet.spec.selector, orphan.metadata.labels))
        this.#queue.add(keyOf(replicaSet));
    }
  }

  #ownerKey(pod: Stored<Pod>): string | undefined {
    const owner = controllerOf(pod);
    return owner?.kind === 'ReplicaSet' ? `${pod.metadata.namespace}/${owner.name}` : undefined;
  }

  async reconcile(key: string): Promise<Requeue | void> {
    const { informers, clock } = this.#context;
    const replicaSet = informers.replicaSets.get(key);
    if (replicaSet === undefined) {
      this.#expectations.forget(key);
      return undefined;
    }
    const waitMs = this.#expectations.waitMs(key, clock.monotonicMs());
    const active = (await this.#claimPods(replicaSet)).filter(isActive);
    let failure: Error | undefined;
    if (waitMs === 0 && replicaSet.metadata.deletionTimestamp === undefined) {
      failure = await this.#manage(replicaSet, active);
    }
    const recheckAfterMs = await this.#writeStatus(replicaSet, active, failure);
    if (failure !== undefined) throw failure;
    const againMs = Math.min(waitMs === 0 ? Infinity : waitMs, recheckAfterMs ?? Infinity);
    return againMs === Infinity ? undefined : { afterMs: againMs };
  }

  #claimPods(replicaSet: Stored<ReplicaSet>): Promise<Stored<Pod>[]> {
    const { pods } = this.#context.informers;
    const { uid, namespace = '' } = replicaSet.metadata;
    const candidates = [...pods.by('controller', uid), ...pods.by('orphan', namespace).filter(isActive)];
    const wanted = claim(replicaSet, replicaSet.spec.selector, candidates);
    return carryOutClaim(replicaSet, this.#replicaSets, wanted, this.#pods);
  }

  /** Creates or deletes; answers what failed. */
  async #manage(replicaSet: Stored<ReplicaSet>, active: readonly Stored<Pod>[]): Promise<Error | undefined> {
    const related = this.#relatedOnNode(replicaSet);
    const wanted = replicaSet.spec.replicas ?? 1;
    const { create, remove } = decideReplicas(wanted, active, related, controllerLimits.burstReplicas);
    if (create > 0) {
      const { failure } = await slowStart(create, controllerLimits.slowStartInitialPods, () =>
        this.#createPod(replicaSet),
      );
      return isNamespaceTerminating(failure) ? undefined : failure;
    }
    const results = await Promise.allSettled(remove.map((pod) => this.#deletePod(replicaSet, pod)));
    const failed = results.find((result) => result.status === 'rejected');
    return failed === undefined ? undefined : asError(failed.reason);
  }

  /** Pods per node of this ReplicaSet and of its siblings under the same Deployment. */
  #relatedOnNode(replicaSet: Stored<ReplicaSet>): Map<string, number> {
    const { pods, replicaSets } = this.#context.informers;
    const owner = controllerOf(replicaSet);
    const family = owner === undefined ? [replicaSet] : replicaSets.by('controller', owner.uid);
    const count = new Map<string, number>();
    for (const pod of family.flatMap(({ metadata }) => pods.by('controller', metadata.uid))) {
      if (!isActive(pod)) continue;
      const node = pod.spec.nodeName ?? '';
      count.set(node, (count.get(node) ?? 0) + 1);
    }
    return count;
  }

  async #createPod(replicaSet: Stored<ReplicaSet>): Promise<void> {
    const { clock, random, recorder } = this.#context;
    const key = keyOf(replicaSet);
    const pod = podOf(replicaSet, random);
    const expected = creationOf(keyOf(pod));
    this.#expectations.expect(key, expected, clock.monotonicMs());
    try {
      await this.#pods.create(pod);
      recorder.event(
        referenceTo(replicaSet),
        'Normal',
        'SuccessfulCreate',
        `Created pod: ${pod.metadata.name}`,
      );
    } catch (error) {
      // Our own first try whose answer was lost: the pod is there.
      if (isAlreadyExists(error) && (await this.#isOurs(pod, replicaSet))) return;
      this.#expectations.observed(key, expected);
      if (error instanceof ApiError && !isNamespaceTerminating(error)) {
        recorder.event(
          referenceTo(replicaSet),
          'Warning',
          'FailedCreate',
          `Error creating: ${error.message}`,
        );
      }
      throw error;
    }
  }

  async #isOurs(pod: Pod, replicaSet: Stored<ReplicaSet>): Promise<boolean> {
    const { namespace, name = '' } = pod.metadata;
    const live = await this.#pods.get({ namespace, name });
    return controllerOf(live)?.uid === replicaSet.metadata.uid;
  }

  async #deletePod(replicaSet: Stored<ReplicaSet>, pod: Stored<Pod>): Promise<void> {
    const { clock, recorder } = this.#context;
    const key = keyOf(replicaSet);
    const { namespace, name, uid } = pod.metadata;
    this.#expectations.expect(key, deletionOf(uid), clock.monotonicMs());
    try {
      await this.#pods.delete({ namespace, name }, { uid });
      recorder.event(referenceTo(replicaSet), 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    } catch (error) {
      this.#expectations.observed(key, deletionOf(uid));
      if (isNotFound(error)) return;
      if (error instanceof ApiError) {
        recorder.event(
          referenceTo(replicaSet),
          'Warning',
          'FailedDelete',
          `Error deleting: ${error.message}`,
        );
      }
      throw error;
    }
  }

  async #writeStatus(
    replicaSet: Stored<ReplicaSet>,
    active: readonly Stored<Pod>[],
    failure: Error | undefined,
  ): Promise<number | undefined> {
    const wanted = replicaSet.spec.replicas ?? 1;
    const reason = wanted > active.length ? 'FailedCreate' : 'FailedDelete';
    const reported: ReplicaFailure | undefined =
      failure === undefined ? undefined : { reason, message: failure.message };
    const nowMs = this.#context.clock.wallMs();
    const { status, recheckAfterMs } = replicaSetStatus(replicaSet, active, reported, nowMs);
    if (!sameJson(status, replicaSet.status)) await this.#replicaSets.updateStatus({ ...replicaSet, status });
    return recheckAfterMs;
  }
}

/** A pod of the template. Named here and not by the server, so that the call can be repeated without making two. */
function podOf(replicaSet: Stored<ReplicaSet>, random: () => number): Pod & { metadata: { name: string } } {
  const { template } = replicaSet.spec;
  const { namespace, name } = replicaSet.metadata;
  const generateName = `${name}-`;
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: namespace!,
      generateName,
      name: `${generateName.slice(0, generatedBaseLengthMax)}${randomSuffix(random)}`,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(replicaSet)],
    },
    spec: template?.spec ?? { containers: [] },
  };
}
