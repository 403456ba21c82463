import { semanticEqual, type Deployment, type Pod, type ReplicaSet } from '@raftsman/api';
import {
  createController,
  createWorkQueue,
  isAlreadyExists,
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
import { controllerLimits } from '../limits.js';
import { claim, controllerOf } from '../ownership.js';
import { isEmptySelector, isTerminal, matchesSelector } from '../pods.js';
import { decide, type Plan, type Step } from './decide.js';
import { findNewRs, revisionAnnotation, revisionOf } from './revisions.js';
import { replicasOf, type Rs } from './rollout-math.js';
import { deadlineAfterMs, deploymentStatus } from './status.js';

export function createDeploymentController(context: ControllerContext): Controller {
  const queue = createWorkQueue();
  const controller = new DeploymentController(context, queue);
  const { informers, logger } = context;
  informers.deployments.onChange(({ before, after }) => queue.add(keyOf((after ?? before)!)));
  informers.replicaSets.onChange((change) => controller.replicaSetChanged(change));
  informers.pods.onChange((change) => controller.podChanged(change));
  return createController({
    name: 'deployment',
    queue,
    reconcile: (key) => controller.reconcile(key),
    workers: controllerLimits.workers,
    synced: [informers.deployments, informers.replicaSets, informers.pods],
    logger,
  });
}

class DeploymentController {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #deployments: ResourceClient<Deployment>;
  readonly #replicaSets: ResourceClient<ReplicaSet>;

  constructor(context: ControllerContext, queue: WorkQueue) {
    this.#context = context;
    this.#queue = queue;
    this.#deployments = context.client.of(kinds.deployments);
    this.#replicaSets = context.client.of(kinds.replicaSets);
  }

  replicaSetChanged({ before, after }: Change<ReplicaSet>): void {
    for (const rs of [before, after]) {
      const owner = rs === undefined ? undefined : controllerOf(rs);
      if (rs !== undefined && owner?.kind === 'Deployment')
        this.#queue.add(`${rs.metadata.namespace}/${owner.name}`);
    }
    if (after === undefined || controllerOf(after) !== undefined) return;
    for (const deployment of this.#context.informers.deployments.by(
      'namespace',
      after.metadata.namespace ?? '',
    )) {
      if (matchesSelector(deployment.spec.selector, after.metadata.labels))
        this.#queue.add(keyOf(deployment));
    }
  }

  /** Recreate waits for the last old pod to go; everything else comes with the ReplicaSets' status. */
  podChanged({ before, after }: Change<Pod>): void {
    if (before === undefined || (after !== undefined && !isTerminal(after))) return;
    const owner = controllerOf(before);
    if (owner?.kind !== 'ReplicaSet') return;
    const rs = this.#context.informers.replicaSets.get(`${before.metadata.namespace}/${owner.name}`);
    const deployment = rs === undefined ? undefined : controllerOf(rs);
    if (deployment?.kind === 'Deployment') this.#queue.add(`${before.metadata.namespace}/${deployment.name}`);
  }

  async reconcile(key: string): Promise<Requeue | void> {
    const { informers, recorder, clock } = this.#context;
    const deployment = informers.deployments.get(key);
    if (deployment === undefined) return undefined;
    if (isEmptySelector(deployment.spec.selector)) {
      const message = 'This deployment is selecting all pods. A non-empty selector is required.';
      recorder.event(referenceTo(deployment), 'Warning', 'SelectingAll', message);
      return undefined;
    }
    const all = await this.#claimReplicaSets(deployment);
    const plan = decide(deployment, all, this.#oldPodsRemain(deployment, all));
    const collided = await this.#carryOut(deployment, plan);
    const annotated = collided ? deployment : await this.#annotateRevision(deployment, plan);
    const nowMs = clock.wallMs();
    const made = collided ? undefined : plan.steps.find((step) => step.kind === 'create');
    const created = made?.replicaSet.metadata.name;
    const status = deploymentStatus({
      deployment: annotated,
      newRs: plan.newRs,
      olds: plan.olds,
      created,
      nowMs,
    });
    if (collided) status.collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    if (!semanticEqual(status, annotated.status))
      await this.#deployments.updateStatus({ ...annotated, status });
    const afterMs = deadlineAfterMs(annotated, status, nowMs);
    return afterMs === undefined ? undefined : { afterMs };
  }

  #claimReplicaSets(deployment: Stored<Deployment>): Promise<Rs[]> {
    const { replicaSets } = this.#context.informers;
    const { uid, namespace = '' } = deployment.metadata;
    const candidates = [...replicaSets.by('controller', uid), ...replicaSets.by('orphan', namespace)];
    const wanted = claim(deployment, deployment.spec.selector, candidates);
    return carryOutClaim(deployment, this.#deployments, wanted, this.#replicaSets);
  }

  #oldPodsRemain(deployment: Stored<Deployment>, all: readonly Rs[]): boolean {
    if (deployment.spec.strategy?.type !== 'Recreate') return false;
    const newRs = findNewRs(deployment, all);
    return all
      .filter((rs) => rs !== newRs)
      .flatMap((rs) => this.#context.informers.pods.by('controller', rs.metadata.uid))
      .some((pod) => !isTerminal(pod));
  }

  /** Answers whether the new ReplicaSet's name is taken by another template's: the next reconcile picks another hash. */
  async #carryOut(deployment: Stored<Deployment>, plan: Plan): Promise<boolean> {
    for (const step of plan.steps) {
      if (await this.#take(deployment, step)) return true;
    }
    return false;
  }

  async #take(deployment: Stored<Deployment>, step: Step): Promise<boolean> {
    switch (step.kind) {
      case 'create':
        return this.#create(deployment, step.replicaSet);
      case 'update':
        await this.#replicaSets.update(step.after);
        this.#tellScaled(deployment, step.after, replicasOf(step.before), replicasOf(step.after));
        return false;
      case 'delete':
        await this.#delete(step.replicaSet);
        return false;
    }
  }

  async #create(deployment: Stored<Deployment>, replicaSet: ReplicaSet): Promise<boolean> {
    try {
      const created = await this.#replicaSets.create(replicaSet);
      if (replicasOf(created) > 0) this.#tellScaled(deployment, created, 0, replicasOf(created));
      return false;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const { namespace, name = '' } = replicaSet.metadata;
      const live = await this.#replicaSets.get({ namespace, name });
      // Made by our own earlier try, which the cache does not show yet.
      const ours =
        controllerOf(live)?.uid === deployment.metadata.uid && findNewRs(deployment, [live]) !== undefined;
      return !ours;
    }
  }

  async #delete({ metadata: { namespace, name, uid } }: Rs): Promise<void> {
    try {
      await this.#replicaSets.delete({ namespace, name }, { uid });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #tellScaled(deployment: Stored<Deployment>, rs: Rs, from: number, to: number): void {
    if (from === to) return;
    const direction = to > from ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${rs.metadata.name} from ${from} to ${to}`;
    this.#context.recorder.event(referenceTo(deployment), 'Normal', 'ScalingReplicaSet', message);
  }

  /** The Deployment carries the revision of its new ReplicaSet: what `kubectl rollout` shows. */
  async #annotateRevision(deployment: Stored<Deployment>, plan: Plan): Promise<Stored<Deployment>> {
    const target = plan.steps.find((step) => step.kind === 'update' && step.before === plan.newRs);
    const created = plan.steps.find((step) => step.kind === 'create');
    const rs =
      target?.kind === 'update' ? target.after : created?.kind === 'create' ? created.replicaSet : plan.newRs;
    const revision = rs?.metadata.annotations?.[revisionAnnotation];
    if (revision === undefined || revisionOf(deployment) === Number(revision)) return deployment;
    const annotations = { ...deployment.metadata.annotations, [revisionAnnotation]: revision };
    return this.#deployments.update({ ...deployment, metadata: { ...deployment.metadata, annotations } });
  }
}
