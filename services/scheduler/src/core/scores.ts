import { preferredInterPod } from './inter-pod.js';
import type { NodeInfo, PodObject, Snapshot } from './node-info.js';
import { podRequests, type Amounts } from './resources.js';
import { labelsOf, matchesTerm } from './selectors.js';
import { tolerates } from './taints.js';
import { countByDomain } from './topology-spread.js';

/** Nodes from 0 to 100, better is more. Weights are Kubernetes' default profile's. */
const scoreMax = 100;

interface Scorer {
  readonly weight: number;
  readonly score: (pod: PodObject, candidates: readonly NodeInfo[], snapshot: Snapshot) => readonly number[];
}

const scorers: readonly Scorer[] = [
  {
    weight: 3,
    score: (pod, candidates) => fewest(candidates.map((info) => untoleratedPreferences(pod, info))),
  },
  { weight: 2, score: (pod, candidates) => most(candidates.map((info) => preferredNodeWeight(pod, info))) },
  { weight: 2, score: spread },
  {
    weight: 2,
    score: (pod, candidates, snapshot) =>
      most(stretch(preferredInterPod(pod, { ...snapshot, nodes: candidates }))),
  },
  { weight: 1, score: (pod, candidates) => eachFraction(pod, candidates, leastAllocated) },
  { weight: 1, score: (pod, candidates) => eachFraction(pod, candidates, balanced) },
];

/** Each candidate's weighted sum. */
export function scoreNodes(pod: PodObject, candidates: readonly NodeInfo[], snapshot: Snapshot): number[] {
  const totals = candidates.map(() => 0);
  for (const { weight, score } of scorers) {
    for (const [index, value] of score(pod, candidates, snapshot).entries()) totals[index]! += weight * value;
  }
  return totals;
}

/** The greatest becomes 100, 0 stays 0. */
function most(values: readonly number[]): number[] {
  const greatest = Math.max(0, ...values);
  return values.map((value) => (greatest === 0 ? 0 : (value * scoreMax) / greatest));
}

/** 0 becomes 100, the greatest 0. */
const fewest = (values: readonly number[]): number[] => {
  const greatest = Math.max(0, ...values);
  return values.map((value) => (greatest === 0 ? scoreMax : scoreMax - (value * scoreMax) / greatest));
};

/** Moves values so that the least is 0. */
const stretch = (values: readonly number[]): number[] => {
  const least = Math.min(0, ...values);
  return values.map((value) => value - least);
};

function untoleratedPreferences({ spec }: PodObject, { node }: NodeInfo): number {
  const tolerations = spec.tolerations ?? [];
  return (node.spec?.taints ?? []).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((each) => tolerates(each, taint)),
  ).length;
}

function preferredNodeWeight({ spec }: PodObject, { node }: NodeInfo): number {
  const preferred = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.reduce(
    (sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0),
    0,
  );
}

/** Few pods of the same workload on the node, and few in its zone; or what the pod's own soft constraints say. */
function spread(pod: PodObject, candidates: readonly NodeInfo[], snapshot: Snapshot): readonly number[] {
  const soft = (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'ScheduleAnyway',
  );
  if (soft.length === 0) return fewest(candidates.map((info) => siblings(pod, info)));
  const counts = soft.map((constraint) => ({
    constraint,
    byDomain: countByDomain(pod, constraint, snapshot, soft),
  }));
  return fewest(
    candidates.map(({ node }) =>
      counts.reduce((sum, { constraint, byDomain }) => {
        const domain = labelsOf(node)[constraint.topologyKey];
        return sum + (domain === undefined ? 0 : (byDomain.get(domain) ?? 0)) / constraint.maxSkew;
      }, 0),
    ),
  );
}

function siblings(pod: PodObject, { pods }: NodeInfo): number {
  const owner = controllerUid(pod);
  if (owner === undefined) return 0;
  let count = 0;
  for (const { pod: other } of pods.values()) {
    if (other.metadata.deletionTimestamp === undefined && controllerUid(other) === owner) count += 1;
  }
  return count;
}

const controllerUid = (pod: PodObject): string | undefined =>
  pod.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;

type Fractions = readonly [cpu: number, memory: number];

/** Shares of the node that would be asked for with the pod on it. */
function eachFraction(
  pod: PodObject,
  candidates: readonly NodeInfo[],
  score: (fractions: Fractions) => number,
): number[] {
  const requests = podRequests(pod, true);
  return candidates.map((info) => score([share(info, requests, 'cpu'), share(info, requests, 'memory')]));
}

function share({ allocatable, assumedRequested }: NodeInfo, requests: Amounts, resource: string): number {
  const capacity = allocatable.get(resource) ?? 0;
  if (capacity === 0) return 1;
  return Math.min(1, ((assumedRequested.get(resource) ?? 0) + (requests.get(resource) ?? 0)) / capacity);
}

const leastAllocated = ([cpu, memory]: Fractions): number => ((1 - cpu + (1 - memory)) / 2) * scoreMax;
const balanced = ([cpu, memory]: Fractions): number => (1 - Math.abs(cpu - memory) / 2) * scoreMax;
