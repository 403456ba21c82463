import type { Verb } from '@raftsman/api';
import { nodeNameOf, type Identity } from './identity.js';

export interface ResourceRule {
  readonly verbs: readonly (Verb | '*')[];
  readonly groups: readonly string[];
  /** `pods`, `pods/status`, or `*` for all with their subresources. */
  readonly resources: readonly string[];
  /** Absent: all. */
  readonly namespaces?: readonly string[];
  /** Absent: all, and requests without a name. */
  readonly names?: (identity: Identity) => readonly string[];
}

export interface PathRule {
  readonly verbs: readonly string[];
  /** `*` at the end stands for the rest. */
  readonly paths: readonly string[];
}

/** What RBAC's bootstrap roles and the node authorizer give to one user or group. */
export interface Policy {
  readonly user?: string;
  readonly group?: string;
  readonly resources?: readonly ResourceRule[];
  readonly paths?: readonly PathRule[];
}

const read: readonly Verb[] = ['get', 'list', 'watch'];
const change: readonly Verb[] = ['update', 'patch'];
const ownNode = (identity: Identity): readonly string[] => {
  const name = nodeNameOf(identity);
  return name === null ? [] : [name];
};

const writeEvents: ResourceRule = {
  verbs: ['create', 'update', 'patch'],
  groups: ['', 'events.k8s.io'],
  resources: ['events'],
};
const leadBy = (name: string): readonly ResourceRule[] => [
  { verbs: ['create'], groups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['kube-system'] },
  {
    verbs: ['get', 'list', 'watch', 'update', 'patch'],
    groups: ['coordination.k8s.io'],
    resources: ['leases'],
    namespaces: ['kube-system'],
    names: () => [name],
  },
];

const everybody: Policy = {
  group: 'system:authenticated',
  paths: [
    {
      verbs: ['get', 'head'],
      paths: ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', '/version', '/version/'],
    },
    {
      verbs: ['get', 'head'],
      paths: ['/healthz', '/livez', '/readyz', '/livez/*', '/readyz/*', '/healthz/*'],
    },
  ],
  resources: [
    {
      verbs: ['create'],
      groups: ['authorization.k8s.io'],
      resources: ['selfsubjectaccessreviews'],
    },
    { verbs: ['create'], groups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
  ],
};

/** Nothing but whether the server lives and what it is. */
const nobody: Policy = {
  group: 'system:unauthenticated',
  paths: [
    {
      verbs: ['get', 'head'],
      paths: [
        '/healthz',
        '/livez',
        '/readyz',
        '/livez/*',
        '/readyz/*',
        '/healthz/*',
        '/version',
        '/version/',
      ],
    },
  ],
};

const admin: Policy = {
  group: 'system:masters',
  resources: [{ verbs: ['*'], groups: ['*'], resources: ['*'] }],
  paths: [{ verbs: ['*'], paths: ['*'] }],
};

/** Which objects a node may touch is decided on the object (admission/node-restriction.ts), which it may read by its pods (node-reads.ts). */
const nodes: Policy = {
  group: 'system:nodes',
  resources: [
    {
      verbs: read,
      groups: [''],
      resources: ['nodes', 'pods', 'services', 'configmaps', 'secrets', 'namespaces', 'serviceaccounts'],
    },
    { verbs: read, groups: ['discovery.k8s.io'], resources: ['endpointslices'] },
    { verbs: ['create'], groups: [''], resources: ['nodes'] },
    { verbs: change, groups: [''], resources: ['nodes', 'nodes/status'], names: ownNode },
    { verbs: change, groups: [''], resources: ['pods/status'] },
    { verbs: ['delete'], groups: [''], resources: ['pods'] },
    writeEvents,
    {
      verbs: ['create'],
      groups: ['coordination.k8s.io'],
      resources: ['leases'],
      namespaces: ['kube-node-lease'],
    },
    {
      verbs: ['get', 'update', 'patch', 'delete'],
      groups: ['coordination.k8s.io'],
      resources: ['leases'],
      namespaces: ['kube-node-lease'],
      names: ownNode,
    },
  ],
  paths: [{ verbs: ['post'], paths: ['/raftsman.v1.Heartbeats/Send'] }],
};

const scheduler: Policy = {
  user: 'system:kube-scheduler',
  resources: [
    {
      verbs: read,
      groups: [''],
      resources: ['nodes', 'pods', 'services', 'namespaces', 'replicationcontrollers'],
    },
    { verbs: read, groups: ['apps'], resources: ['replicasets', 'deployments', 'statefulsets'] },
    { verbs: ['create'], groups: [''], resources: ['pods/binding'] },
    { verbs: change, groups: [''], resources: ['pods/status'] },
    { verbs: ['delete'], groups: [''], resources: ['pods'] },
    writeEvents,
    ...leadBy('kube-scheduler'),
  ],
};

/** It deletes what a namespace holds and collects garbage of any kind. */
const controllerManager: Policy = {
  user: 'system:kube-controller-manager',
  resources: [{ verbs: ['*'], groups: ['*'], resources: ['*'] }],
  paths: [{ verbs: ['post'], paths: ['/raftsman.v1.Heartbeats/Watch'] }],
};

const proxy: Policy = {
  user: 'system:kube-proxy',
  resources: [
    { verbs: read, groups: [''], resources: ['services', 'nodes'] },
    { verbs: read, groups: ['discovery.k8s.io'], resources: ['endpointslices'] },
    writeEvents,
  ],
};

export const policies: readonly Policy[] = [
  admin,
  everybody,
  nobody,
  nodes,
  scheduler,
  controllerManager,
  proxy,
];
