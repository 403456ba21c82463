import type { TopologySpreadConstraint } from '@raftsman/api';
import type { NodeInfo, PodObject, Snapshot } from './node-info.js';
import { labelsOf, matchesNode, selects, type Labels } from './selectors.js';

/** topologySpreadConstraints with DoNotSchedule. https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/ */
export interface SpreadState {
  readonly constraints: readonly {
    readonly constraint: TopologySpreadConstraint;
    readonly matching: ReadonlyMap<string, number>;
    readonly least: number;
    /** 1 if the pod itself would count. */
    readonly self: number;
  }[];
}

export function spreadState(pod: PodObject, snapshot: Snapshot): SpreadState {
  const hard = (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
  );
  return {
    constraints: hard.map((constraint) => {
      const matching = countByDomain(pod, constraint, snapshot, hard);
      const tooFewDomains = matching.size < (constraint.minDomains ?? 1);
      const least = tooFewDomains || matching.size === 0 ? 0 : Math.min(...matching.values());
      return { constraint, matching, least, self: countsFor(pod, constraint, pod) ? 1 : 0 };
    }),
  };
}

export function spreadRefusal({ constraints }: SpreadState, info: NodeInfo): string | undefined {
  for (const { constraint, matching, least, self } of constraints) {
    const domain = labelsOf(info.node)[constraint.topologyKey];
    if (domain === undefined) {
      return "node(s) didn't match pod topology spread constraints (missing required label)";
    }
    if ((matching.get(domain) ?? 0) + self - least > constraint.maxSkew) {
      return "node(s) didn't match pod topology spread constraints";
    }
  }
  return undefined;
}

/** Matching pods in each domain that the pod could go to. */
export function countByDomain(
  pod: PodObject,
  constraint: TopologySpreadConstraint,
  snapshot: Snapshot,
  all: readonly TopologySpreadConstraint[],
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const info of snapshot.nodes) {
    const labels = labelsOf(info.node);
    const domain = labels[constraint.topologyKey];
    const eligible = constraint.nodeAffinityPolicy === 'Ignore' || matchesNode(pod, info.node);
    if (domain === undefined || !eligible || !all.every(({ topologyKey }) => topologyKey in labels)) continue;
    const here = [...info.pods.values()].filter(({ pod: other }) => countsFor(pod, constraint, other)).length;
    counts.set(domain, (counts.get(domain) ?? 0) + here);
  }
  return counts;
}

function countsFor(
  pod: PodObject,
  { labelSelector, matchLabelKeys = [] }: TopologySpreadConstraint,
  other: PodObject,
): boolean {
  if (other.metadata.namespace !== pod.metadata.namespace || other.metadata.deletionTimestamp !== undefined)
    return false;
  const [own, labels]: Labels[] = [labelsOf(pod), labelsOf(other)];
  const sameKeys = matchLabelKeys.every((key) => own?.[key] === undefined || own[key] === labels?.[key]);
  return sameKeys && selects(labelSelector, labels ?? {});
}
