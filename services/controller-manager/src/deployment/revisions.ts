import { semanticEqual, type Deployment, type PodTemplateSpec, type ReplicaSet } from '@raftsman/api';
import type { Stored } from '@raftsman/client';
import { controllerReference } from '../ownership.js';
import { safeEncode } from '../pods.js';
import {
  desiredReplicasAnnotation,
  fences,
  maxReplicasAnnotation,
  olderFirst,
  replicasOf,
  type Rs,
} from './rollout-math.js';

/** Which ReplicaSet is which revision. Pure. */

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';
const templateHashLabel = 'pod-template-hash';

/** Not copied from a Deployment to its ReplicaSets. */
const ownAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  'deprecated.deployment.rollback.to',
]);
const revisionHistoryCharsMax = 2_000;

export const revisionOf = (object: { readonly metadata: Rs['metadata'] }): number =>
  Number(object.metadata.annotations?.[revisionAnnotation] ?? 0) || 0;

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec | undefined {
  const { [templateHashLabel]: _hash, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

/** The ReplicaSet of the Deployment's present template: the oldest, should there be several. */
export function findNewRs(deployment: Pick<Deployment, 'spec'>, all: readonly Rs[]): Rs | undefined {
  const template = withoutHash(deployment.spec.template);
  return all.toSorted(olderFirst).find((rs) => semanticEqual(withoutHash(rs.spec.template), template));
}

/** FNV-1a over the template with sorted keys: the same template, the same hash. `collisions` picks another one. */
export function templateHash(template: PodTemplateSpec, collisions: number): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${sortedJson(template)}#${collisions}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return safeEncode(hash);
}

const sortedJson = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );

/** What a ReplicaSet of a Deployment is annotated with, whatever its revision. */
const sizeAnnotations = (deployment: Stored<Deployment>): { [key: string]: string } => ({
  [desiredReplicasAnnotation]: String(replicasOf(deployment)),
  [maxReplicasAnnotation]: String(replicasOf(deployment) + fences(deployment).maxSurge),
});

const copiedAnnotations = (deployment: Stored<Deployment>): { [key: string]: string } =>
  Object.fromEntries(
    Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !ownAnnotations.has(key)),
  );

/** A ReplicaSet that scales along with the Deployment knows to what it was scaled. */
export function resized(rs: Rs, deployment: Stored<Deployment>, replicas: number): Rs {
  return {
    ...rs,
    metadata: { ...rs.metadata, annotations: { ...rs.metadata.annotations, ...sizeAnnotations(deployment) } },
    spec: { ...rs.spec, replicas },
  };
}

/** The new ReplicaSet as it should be annotated: a rollback makes an old revision the newest. */
export function annotatedAsNew(rs: Rs, deployment: Stored<Deployment>, olds: readonly Rs[]): Rs {
  const revision = Math.max(0, ...olds.map(revisionOf)) + 1;
  const before = revisionOf(rs);
  const annotations: { [key: string]: string } = {
    ...rs.metadata.annotations,
    ...copiedAnnotations(deployment),
  };
  if (before < revision) {
    annotations[revisionAnnotation] = String(revision);
    if (before > 0)
      annotations[revisionHistoryAnnotation] = history(annotations[revisionHistoryAnnotation], before);
  }
  const { minReadySeconds } = deployment.spec;
  return {
    ...rs,
    metadata: { ...rs.metadata, annotations },
    spec: { ...rs.spec, ...(minReadySeconds === undefined ? {} : { minReadySeconds }) },
  };
}

function history(before: string | undefined, revision: number): string {
  const parts = [...(before ?? '').split(',').filter((part) => part !== ''), String(revision)];
  while (parts.join(',').length > revisionHistoryCharsMax) parts.shift();
  return parts.join(',');
}

/** The ReplicaSet of a template that has none yet. */
export function newReplicaSet(
  deployment: Stored<Deployment>,
  olds: readonly Rs[],
  replicas: number,
): ReplicaSet {
  const { metadata, spec, status } = deployment;
  const hash = templateHash(spec.template, status?.collisionCount ?? 0);
  const labels = { ...spec.template.metadata?.labels, [templateHashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      namespace: metadata.namespace!,
      name: `${metadata.name}-${hash}`,
      labels,
      annotations: {
        ...copiedAnnotations(deployment),
        ...sizeAnnotations(deployment),
        [revisionAnnotation]: String(Math.max(0, ...olds.map(revisionOf)) + 1),
      },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector: {
        ...spec.selector,
        matchLabels: { ...spec.selector.matchLabels, [templateHashLabel]: hash },
      },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}

/** Old ReplicaSets beyond the history limit, oldest revision first. */
export function beyondHistory(deployment: Stored<Deployment>, olds: readonly Rs[]): Rs[] {
  const limit = deployment.spec.revisionHistoryLimit ?? 10;
  const kept = olds.filter((rs) => rs.metadata.deletionTimestamp === undefined);
  return kept
    .toSorted((a, b) => revisionOf(a) - revisionOf(b) || olderFirst(a, b))
    .slice(0, Math.max(0, kept.length - limit))
    .filter((rs) => {
      const observed = (rs.status?.observedGeneration ?? 0) >= (rs.metadata.generation ?? 0);
      return observed && replicasOf(rs) === 0 && (rs.status?.replicas ?? 0) === 0;
    });
}
