import type { KubeObject } from '@raftsman/api';
import { firstIp, type IpRange } from '../registry/allocation/ip-range.js';
import { systemNamespaces } from '../registry/strategies/namespace.js';

/** What every cluster has from its first second. */
export function bootstrapObjects(serviceRange: IpRange, securePort: number): readonly KubeObject[] {
  return [
    ...systemNamespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'kubernetes',
        namespace: 'default',
        labels: { component: 'apiserver', provider: 'kubernetes' },
      },
      spec: {
        type: 'ClusterIP',
        clusterIP: firstIp(serviceRange),
        sessionAffinity: 'None',
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: securePort }],
      },
    },
  ];
}

/** The label by which apiservers know the slices that they made. */
export const managedBy = { 'endpointslice.kubernetes.io/managed-by': 'apiserver.raftsman' } as const;

/** One slice for each apiserver: their ports may differ, and each writes only its own. */
export function apiserverSlice(address: string, port: number): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: sliceName(address, port),
      namespace: 'default',
      labels: { 'kubernetes.io/service-name': 'kubernetes', ...managedBy },
    },
    addressType: address.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true, serving: true, terminating: false } }],
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
}

export const sliceName = (address: string, port: number): string =>
  `kubernetes-${address.replaceAll(/[.:]+/g, '-')}-${port}`;
