import { semanticEqual, type Deployment, type ReplicaSet } from '@raftsman/api';
import type { Stored } from '@raftsman/client';
import { annotatedAsNew, beyondHistory, findNewRs, newReplicaSet, resized } from './revisions.js';
import {
  desiredReplicasAnnotation,
  isActiveRs,
  isSaturated,
  nextNewSize,
  nextOldSizes,
  olderFirst,
  proportionalSizes,
  replicasOf,
  type Rs,
} from './rollout-math.js';
import { isComplete } from './status.js';

/** What to write next. All steps together are safe on what was seen; what follows from them comes with the next reconcile. */
export type Step =
  | { readonly kind: 'create'; readonly replicaSet: ReplicaSet }
  | { readonly kind: 'update'; readonly before: Rs; readonly after: Rs }
  | { readonly kind: 'delete'; readonly replicaSet: Rs };

export interface Plan {
  readonly steps: readonly Step[];
  readonly newRs: Rs | undefined;
  readonly olds: readonly Rs[];
}

/** `oldPodsRemain`: pods of old ReplicaSets still exist (only Recreate asks). */
export function decide(deployment: Stored<Deployment>, all: readonly Rs[], oldPodsRemain: boolean): Plan {
  const newRs = findNewRs(deployment, all);
  const olds = all.filter((rs) => rs !== newRs);
  if (deployment.metadata.deletionTimestamp !== undefined) return { steps: [], newRs, olds };
  const paused = deployment.spec.paused === true;
  const targets = new Map(all.map((rs) => [rs.metadata.uid, rs]));
  const size = (rs: Rs, replicas: number): void => {
    targets.set(rs.metadata.uid, resized(targets.get(rs.metadata.uid)!, deployment, replicas));
  };
  if (newRs !== undefined) targets.set(newRs.metadata.uid, annotatedAsNew(newRs, deployment, olds));
  const created: ReplicaSet[] = [];
  if (paused || isScalingEvent(deployment, all)) scale(deployment, newRs, all, size);
  else if (deployment.spec.strategy?.type === 'Recreate') {
    created.push(...recreate(deployment, newRs, olds, oldPodsRemain, size));
  } else created.push(...roll(deployment, newRs, all, size));
  const steps: Step[] = created.map((replicaSet) => ({ kind: 'create', replicaSet }));
  for (const before of all) {
    const after = targets.get(before.metadata.uid)!;
    const same = semanticEqual(after.spec, before.spec) && semanticEqual(after.metadata, before.metadata);
    if (!same) steps.push({ kind: 'update', before, after });
  }
  if (paused || isComplete(deployment, deployment.status ?? {})) {
    steps.push(
      ...beyondHistory(deployment, olds).map((replicaSet): Step => ({ kind: 'delete', replicaSet })),
    );
  }
  return { steps, newRs, olds };
}

type Resize = (rs: Rs, replicas: number) => void;

/** The wanted number changed since an active ReplicaSet was sized. */
function isScalingEvent(deployment: Stored<Deployment>, all: readonly Rs[]): boolean {
  return all.filter(isActiveRs).some((rs) => {
    const desired = rs.metadata.annotations?.[desiredReplicasAnnotation];
    return desired !== undefined && Number(desired) !== replicasOf(deployment);
  });
}

function scale(
  deployment: Stored<Deployment>,
  newRs: Rs | undefined,
  all: readonly Rs[],
  size: Resize,
): void {
  const active = all.filter(isActiveRs);
  const wanted = replicasOf(deployment);
  if (active.length <= 1) {
    const only = active[0] ?? newRs ?? all.toSorted(olderFirst).at(-1);
    if (only !== undefined) size(only, wanted);
    return;
  }
  if (isSaturated(deployment, newRs)) {
    for (const rs of active) if (rs !== newRs) size(rs, 0);
    return;
  }
  if (deployment.spec.strategy?.type === 'Recreate') return;
  const sizes = proportionalSizes(deployment, active);
  for (const rs of active) size(rs, sizes.get(rs.metadata.uid)!);
}

function recreate(
  deployment: Stored<Deployment>,
  newRs: Rs | undefined,
  olds: readonly Rs[],
  oldPodsRemain: boolean,
  size: Resize,
): ReplicaSet[] {
  const activeOlds = olds.filter(isActiveRs);
  for (const rs of activeOlds) size(rs, 0);
  if (activeOlds.length > 0 || oldPodsRemain) return [];
  if (newRs === undefined) return [newReplicaSet(deployment, olds, replicasOf(deployment))];
  if (replicasOf(newRs) !== replicasOf(deployment)) size(newRs, replicasOf(deployment));
  return [];
}

/** One step of a rolling update: up while there is room, else down. */
function roll(
  deployment: Stored<Deployment>,
  newRs: Rs | undefined,
  all: readonly Rs[],
  size: Resize,
): ReplicaSet[] {
  const olds = all.filter((rs) => rs !== newRs);
  if (newRs === undefined) return [newReplicaSet(deployment, olds, nextNewSize(deployment, all, 0))];
  const next = nextNewSize(deployment, all, replicasOf(newRs));
  if (next !== replicasOf(newRs)) {
    size(newRs, next);
    return [];
  }
  const activeOlds = olds.filter(isActiveRs);
  for (const [uid, replicas] of nextOldSizes(deployment, newRs, activeOlds)) {
    size(
      activeOlds.find((rs) => rs.metadata.uid === uid)!,
      replicas,
    );
  }
  return [];
}
