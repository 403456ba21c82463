import type { Deployment, Node, Pod, ReplicaSet, Service } from '@raftsman/api';
import type { Stored } from '@raftsman/client';

let serial = 0;

/** As if it had been stored. */
export function stored<T extends { metadata: object }>(object: T): Stored<T> {
  serial += 1;
  const metadata = {
    namespace: 'default',
    uid: `uid-${serial}`,
    resourceVersion: String(serial),
    creationTimestamp: new Date(Date.UTC(2026, 0, 1) + serial * 1_000).toISOString(),
    generation: 1,
    ...object.metadata,
  };
  return { ...object, metadata } as unknown as Stored<T>;
}

export const labels = { app: 'web' };

export const deployment = (name: string, spec: Partial<Deployment['spec']> = {}): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default', labels },
  spec: {
    replicas: 3,
    selector: { matchLabels: labels },
    template: template('v1'),
    progressDeadlineSeconds: 600,
    revisionHistoryLimit: 10,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    ...spec,
  },
});

export const template = (image: string) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'web', image, ports: [{ name: 'http', containerPort: 8080 }] }] },
});

export const replicaSet = (name: string, replicas: number, rest: Partial<ReplicaSet> = {}): ReplicaSet => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { name, namespace: 'default', labels },
  spec: { replicas, selector: { matchLabels: labels }, template: template('v1') },
  ...rest,
});

export const pod = (
  name: string,
  {
    ready = false,
    node,
    phase = 'Running',
    readySince = '2026-01-01T00:00:00Z',
    metadata = {},
    ...status
  }: {
    ready?: boolean;
    node?: string;
    readySince?: string;
    metadata?: Partial<Pod['metadata']>;
  } & NonNullable<Pod['status']> = {},
): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels, ...metadata },
  spec: { ...template('v1').spec, ...(node === undefined ? {} : { nodeName: node }) },
  status: {
    phase,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: readySince }],
    ...status,
  },
});

export const service = (name: string, spec: Partial<Service['spec']> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: {
    clusterIP: '10.0.0.1',
    ipFamilies: ['IPv4'],
    ports: [{ name: 'web', port: 80, targetPort: 'http' }],
    selector: labels,
    ...spec,
  },
});

export const node = (name: string, rest: Partial<Node> = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec: {},
  status: { conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }] },
  ...rest,
});
