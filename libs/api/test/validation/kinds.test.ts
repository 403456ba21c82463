import { describe, expect, test } from 'vitest';
import { container, deployment, problems, service, updateProblems } from './help.js';

describe('deployments', () => {
  test('as in any tutorial', () => {
    expect(problems(deployment())).toEqual([]);
    expect(problems(deployment({ replicas: 0, strategy: { type: 'Recreate' } }))).toEqual([]);
  });

  test.each<[object, string]>([
    [{ replicas: -1 }, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    [
      { selector: { matchLabels: { app: 'other' } } },
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
    [
      { selector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] } },
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
    [{ selector: {} }, 'spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
    [
      { strategy: { type: 'Recreate', rollingUpdate: {} } },
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } },
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
    ],
    [
      { strategy: { rollingUpdate: { maxUnavailable: '101%' } } },
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
    ],
    [
      { strategy: { type: 'Canary' } },
      'spec.strategy.type: Unsupported value: "Canary": supported values: "Recreate", "RollingUpdate"',
    ],
    [
      { progressDeadlineSeconds: 10, minReadySeconds: 10 },
      'spec.progressDeadlineSeconds: Invalid value: 10: must be greater than minReadySeconds',
    ],
    [
      {
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [container], restartPolicy: 'Never' },
        },
      },
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
  ])('%j', (spec, said) => {
    expect(problems(deployment(spec))).toEqual([said]);
  });

  test('that say nothing', () => {
    expect(problems({ apiVersion: 'apps/v1', kind: 'Deployment' })).toEqual([
      'spec.selector: Required value',
      'spec.template.spec.containers: Required value',
    ]);
  });

  test('keep their selector', () => {
    const changed = deployment({
      selector: { matchLabels: { app: 'new' } },
      template: { metadata: { labels: { app: 'new' } }, spec: { containers: [container] } },
    });
    expect(updateProblems(changed, deployment())).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"new"}}: field is immutable',
    ]);
    expect(updateProblems(deployment({ replicas: 5 }), deployment())).toEqual([]);
  });
});

describe('services', () => {
  test('good ones', () => {
    expect(
      problems(service({ ports: [{ port: 80, targetPort: 'http' }], selector: { app: 'web' } })),
    ).toEqual([]);
    expect(problems(service({ clusterIP: 'None' }))).toEqual([]);
    expect(problems(service({ type: 'ExternalName', externalName: 'example.com' }))).toEqual([]);
    expect(problems(service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] }))).toEqual([]);
  });

  test.each<[object, readonly string[]]>([
    [{}, ['spec.ports: Required value']],
    [
      { type: 'Magic', ports: [{ port: 1 }] },
      [
        'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    ],
    [{ ports: [{ port: 80 }, { port: 81, name: 'b' }] }, ['spec.ports[0].name: Required value']],
    [
      {
        ports: [
          { port: 80, name: 'a' },
          { port: 80, name: 'b' },
        ],
      },
      ['spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}'],
    ],
    [
      { ports: [{ port: 80, nodePort: 30_000 }] },
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ],
    [
      { type: 'NodePort', clusterIP: 'None', ports: [{ port: 80 }] },
      ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
    ],
    [
      { clusterIP: '10.0.0.256', ports: [{ port: 80 }] },
      [
        'spec.clusterIPs[0]: Invalid value: "10.0.0.256": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    ],
    [{ type: 'ExternalName' }, ['spec.externalName: Required value']],
    [
      {
        ports: [{ port: 80 }],
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } },
      },
      [
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400',
      ],
    ],
  ])('%j', (spec, said) => {
    expect(problems(service(spec))).toEqual(said);
  });

  test('keep the address they were given', () => {
    const ports = [{ port: 80 }];
    const old = service({ ports, clusterIP: '10.96.0.1' });
    expect(updateProblems(service({ ports, clusterIP: '10.96.0.2' }), old)).toEqual([
      'spec.clusterIPs[0]: Invalid value: "10.96.0.2": may not change once set',
    ]);
    expect(updateProblems(service({ ports }), old)).toEqual([
      'spec.clusterIPs[0]: Invalid value: "": primary clusterIP can not be unset',
    ]);
    expect(updateProblems(old, service({ ports }))).toEqual([]);
  });
});

describe('config maps and secrets', () => {
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap' };
  const secret = { apiVersion: 'v1', kind: 'Secret' };

  test('keys', () => {
    expect(problems({ ...configMap, data: { 'a.b_c-D': '' } })).toEqual([]);
    expect(problems({ ...configMap, data: { 'a/b': '' } })[0]).toMatch(
      /^data\[a\/b\]: Invalid value: "a\/b": a valid config key must consist of alphanumeric/,
    );
    expect(problems({ ...secret, data: { '..': '' } })).toEqual([
      `data[..]: Invalid value: "..": must not be '..'`,
    ]);
    expect(problems({ ...configMap, data: { a: '' }, binaryData: { a: '' } })).toEqual([
      'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    ]);
  });

  test('hold a mebibyte', () => {
    const full = 'x'.repeat(1024 * 1024);
    expect(problems({ ...configMap, data: { a: full } })).toEqual([]);
    expect(problems({ ...configMap, data: { a: full, b: 'x' } })).toEqual([
      expect.stringContaining('Too long: may not be more than 1048576 bytes'),
    ]);
    expect(problems({ ...secret, stringData: { a: full } })).toEqual([]);
    expect(problems({ ...secret, stringData: { a: `${full}x` } })).toEqual([
      'data: Too long: may not be more than 1048576 bytes',
    ]);
  });

  test('of a type that needs keys', () => {
    expect(problems({ ...secret, type: 'kubernetes.io/tls', data: { 'tls.crt': '' } })).toEqual([
      'data[tls.key]: Required value',
    ]);
    expect(problems({ ...secret, type: 'constructor' })).toEqual([]);
  });

  test('that are immutable stay so', () => {
    const old = { ...configMap, immutable: true, data: { a: '1' } };
    expect(updateProblems({ ...configMap, data: { a: '2' } }, old)).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
    expect(updateProblems({ ...secret, type: 'a' }, { ...secret, type: 'b' })).toEqual([
      'type: Invalid value: "a": field is immutable',
    ]);
  });
});

test('nodes', () => {
  const node = (spec: object, status: object = {}) => ({ apiVersion: 'v1', kind: 'Node', spec, status });
  const taint = { key: 'a', effect: 'NoSchedule' };
  expect(problems(node({ taints: [taint] }, { capacity: { cpu: 4, pods: 110 } }))).toEqual([]);
  expect(problems(node({ taints: [taint, taint, { key: 'b' }, { key: 'c', effect: 'Go' }] }))).toEqual([
    'spec.taints[2].effect: Required value',
    'spec.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}',
    'spec.taints[3].effect: Unsupported value: "Go": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
  ]);
  expect(updateProblems(node({ podCIDR: '10.1.0.0/24' }), node({ podCIDR: '10.0.0.0/24' }))).toEqual([
    'spec.podCIDR: Forbidden: node updates may not change podCIDR except from "" to valid',
  ]);
});

test('endpoint slices', () => {
  const slice = (rest: object) => ({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', ...rest });
  const good = { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] };
  expect(problems(slice(good))).toEqual([]);
  expect(problems(slice({}))).toEqual(['addressType: Required value']);
  expect(problems(slice({ ...good, endpoints: [{ addresses: ['::1'] }, {}] }))).toEqual([
    'endpoints[0].addresses[0]: Invalid value: "::1": must be an IPv4 address',
    'endpoints[1].addresses: Required value: must contain at least 1 address',
  ]);
  const many = Array.from({ length: 1001 }, () => ({ addresses: ['10.0.0.1'] }));
  expect(problems(slice({ ...good, endpoints: many }))).toEqual([
    'endpoints: Too many: 1001: must have at most 1000 items',
  ]);
  expect(updateProblems(slice({ addressType: 'IPv6' }), slice({ addressType: 'IPv4' }))).toEqual([
    'addressType: Invalid value: "IPv6": field is immutable',
  ]);
});

test('leases', () => {
  const lease = (spec: object) => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec });
  expect(problems(lease({ holderIdentity: 'm1', leaseDurationSeconds: 15, leaseTransitions: 0 }))).toEqual(
    [],
  );
  expect(problems(lease({ holderIdentity: '', leaseDurationSeconds: 0, leaseTransitions: -1 }))).toEqual([
    'spec.holderIdentity: Invalid value: "": must not be empty',
    'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
  ]);
});

test('events lie beside what they are about', () => {
  const event = (namespace: string) => ({ apiVersion: 'v1', kind: 'Event', involvedObject: { namespace } });
  expect(problems(event('default'))).toEqual([]);
  expect(problems(event('other'))).toEqual([
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ]);
});
