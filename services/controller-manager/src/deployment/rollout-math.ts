import type { Deployment, ReplicaSet } from '@raftsman/api';
import type { Stored } from '@raftsman/client';

/** The arithmetic of rolling updates, as Kubernetes has it (pkg/controller/deployment/util). Pure. */

export type Rs = Stored<ReplicaSet>;

export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';

export const replicasOf = (object: { readonly spec: { readonly replicas?: number } }): number =>
  object.spec.replicas ?? 1;
export const availableOf = (rs: Rs): number => rs.status?.availableReplicas ?? 0;
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
export const isActiveRs = (rs: Rs): boolean => replicasOf(rs) > 0;

const defaultFence = '25%';

function resolve(value: number | string, total: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  return percent === undefined ? Number(value) || 0 : round((Number(percent) * total) / 100);
}

/** How many pods a rollout may have above, and lack below, the wanted number. Never both 0, or it could not move. */
export function fences(deployment: Pick<Deployment, 'spec'>): {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
} {
  const { strategy } = deployment.spec;
  const replicas = replicasOf(deployment);
  if (strategy?.type === 'Recreate') return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = defaultFence, maxUnavailable = defaultFence } = strategy?.rollingUpdate ?? {};
  const surge = resolve(maxSurge, replicas, Math.ceil);
  const unavailable = resolve(maxUnavailable, replicas, Math.floor);
  const atLeastOne = surge === 0 && unavailable === 0 ? 1 : unavailable;
  return { maxSurge: surge, maxUnavailable: Math.min(atLeastOne, replicas) };
}

/** The new ReplicaSet's size in the next step. */
export function nextNewSize(
  deployment: Pick<Deployment, 'spec'>,
  all: readonly Rs[],
  newSize: number,
): number {
  const wanted = replicasOf(deployment);
  if (deployment.spec.strategy?.type === 'Recreate' || newSize >= wanted) return wanted;
  const room = wanted + fences(deployment).maxSurge - sum(all.map(replicasOf));
  return room <= 0 ? newSize : newSize + Math.min(room, wanted - newSize);
}

/**
 * The old ReplicaSets' sizes in the next step, by uid; those that stay are left out. Pods that are not available go first, since
 * nobody misses them; available ones only as far as minAvailable allows. Oldest ReplicaSet first.
 */
export function nextOldSizes(
  deployment: Pick<Deployment, 'spec'>,
  newRs: Rs,
  olds: readonly Rs[],
): ReadonlyMap<string, number> {
  const all = [...olds, newRs];
  const sizes = new Map(olds.map((rs) => [rs.metadata.uid, replicasOf(rs)]));
  const minAvailable = replicasOf(deployment) - fences(deployment).maxUnavailable;
  const newUnavailable = replicasOf(newRs) - availableOf(newRs);
  let mayGo = sum(all.map(replicasOf)) - minAvailable - newUnavailable;
  const inOrder = olds.toSorted(olderFirst);
  if (mayGo <= 0) return new Map();
  for (const rs of inOrder) {
    const unhealthy = Math.max(0, Math.min(mayGo, replicasOf(rs) - availableOf(rs)));
    sizes.set(rs.metadata.uid, replicasOf(rs) - unhealthy);
    mayGo -= unhealthy;
  }
  let availableMayGo = sum(all.map(availableOf)) - minAvailable;
  for (const rs of inOrder) {
    const size = sizes.get(rs.metadata.uid)!;
    const gone = Math.max(0, Math.min(size, availableMayGo));
    sizes.set(rs.metadata.uid, size - gone);
    availableMayGo -= gone;
  }
  return new Map(
    olds
      .map((rs) => [rs.metadata.uid, sizes.get(rs.metadata.uid)!] as const)
      .filter(([uid, size]) => size !== replicasOf(olds.find((rs) => rs.metadata.uid === uid)!)),
  );
}

export const olderFirst = (left: Rs, right: Rs): number =>
  left.metadata.creationTimestamp.localeCompare(right.metadata.creationTimestamp) ||
  left.metadata.name.localeCompare(right.metadata.name);

/**
 * Sizes when the wanted number changes in the midst of a rollout: each active ReplicaSet in proportion to its share of what there
 * was, the rest to the largest. By uid.
 */
export function proportionalSizes(
  deployment: Stored<Deployment>,
  all: readonly Rs[],
): ReadonlyMap<string, number> {
  const wanted = replicasOf(deployment);
  const allowed = wanted > 0 ? wanted + fences(deployment).maxSurge : 0;
  const toAdd = allowed - sum(all.map(replicasOf));
  const ageSign = toAdd > 0 ? -1 : 1; // grows the newer, shrinks the older of two equals
  const inOrder = all.toSorted((a, b) => replicasOf(b) - replicasOf(a) || ageSign * olderFirst(a, b));
  const sizes = new Map<string, number>();
  let added = 0;
  for (const rs of inOrder) {
    const share = toAdd === 0 ? 0 : shareOf(rs, deployment, toAdd, toAdd - added);
    sizes.set(rs.metadata.uid, replicasOf(rs) + share);
    added += share;
  }
  const largest = inOrder[0];
  if (largest !== undefined && added !== toAdd) {
    const { uid } = largest.metadata;
    sizes.set(uid, Math.max(0, sizes.get(uid)! + toAdd - added));
  }
  return sizes;
}

function shareOf(rs: Rs, deployment: Stored<Deployment>, toAdd: number, left: number): number {
  const size = replicasOf(rs);
  if (size === 0 || left === 0) return 0;
  const wanted = replicasOf(deployment);
  if (wanted === 0) return -size;
  const annotated = Number(rs.metadata.annotations?.[maxReplicasAnnotation] ?? 0);
  const maxBefore = annotated > 0 ? annotated : (deployment.status?.replicas ?? 0);
  if (maxBefore === 0) return 0;
  const share = Math.round((size * (wanted + fences(deployment).maxSurge)) / maxBefore) - size;
  return toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
}

/** The new ReplicaSet is all that there is to be, and it is available. */
export function isSaturated(deployment: Stored<Deployment>, rs: Rs | undefined): boolean {
  if (rs === undefined) return false;
  const wanted = replicasOf(deployment);
  const desired = Number(rs.metadata.annotations?.[desiredReplicasAnnotation] ?? Number.NaN);
  return replicasOf(rs) === wanted && desired === wanted && availableOf(rs) === wanted;
}
