import type { Node, Pod } from '@raftsman/api';
import { allocatableOf, podRequests, type Amounts } from './resources.js';

/** As much of a stored object as the core goes by. */
export type PodObject = Pod & { readonly metadata: { readonly name: string; readonly uid: string } };
export type NodeObject = Node & { readonly metadata: { readonly name: string } };

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** A pod on a node, with what is asked of it over and over. */
export interface PlacedPod {
  readonly pod: PodObject;
  readonly requests: Amounts;
  readonly assumedRequests: Amounts;
  readonly hostPorts: readonly HostPort[];
}

/**
 * A node and the pods on it.
 * Invariant: `requested` and `assumedRequested` are the sums over `pods`.
 */
export interface NodeInfo {
  readonly node: NodeObject;
  readonly allocatable: Amounts;
  readonly pods: ReadonlyMap<string, PlacedPod>;
  readonly requested: Amounts;
  /** The same where containers that ask for nothing count with an assumed need. */
  readonly assumedRequested: Amounts;
}

export const placed = (pod: PodObject): PlacedPod => ({
  pod,
  requests: podRequests(pod),
  assumedRequests: podRequests(pod, true),
  hostPorts: hostPortsOf(pod),
});

export function hostPortsOf({ spec }: Pick<Pod, 'spec'>): HostPort[] {
  return spec.containers
    .flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort = 0 }) => hostPort > 0)
    .map(({ hostIP = '0.0.0.0', protocol = 'TCP', hostPort }) => ({
      ip: hostIP === '' ? '0.0.0.0' : hostIP,
      protocol,
      port: hostPort!,
    }));
}

export function nodeInfo(node: NodeObject, pods: Iterable<PlacedPod>): NodeInfo {
  const byUid = new Map<string, PlacedPod>();
  const requested = new Map<string, number>();
  const assumedRequested = new Map<string, number>();
  for (const each of pods) {
    byUid.set(each.pod.metadata.uid, each);
    for (const [resource, amount] of each.requests)
      requested.set(resource, (requested.get(resource) ?? 0) + amount);
    for (const [resource, amount] of each.assumedRequests) {
      assumedRequested.set(resource, (assumedRequested.get(resource) ?? 0) + amount);
    }
  }
  return { node, allocatable: allocatableOf(node), pods: byUid, requested, assumedRequested };
}

/** What a decision goes by: the nodes in a fixed order, and the labels of namespaces (for affinity's namespaceSelector). */
export interface Snapshot {
  readonly nodes: readonly NodeInfo[];
  readonly namespaceLabels: (namespace: string) => { readonly [key: string]: string };
}
