import type { Pod } from '@raftsman/api';
import type { Stored } from '@raftsman/client';
import { isReady, podCondition } from '../pods.js';

export interface ReplicaChange {
  readonly create: number;
  readonly remove: readonly Stored<Pod>[];
}

/**
 * How to get from the active pods to `replicas`, at most `burst` at a time. `relatedOnNode`: how many pods of the same workload are on
 * a node, so that doubled-up ones go first.
 */
export function decideReplicas(
  replicas: number,
  active: readonly Stored<Pod>[],
  relatedOnNode: ReadonlyMap<string, number>,
  burst: number,
): ReplicaChange {
  const missing = replicas - active.length;
  if (missing >= 0) return { create: Math.min(missing, burst), remove: [] };
  return { create: 0, remove: rankForDeletion(active, relatedOnNode).slice(0, Math.min(-missing, burst)) };
}

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

/**
 * Kubernetes' ActivePodsWithRanks: those that are missed least come first. Unassigned before assigned, pending before running, not
 * ready before ready, cheaper before dearer, doubled up before alone, younger (ready or created) before older, restarted before not.
 */
export function rankForDeletion(
  pods: readonly Stored<Pod>[],
  relatedOnNode: ReadonlyMap<string, number>,
): Stored<Pod>[] {
  const keys = new Map(pods.map((pod) => [pod, deletionKey(pod, relatedOnNode)]));
  return pods.toSorted((left, right) => compare(keys.get(left)!, keys.get(right)!));
}

/** Compared part by part, the smaller one is deleted first. */
function deletionKey(pod: Stored<Pod>, relatedOnNode: ReadonlyMap<string, number>): readonly number[] {
  const node = pod.spec.nodeName ?? '';
  const ready = isReady(pod);
  const readySinceMs = ready ? Date.parse(podCondition(pod, 'Ready')?.lastTransitionTime ?? '') || 0 : 0;
  return [
    node === '' ? 0 : 1,
    phaseRank[pod.status?.phase ?? 'Pending'] ?? 0,
    ready ? 1 : 0,
    Number(pod.metadata.annotations?.[deletionCostAnnotation] ?? 0) || 0,
    -(relatedOnNode.get(node) ?? 0),
    -readySinceMs,
    -restarts(pod),
    -(Date.parse(pod.metadata.creationTimestamp) || 0),
  ];
}

function compare(left: readonly number[], right: readonly number[]): number {
  for (const [index, value] of left.entries()) {
    const difference = value - right[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

const restarts = (pod: Stored<Pod>): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
