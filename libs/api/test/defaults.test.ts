import { describe, expect, test } from 'vitest';
import { applyDefaults, pullPolicyOf, qosClassOf, resourceOfKind, type KubeObject } from '../src/index.js';

const withDefaults = (apiVersion: string, kind: string, rest: object): KubeObject => {
  const resource = resourceOfKind(apiVersion, kind);
  if (resource === undefined) throw new Error(`no ${kind}`);
  const object = { apiVersion, kind, metadata: { name: 'x' }, ...rest };
  const before = structuredClone(object);
  const once = applyDefaults(resource, object);
  expect(object).toEqual(before);
  expect(applyDefaults(resource, once)).toEqual(once);
  return once;
};

const container = { name: 'a', image: 'nginx:1' };

describe('a pod', () => {
  test('that says little', () => {
    expect(withDefaults('v1', 'Pod', { spec: { containers: [container] } })['spec']).toEqual({
      containers: [
        {
          ...container,
          imagePullPolicy: 'IfNotPresent',
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
        },
      ],
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    });
  });

  test('probes, ports, volumes and references', () => {
    const pod = withDefaults('v1', 'Pod', {
      spec: {
        hostNetwork: true,
        serviceAccount: 'me',
        containers: [
          {
            ...container,
            ports: [{ containerPort: 80 }],
            livenessProbe: { httpGet: { port: 80 }, periodSeconds: 0, failureThreshold: 5 },
            env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
          },
        ],
        volumes: [{ name: 'a' }, { name: 'b', configMap: { name: 'c' } }, { name: 'c', emptyDir: {} }],
      },
    });
    expect(pod['spec']).toMatchObject({
      serviceAccountName: 'me',
      containers: [
        {
          ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
          livenessProbe: {
            httpGet: { port: 80, path: '/', scheme: 'HTTP' },
            periodSeconds: 10,
            timeoutSeconds: 1,
            successThreshold: 1,
            failureThreshold: 5,
          },
          env: [{ valueFrom: { fieldRef: { apiVersion: 'v1' } } }],
        },
      ],
      volumes: [{ emptyDir: {} }, { configMap: { name: 'c', defaultMode: 0o644 } }, { emptyDir: {} }],
    });
  });

  test('requests what it is limited to, in a pod though not in a template', () => {
    const resources = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } };
    const spec = { containers: [{ ...container, resources }] };
    const requests = { cpu: '500m', memory: '1Gi' };
    expect(withDefaults('v1', 'Pod', { spec })).toMatchObject({
      spec: { containers: [{ resources: { requests } }] },
    });
    const deployment = withDefaults('apps/v1', 'Deployment', { spec: { template: { spec } } });
    expect(deployment).toMatchObject({ spec: { template: { spec: { containers: [{ resources }] } } } });
    expect(JSON.stringify(deployment)).not.toContain('enableServiceLinks');
  });
});

test.each([
  ['nginx', 'Always'],
  ['nginx:latest', 'Always'],
  ['host:5000/nginx', 'Always'],
  ['nginx:1.27', 'IfNotPresent'],
  ['host:5000/nginx:1', 'IfNotPresent'],
  ['nginx@sha256:0', 'IfNotPresent'],
  ['nginx:latest@sha256:0', 'Always'],
])('%s is pulled %s', (image, policy) => {
  expect(pullPolicyOf(image)).toBe(policy);
});

test('a deployment', () => {
  expect(withDefaults('apps/v1', 'Deployment', {})['spec']).toEqual({
    progressDeadlineSeconds: 600,
    replicas: 1,
    revisionHistoryLimit: 10,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
  });
  expect(
    withDefaults('apps/v1', 'Deployment', { spec: { replicas: 0, strategy: { type: 'Recreate' } } }),
  ).toMatchObject({ spec: { replicas: 0, strategy: { type: 'Recreate' } } });
});

describe('a service', () => {
  test('within the cluster', () => {
    expect(withDefaults('v1', 'Service', { spec: { ports: [{ port: 80 }] } })['spec']).toEqual({
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      sessionAffinity: 'None',
      type: 'ClusterIP',
    });
  });
  test('reachable from outside, with affinity', () => {
    expect(
      withDefaults('v1', 'Service', { spec: { type: 'LoadBalancer', sessionAffinity: 'ClientIP' } })['spec'],
    ).toMatchObject({
      allocateLoadBalancerNodePorts: true,
      externalTrafficPolicy: 'Cluster',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } },
    });
  });
});

test('a namespace carries its name as a label', () => {
  expect(
    withDefaults('v1', 'Namespace', { metadata: { name: 'a', labels: { b: 'c' } } }).metadata.labels,
  ).toEqual({ b: 'c', 'kubernetes.io/metadata.name': 'a' });
});

test("a secret's stringData goes into its data, over what is there", () => {
  const secret = withDefaults('v1', 'Secret', { data: { a: 'eA==', b: 'eA==' }, stringData: { a: 'é' } });
  expect(secret).toMatchObject({ type: 'Opaque', data: { a: 'w6k=', b: 'eA==' } });
  expect(secret).not.toHaveProperty('stringData');
});

test('a node allocates its capacity', () => {
  expect(withDefaults('v1', 'Node', { status: { capacity: { cpu: '4' } } })).toMatchObject({
    spec: {},
    status: { allocatable: { cpu: '4' } },
  });
});

test('quality of service', () => {
  const of = (resources: object) => qosClassOf({ containers: [{ name: 'a', resources }] });
  const all = { cpu: '1', memory: '1Gi' };
  expect(of({})).toBe('BestEffort');
  expect(of({ requests: { cpu: '1' } })).toBe('Burstable');
  expect(of({ limits: all })).toBe('Guaranteed');
  expect(of({ limits: all, requests: { cpu: '1000m', memory: '1024Mi' } })).toBe('Guaranteed');
  expect(of({ limits: all, requests: { cpu: '500m' } })).toBe('Burstable');
});
