import type { Deployment, DeploymentCondition, DeploymentStatus } from '@raftsman/api';
import type { Stored } from '@raftsman/client';
import { timestamp } from '../pods.js';
import { availableOf, fences, replicasOf, sum, type Rs } from './rollout-math.js';

/** The status that follows from the ReplicaSets, in Kubernetes' words: `kubectl rollout status` reads it. Pure. */

/** A deadline that is never reached (int32's greatest). */
const noDeadlineSeconds = 2 ** 31 - 1;

export const isComplete = (deployment: Stored<Deployment>, status: DeploymentStatus): boolean => {
  const wanted = replicasOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
};

export interface StatusInput {
  readonly deployment: Stored<Deployment>;
  readonly newRs: Rs | undefined;
  readonly olds: readonly Rs[];
  /** Name of the ReplicaSet that was made just now: a new rollout begins. */
  readonly created?: string | undefined;
  readonly nowMs: number;
}

export function deploymentStatus(input: StatusInput): DeploymentStatus {
  const { deployment, newRs, olds, nowMs } = input;
  const all = newRs === undefined ? [...olds] : [...olds, newRs];
  const available = sum(all.map(availableOf));
  const wanted = replicasOf(deployment);
  const counts: DeploymentStatus = {
    ...deployment.status,
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(all.map((rs) => rs.status?.replicas ?? 0)),
    updatedReplicas: newRs?.status?.replicas ?? 0,
    readyReplicas: sum(all.map((rs) => rs.status?.readyReplicas ?? 0)),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all.map(replicasOf)) - available),
  };
  const enough = available >= wanted - fences(deployment).maxUnavailable;
  const conditions = setCondition(deployment.status?.conditions ?? [], nowMs, {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: `Deployment ${enough ? 'has' : 'does not have'} minimum availability.`,
  });
  const progressing = withProgress(input, counts, conditions);
  return { ...counts, conditions: withFailure(progressing, all, nowMs) };
}

type Draft = Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>;

const find = (conditions: readonly DeploymentCondition[], type: string): DeploymentCondition | undefined =>
  conditions.find((condition) => condition.type === type);

/** Same status and reason: nothing changed. Same status: the transition time stays. */
function setCondition(
  conditions: readonly DeploymentCondition[],
  nowMs: number,
  draft: Draft,
): DeploymentCondition[] {
  const before = find(conditions, draft.type);
  if (before?.status === draft.status && before.reason === draft.reason) return [...conditions];
  return refreshCondition(conditions, nowMs, draft);
}

function refreshCondition(
  conditions: readonly DeploymentCondition[],
  nowMs: number,
  draft: Draft,
): DeploymentCondition[] {
  const before = find(conditions, draft.type);
  const now = timestamp(nowMs);
  const lastTransitionTime = before?.status === draft.status ? (before.lastTransitionTime ?? now) : now;
  const others = conditions.filter(({ type }) => type !== draft.type);
  return [...others, { ...draft, lastUpdateTime: now, lastTransitionTime }];
}

function withProgress(
  { deployment, newRs, created, nowMs }: StatusInput,
  status: DeploymentStatus,
  conditions: readonly DeploymentCondition[],
): DeploymentCondition[] {
  const deadlineSeconds = deployment.spec.progressDeadlineSeconds ?? 600;
  if (deadlineSeconds >= noDeadlineSeconds) return conditions.filter(({ type }) => type !== 'Progressing');
  const before = find(conditions, 'Progressing');
  const name =
    newRs === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newRs.metadata.name}"`;
  const condition = (outcome: DeploymentCondition['status'], reason: string, message: string): Draft => ({
    type: 'Progressing',
    status: outcome,
    reason,
    message,
  });
  if (deployment.spec.paused === true) {
    const timedOut = before?.reason === 'ProgressDeadlineExceeded';
    const draft = condition('Unknown', 'DeploymentPaused', 'Deployment is paused');
    return timedOut ? [...conditions] : setCondition(conditions, nowMs, draft);
  }
  if (created !== undefined) {
    const message = `Created new replica set "${created}"`;
    return refreshCondition(conditions, nowMs, condition('True', 'NewReplicaSetCreated', message));
  }
  const resumed =
    before?.reason === 'DeploymentPaused'
      ? setCondition(conditions, nowMs, condition('Unknown', 'DeploymentResumed', 'Deployment is resumed'))
      : [...conditions];
  const settled = status.replicas === status.updatedReplicas && before?.reason === 'NewReplicaSetAvailable';
  if (settled) return resumed;
  if (isComplete(deployment, status)) {
    const draft = condition('True', 'NewReplicaSetAvailable', `${name} has successfully progressed.`);
    return setCondition(resumed, nowMs, draft);
  }
  if (before === undefined || hasProgressed(deployment.status ?? {}, status)) {
    return refreshCondition(
      resumed,
      nowMs,
      condition('True', 'ReplicaSetUpdated', `${name} is progressing.`),
    );
  }
  if (hasTimedOut(find(resumed, 'Progressing'), deadlineSeconds, nowMs)) {
    const draft = condition('False', 'ProgressDeadlineExceeded', `${name} has timed out progressing.`);
    return setCondition(resumed, nowMs, draft);
  }
  return resumed;
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(
  progressing: DeploymentCondition | undefined,
  deadlineSeconds: number,
  nowMs: number,
): boolean {
  if (progressing === undefined || progressing.reason === 'NewReplicaSetAvailable') return false;
  if (progressing.reason === 'ProgressDeadlineExceeded') return true;
  return Date.parse(progressing.lastUpdateTime ?? '') + deadlineSeconds * 1_000 < nowMs;
}

/** After how long a rollout that does not move must be looked at again; undefined: it needs no watching. */
export function deadlineAfterMs(
  deployment: Stored<Deployment>,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds ?? 600;
  const progressing = find(status.conditions ?? [], 'Progressing');
  const watched = progressing?.status === 'True' || progressing?.reason === 'DeploymentResumed';
  if (!watched || seconds >= noDeadlineSeconds || isComplete(deployment, status)) return undefined;
  const dueMs = Date.parse(progressing.lastUpdateTime ?? '') + seconds * 1_000;
  return Math.max(1_000, dueMs - nowMs + 1_000);
}

function withFailure(
  conditions: readonly DeploymentCondition[],
  all: readonly Rs[],
  nowMs: number,
): DeploymentCondition[] {
  const failure = all
    .flatMap((rs) => rs.status?.conditions ?? [])
    .find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  if (failure === undefined) return conditions.filter(({ type }) => type !== 'ReplicaFailure');
  const { reason = '', message = '' } = failure;
  return setCondition(conditions, nowMs, { type: 'ReplicaFailure', status: 'True', reason, message });
}
