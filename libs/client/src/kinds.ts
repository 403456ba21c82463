import { strict as assert } from 'node:assert';
import {
  findResource,
  type ConfigMap,
  type Deployment,
  type EndpointSlice,
  type Event,
  type Lease,
  type Namespace,
  type Node,
  type Pod,
  type ReplicaSet,
  type Secret,
  type Service,
  type ServiceAccount,
} from '@raftsman/api';
import type { ObjectLike, ResourceType } from './types.js';

/** A resource that knows the type of its objects: `client.of(kinds.pods)` answers Pods. */
export interface TypedResource<T extends ObjectLike> extends ResourceType {
  /** Never set; carries the type. */
  readonly object?: T;
}

function typed<T extends ObjectLike>(group: string, version: string, plural: string): TypedResource<T> {
  const resource = findResource(group, version, plural);
  assert(resource !== undefined, `no resource ${group}/${version}/${plural}`);
  return resource;
}

/** The resources that components work with, by plural. */
export const kinds = {
  configMaps: typed<ConfigMap>('', 'v1', 'configmaps'),
  deployments: typed<Deployment>('apps', 'v1', 'deployments'),
  endpointSlices: typed<EndpointSlice>('discovery.k8s.io', 'v1', 'endpointslices'),
  events: typed<Event>('', 'v1', 'events'),
  leases: typed<Lease>('coordination.k8s.io', 'v1', 'leases'),
  namespaces: typed<Namespace>('', 'v1', 'namespaces'),
  nodes: typed<Node>('', 'v1', 'nodes'),
  pods: typed<Pod>('', 'v1', 'pods'),
  replicaSets: typed<ReplicaSet>('apps', 'v1', 'replicasets'),
  secrets: typed<Secret>('', 'v1', 'secrets'),
  serviceAccounts: typed<ServiceAccount>('', 'v1', 'serviceaccounts'),
  services: typed<Service>('', 'v1', 'services'),
} as const;
