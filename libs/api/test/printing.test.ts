import { expect, test } from 'vitest';
import { resourceOfKind, type KubeObject } from '../src/index.js';

const now = Date.parse('2026-01-03T00:00:00Z');
const metadata = { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' };

const cells = (apiVersion: string, kind: string, rest: object): string => {
  const resource = resourceOfKind(apiVersion, kind);
  const row = resource?.row({ apiVersion, kind, metadata, ...rest } as KubeObject, now) ?? [];
  return (resource?.columns ?? []).map(({ name }, index) => `${name}=${row[index]}`).join(' | ');
};
const template = {
  spec: {
    containers: [
      { name: 'a', image: 'i:1' },
      { name: 'b', image: 'j:2' },
    ],
  },
};
const selector = {
  matchLabels: { tier: 'x', app: 'web' },
  matchExpressions: [
    { key: 'zone', operator: 'In', values: ['b', 'a'] },
    { key: 'beta', operator: 'DoesNotExist' },
  ],
};

test.each<[string, string, object, string]>([
  [
    'apps/v1',
    'Deployment',
    { spec: { replicas: 3, selector, template }, status: { readyReplicas: 2, updatedReplicas: 3 } },
    'Name=x | Ready=2/3 | Up-to-date=3 | Available=0 | Age=2d | Containers=a,b | Images=i:1,j:2 | Selector=app=web,!beta,tier=x,zone in (a,b)',
  ],
  [
    'apps/v1',
    'ReplicaSet',
    { spec: { replicas: 3, selector: {}, template }, status: { replicas: 2, readyReplicas: 1 } },
    'Name=x | Desired=3 | Current=2 | Ready=1 | Age=2d | Containers=a,b | Images=i:1,j:2 | Selector=<none>',
  ],
  [
    'v1',
    'Service',
    {
      spec: {
        type: 'NodePort',
        clusterIP: '10.96.0.1',
        ports: [
          { port: 80, nodePort: 30_080, protocol: 'TCP' },
          { port: 53, protocol: 'UDP' },
        ],
        selector: { app: 'web' },
      },
    },
    'Name=x | Type=NodePort | Cluster-IP=10.96.0.1 | External-IP=<none> | Port(s)=80:30080/TCP,53/UDP | Age=2d | Selector=app=web',
  ],
  [
    'v1',
    'Service',
    { spec: { type: 'LoadBalancer', ports: [] } },
    'Name=x | Type=LoadBalancer | Cluster-IP=<none> | External-IP=<pending> | Port(s)=<none> | Age=2d | Selector=<none>',
  ],
  [
    'v1',
    'Service',
    { spec: { type: 'ExternalName', externalName: 'example.com' } },
    'Name=x | Type=ExternalName | Cluster-IP=<none> | External-IP=example.com | Port(s)=<none> | Age=2d | Selector=<none>',
  ],
  [
    'v1',
    'Node',
    {
      metadata: { ...metadata, labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'db' } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'Unknown' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: { kubeletVersion: 'v1.35.0', osImage: 'Debian', kernelVersion: '6.1' },
      },
    },
    'Name=x | Status=NotReady,SchedulingDisabled | Roles=db,worker | Age=2d | Version=v1.35.0 | Internal-IP=10.0.0.1 | External-IP=<none> | OS-Image=Debian | Kernel-Version=6.1 | Container-Runtime=<unknown>',
  ],
  ['v1', 'Namespace', { status: { phase: 'Active' } }, 'Name=x | Status=Active | Age=2d'],
  [
    'v1',
    'Event',
    {
      involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{a}' },
      type: 'Warning',
      reason: 'BackOff',
      message: 'again\n',
      source: { component: 'agent', host: 'w1' },
      firstTimestamp: '2026-01-02T23:00:00Z',
      lastTimestamp: '2026-01-02T23:59:00Z',
      count: 4,
    },
    'Last Seen=60s | Type=Warning | Reason=BackOff | Object=pod/p | Subobject=spec.containers{a} | Source=agent, w1 | Message=again | First Seen=60m | Count=4 | Name=x',
  ],
  [
    'discovery.k8s.io/v1',
    'EndpointSlice',
    {
      addressType: 'IPv4',
      ports: [{ port: 80 }],
      endpoints: ['1', '2', '3', '4', '5'].map((last) => ({ addresses: [`10.0.0.${last}`] })),
    },
    'Name=x | AddressType=IPv4 | Ports=80 | Endpoints=10.0.0.1,10.0.0.2,10.0.0.3 + 2 more... | Age=2d',
  ],
  ['v1', 'ConfigMap', { data: { a: '' }, binaryData: { b: '' } }, 'Name=x | Data=2 | Age=2d'],
  ['v1', 'Secret', { type: 'Opaque', data: { a: '' } }, 'Name=x | Type=Opaque | Data=1 | Age=2d'],
  ['v1', 'ServiceAccount', {}, 'Name=x | Age=2d'],
  ['coordination.k8s.io/v1', 'Lease', { spec: { holderIdentity: 'm1' } }, 'Name=x | Holder=m1 | Age=2d'],
  [
    'v1',
    'ComponentStatus',
    { conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] },
    'Name=x | Status=Healthy | Message=ok | Error=',
  ],
])('%s %s', (apiVersion, kind, rest, expected) => {
  expect(cells(apiVersion, kind, rest)).toBe(expected);
});
