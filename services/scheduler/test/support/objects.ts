import type { Node, Pod } from '@raftsman/api';
import {
  nodeInfo,
  placed,
  type NodeObject,
  type PodObject,
  type Snapshot,
} from '../../src/core/node-info.js';

type PodSpec = Partial<Pod['spec']>;

let uids = 0;

export function pod(name: string, spec: PodSpec = {}, metadata: Partial<Pod['metadata']> = {}): PodObject {
  uids += 1;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${uids}`, ...metadata },
    spec: { containers: [{ name: 'c', image: 'busybox' }], ...spec },
  };
}

export const asking = (requests: { [resource: string]: string }): PodSpec => ({
  containers: [{ name: 'c', image: 'busybox', resources: { requests } }],
});

export function node(
  name: string,
  rest: {
    labels?: { [key: string]: string };
    spec?: Node['spec'];
    allocatable?: { [resource: string]: string };
  } = {},
): NodeObject {
  const allocatable = { cpu: '4', memory: '8Gi', pods: '110', ...rest.allocatable };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...rest.labels } },
    spec: rest.spec ?? {},
    status: { allocatable, capacity: allocatable },
  };
}

/** Nodes with the pods on them. */
export const cluster = (...nodes: readonly (readonly [NodeObject, ...PodObject[]])[]): Snapshot => ({
  nodes: nodes.map(([each, ...pods]) => nodeInfo(each, pods.map(placed))),
  namespaceLabels: (namespace) => ({ 'kubernetes.io/metadata.name': namespace }),
});

export const ownedBy = (uid: string): Partial<Pod['metadata']> => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: uid, uid, controller: true }],
});
