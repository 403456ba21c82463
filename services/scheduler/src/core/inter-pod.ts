import type { PodAffinityTerm } from '@raftsman/api';
import type { NodeInfo, PodObject, Snapshot } from './node-info.js';
import { labelsOf, selects } from './selectors.js';

/** Affinity and anti-affinity between pods, required and preferred. */

const requiredAffinity = ({ spec }: PodObject): readonly PodAffinityTerm[] =>
  spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
const requiredAntiAffinity = ({ spec }: PodObject): readonly PodAffinityTerm[] =>
  spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

/** Whether `other` is one of the pods that `owner`'s term speaks of. */
function termMatches(term: PodAffinityTerm, owner: PodObject, other: PodObject, snapshot: Snapshot): boolean {
  const { namespaces = [], namespaceSelector } = term;
  const namespace = other.metadata.namespace ?? '';
  const own = namespaces.length === 0 && namespaceSelector === undefined;
  const inScope = own
    ? namespace === (owner.metadata.namespace ?? '')
    : namespaces.includes(namespace) || selects(namespaceSelector, snapshot.namespaceLabels(namespace));
  return inScope && selects(term.labelSelector, labelsOf(other));
}

const domainOf = (info: NodeInfo, key: string): string | undefined => {
  const value = labelsOf(info.node)[key];
  return value === undefined ? undefined : `${key}=${value}`;
};

/** What a pod's placement depends on, counted once for all nodes. */
export interface InterPodState {
  /** Domains in which a pod already there does not want this one. */
  readonly unwelcome: ReadonlySet<string>;
  /** Domains in which a pod is that this one does not want beside it. */
  readonly avoided: ReadonlySet<string>;
  /** For each required affinity term the domains that satisfy it; undefined: nothing matches anywhere, but the pod matches itself. */
  readonly wanted: readonly {
    readonly topologyKey: string;
    readonly domains: ReadonlySet<string> | undefined;
  }[];
}

export function interPodState(pod: PodObject, snapshot: Snapshot): InterPodState {
  const unwelcome = new Set<string>();
  const avoided = new Set<string>();
  const affinity = requiredAffinity(pod).map((term) => ({ term, domains: new Set<string>() }));
  const antiAffinity = requiredAntiAffinity(pod);
  for (const info of snapshot.nodes) {
    const note = (set: Set<string>, term: PodAffinityTerm): void => {
      const domain = domainOf(info, term.topologyKey);
      if (domain !== undefined) set.add(domain);
    };
    for (const { pod: other } of info.pods.values()) {
      for (const term of requiredAntiAffinity(other)) {
        if (termMatches(term, other, pod, snapshot)) note(unwelcome, term);
      }
      for (const term of antiAffinity) if (termMatches(term, pod, other, snapshot)) note(avoided, term);
      for (const { term, domains } of affinity)
        if (termMatches(term, pod, other, snapshot)) note(domains, term);
    }
  }
  // The first of a group that wants to be together must be allowed somewhere.
  const isFirst =
    affinity.every(({ domains }) => domains.size === 0) &&
    affinity.every(({ term }) => termMatches(term, pod, pod, snapshot));
  return {
    unwelcome,
    avoided,
    wanted: affinity.map(({ term, domains }) => ({
      topologyKey: term.topologyKey,
      domains: isFirst ? undefined : domains,
    })),
  };
}

/** Why the pod may not be on the node; undefined: it may. */
export function interPodRefusal(state: InterPodState, info: NodeInfo): string | undefined {
  for (const { topologyKey, domains } of state.wanted) {
    const domain = domainOf(info, topologyKey);
    const satisfied = domain !== undefined && (domains === undefined || domains.has(domain));
    if (!satisfied) return "node(s) didn't match pod affinity rules";
  }
  const here = Object.entries(labelsOf(info.node)).map(([key, value]) => `${key}=${value}`);
  if (here.some((domain) => state.avoided.has(domain))) return "node(s) didn't match pod anti-affinity rules";
  if (here.some((domain) => state.unwelcome.has(domain))) {
    return "node(s) didn't satisfy existing pods anti-affinity rules";
  }
  return undefined;
}

/** The sum of the weights of preferred terms that each node satisfies; negative where the pod would rather not be. */
export function preferredInterPod(pod: PodObject, snapshot: Snapshot): readonly number[] {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const terms = [
    ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => ({
      ...each,
      sign: 1,
    })),
    ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => ({
      ...each,
      sign: -1,
    })),
  ];
  const byDomain = new Map<string, number>();
  for (const info of terms.length === 0 ? [] : snapshot.nodes) {
    for (const { pod: other } of info.pods.values()) {
      for (const { podAffinityTerm: term, weight, sign } of terms) {
        const domain = domainOf(info, term.topologyKey);
        if (domain === undefined || !termMatches(term, pod, other, snapshot)) continue;
        byDomain.set(domain, (byDomain.get(domain) ?? 0) + sign * weight);
      }
    }
  }
  return snapshot.nodes.map(({ node }) =>
    Object.entries(labelsOf(node)).reduce(
      (sum, [key, value]) => sum + (byDomain.get(`${key}=${value}`) ?? 0),
      0,
    ),
  );
}
