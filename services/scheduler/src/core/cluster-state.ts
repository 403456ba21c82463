import {
  nodeInfo,
  placed,
  type NodeInfo,
  type NodeObject,
  type PlacedPod,
  type PodObject,
  type Snapshot,
} from './node-info.js';

/**
 * What the scheduler believes of the cluster: what the API told, and its own decisions that the API has not told yet (assumed).
 * Invariants: 1. a pod is on at most one node; 2. an assumed pod is dropped only by `forget`, or by the API telling of it.
 */
export class ClusterState {
  readonly #nodes = new Map<string, NodeObject>();
  /** Pods by node name, also of nodes that are not known (yet). */
  readonly #podsOn = new Map<string, Map<string, PlacedPod>>();
  readonly #nodeOf = new Map<string, string>();
  readonly #assumed = new Set<string>();
  readonly #infos = new Map<string, NodeInfo>();

  setNode(node: NodeObject): void {
    this.#nodes.set(node.metadata.name, node);
    this.#infos.delete(node.metadata.name);
  }

  removeNode(name: string): void {
    this.#nodes.delete(name);
    this.#infos.delete(name);
  }

  /** The API told of a pod that is bound. */
  setPod(pod: PodObject): void {
    this.#assumed.delete(pod.metadata.uid);
    this.#place(pod, pod.spec.nodeName ?? '');
  }

  /** The API told that a pod is gone, or has ended and holds nothing any more. */
  removePod(uid: string): void {
    this.#assumed.delete(uid);
    this.#displace(uid);
  }

  /** A decision, before its binding is written. */
  assume(pod: PodObject, node: string): void {
    this.#assumed.add(pod.metadata.uid);
    this.#place(pod, node);
  }

  /** The binding came to nothing. No effect once the API told of the pod. */
  forget(uid: string): void {
    if (this.#assumed.delete(uid)) this.#displace(uid);
  }

  isAssumed(uid: string): boolean {
    return this.#assumed.has(uid);
  }

  snapshot(namespaceLabels: Snapshot['namespaceLabels']): Snapshot {
    const nodes: NodeInfo[] = [];
    for (const [name, node] of this.#nodes) {
      let info = this.#infos.get(name);
      if (info === undefined) {
        info = nodeInfo(node, this.#podsOn.get(name)?.values() ?? []);
        this.#infos.set(name, info);
      }
      nodes.push(info);
    }
    return { nodes, namespaceLabels };
  }

  #place(pod: PodObject, node: string): void {
    const { uid } = pod.metadata;
    this.#displace(uid);
    const pods = this.#podsOn.get(node) ?? new Map<string, PlacedPod>();
    pods.set(uid, placed(pod));
    this.#podsOn.set(node, pods);
    this.#nodeOf.set(uid, node);
    this.#infos.delete(node);
  }

  #displace(uid: string): void {
    const node = this.#nodeOf.get(uid);
    if (node === undefined) return;
    this.#nodeOf.delete(uid);
    const pods = this.#podsOn.get(node)!;
    pods.delete(uid);
    if (pods.size === 0) this.#podsOn.delete(node);
    this.#infos.delete(node);
  }
}
