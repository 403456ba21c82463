import { type Pod, type ReplicaSet, type ReplicaSetCondition, type ReplicaSetStatus } from '@raftsman/api';
import type { Stored } from '@raftsman/client';
import { availableAtMs, isReady, matchesSelector, timestamp } from '../pods.js';

/** What went wrong while pods were made or removed; absent: nothing. */
export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

/** The status that follows from the active pods, and when it may change without any event (minReadySeconds). */
export function replicaSetStatus(
  replicaSet: Stored<ReplicaSet>,
  active: readonly Stored<Pod>[],
  failure: ReplicaFailure | undefined,
  nowMs: number,
): { readonly status: ReplicaSetStatus; readonly recheckAfterMs: number | undefined } {
  const { spec, metadata } = replicaSet;
  const templateLabels = { matchLabels: spec.template?.metadata?.labels ?? {} };
  const times = active.map((pod) => availableAtMs(pod, spec.minReadySeconds ?? 0));
  const waiting = times.filter((atMs) => atMs !== undefined && atMs > nowMs) as number[];
  return {
    status: {
      ...replicaSet.status,
      replicas: active.length,
      fullyLabeledReplicas: active.filter((pod) => matchesSelector(templateLabels, pod.metadata.labels))
        .length,
      readyReplicas: active.filter(isReady).length,
      availableReplicas: times.filter((atMs) => atMs !== undefined && atMs <= nowMs).length,
      observedGeneration: metadata.generation ?? 0,
      conditions: withFailure(replicaSet.status?.conditions ?? [], failure, nowMs),
    },
    recheckAfterMs: waiting.length === 0 ? undefined : Math.min(...waiting) - nowMs,
  };
}

function withFailure(
  conditions: readonly ReplicaSetCondition[],
  failure: ReplicaFailure | undefined,
  nowMs: number,
): ReplicaSetCondition[] {
  const others = conditions.filter(({ type }) => type !== 'ReplicaFailure');
  if (failure === undefined) return others;
  const before = conditions.find(({ type }) => type === 'ReplicaFailure');
  if (before?.reason === failure.reason) return [...conditions];
  return [
    ...others,
    { type: 'ReplicaFailure', status: 'True', lastTransitionTime: timestamp(nowMs), ...failure },
  ];
}
