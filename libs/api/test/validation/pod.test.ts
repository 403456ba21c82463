import { describe, expect, test } from 'vitest';
import { container, pod, podWith, problems, updateProblems } from './help.js';

const C = 'spec.containers[0]';

test('a pod as in any tutorial', () => {
  expect(
    problems(
      pod({
        containers: [
          {
            ...container,
            command: ['sh'],
            env: [
              { name: 'A', value: '1' },
              { name: 'B', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              { name: 'L', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
              { name: 'C', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } },
              { name: 'M', valueFrom: { resourceFieldRef: { resource: 'limits.memory' } } },
            ],
            envFrom: [{ secretRef: { name: 's' } }],
            ports: [{ name: 'http', containerPort: 80 }],
            resources: {
              limits: { cpu: '1', 'example.com/gpu': 1 },
              requests: { cpu: '100m', memory: '64Mi' },
            },
            volumeMounts: [{ name: 'data', mountPath: '/data', subPath: 'a/b' }],
            livenessProbe: { httpGet: { port: 'http', httpHeaders: [{ name: 'X-A', value: '' }] } },
            readinessProbe: { exec: { command: ['true'] }, successThreshold: 2 },
            lifecycle: { preStop: { sleep: { seconds: 5 } } },
            securityContext: { runAsUser: 1000 },
          },
        ],
        initContainers: [
          { ...container, name: 'i' },
          { ...container, name: 's', restartPolicy: 'Always', startupProbe: { tcpSocket: { port: 1 } } },
        ],
        volumes: [
          { name: 'data' },
          { name: 'h', hostPath: { path: '/var' } },
          { name: 'p', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
          { name: 'n', nfs: { server: 's', path: '/x' } },
        ],
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ operator: 'Exists' }, { key: 'a', effect: 'NoExecute', tolerationSeconds: 5 }],
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} },
        ],
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }],
          },
        },
      }),
    ),
  ).toEqual([]);
});

describe('containers', () => {
  test('there is one, each with its name and image', () => {
    expect(problems(pod({ containers: [] }))).toEqual(['spec.containers: Required value']);
    expect(problems(pod({ containers: [{}] }))).toEqual([
      `${C}.name: Required value`,
      `${C}.image: Required value`,
    ]);
    const twice = pod({ containers: [container, container], initContainers: [container] });
    expect(problems(twice)).toEqual([
      'spec.containers[0].name: Duplicate value: "a"',
      'spec.containers[1].name: Duplicate value: "a"',
    ]);
    expect(problems(podWith({ name: 'A' })).join()).toContain('a lowercase RFC 1123 label must consist of');
    expect(problems(podWith({ image: 'a ' }))).toEqual([
      `${C}.image: Invalid value: "a ": must not have leading or trailing whitespace`,
    ]);
  });

  test.each<[object, string]>([
    [{ ports: [{}] }, 'ports[0].containerPort: Required value'],
    [
      { ports: [{ containerPort: 70_000 }] },
      'ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
    [
      { ports: [{ containerPort: 1, protocol: 'ICMP' }] },
      'ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
    ],
    [
      { ports: [{ containerPort: 1, name: 'a--b' }] },
      'ports[0].name: Invalid value: "a--b": must not contain consecutive hyphens',
    ],
    [{ env: [{ name: '' }] }, 'env[0].name: Required value'],
    [
      { env: [{ name: 'A=B' }] },
      `env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='`,
    ],
    [
      { env: [{ name: 'A', value: 'x', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] },
      'env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ],
    [
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.foo' } } }] },
      'env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: field label not supported: spec.foo',
    ],
    [{ envFrom: [{}] }, 'envFrom[0]: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
    [{ volumeMounts: [{ name: 'v', mountPath: '/v' }] }, 'volumeMounts[0].name: Not found: "v"'],
    [
      { imagePullPolicy: 'Sometimes' },
      'imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
    ],
    [
      { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } },
      'resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
    [
      { resources: { requests: { cpu: '-1' } } },
      'resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ],
    [
      { resources: { requests: { gpu: '1' } } },
      'resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers',
    ],
    [{ livenessProbe: {} }, 'livenessProbe: Required value: must specify a handler type'],
    [
      { livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } },
      'livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
    ],
    [
      { livenessProbe: { exec: { command: ['a'] }, successThreshold: 2 } },
      'livenessProbe.successThreshold: Invalid value: 2: must be 1',
    ],
    [
      { readinessProbe: { httpGet: { port: 0 } } },
      'readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    [
      { securityContext: { privileged: true, allowPrivilegeEscalation: false } },
      'securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    ],
  ])('%j', (more, said) => {
    expect(problems(podWith(more))).toEqual([`${C}.${said}`]);
  });

  test('take whole devices, and as many as they are limited to', () => {
    const asking = (limit: object, request: object = limit) =>
      problems(podWith({ resources: { limits: limit, requests: request } }));
    expect(asking({ 'e.com/gpu': 2 })).toEqual([]);
    expect(asking({ 'e.com/gpu': '500m' })[0]).toBe(
      `${C}.resources.limits[e.com/gpu]: Invalid value: "500m": must be an integer`,
    );
    expect(asking({ 'e.com/gpu': 2 }, { 'e.com/gpu': 1 })).toEqual([
      `${C}.resources.requests: Invalid value: "1": must be equal to e.com/gpu limit of 2`,
    ]);
  });

  test('of initialization have no probes unless they stay', () => {
    const probe = { exec: { command: ['true'] } };
    expect(problems(pod({ initContainers: [{ ...container, name: 'i', livenessProbe: probe }] }))).toEqual([
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ]);
  });

  test('do not share a port of the host', () => {
    const ports = [{ containerPort: 80, hostPort: 8080 }];
    expect(
      problems(
        pod({
          containers: [
            { ...container, ports },
            { ...container, name: 'b', ports },
          ],
        }),
      ),
    ).toEqual(['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//8080"']);
  });
});

describe('the pod itself', () => {
  test.each<[object, string]>([
    [{ volumes: [{ name: 'a' }, { name: 'a' }] }, 'spec.volumes[1].name: Duplicate value: "a"'],
    [
      { volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/' } }] },
      'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
    ],
    [
      { volumes: [{ name: 'a', hostPath: { path: '/a/../b' } }] },
      `spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain '..'`,
    ],
    [{ volumes: [{ name: 'a', secret: {} }] }, 'spec.volumes[0].secret.secretName: Required value'],
    [
      { volumes: [{ name: 'a', configMap: { name: 'c', items: [{ key: 'k', path: '../p' }] } }] },
      `spec.volumes[0].configMap.items[0].path: Invalid value: "../p": must not contain '..'`,
    ],
    [{ volumes: [{ name: 'a', csi: {} }] }, 'spec.volumes[0].csi.driver: Required value'],
    [
      { restartPolicy: 'Maybe' },
      'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "Never", "OnFailure"',
    ],
    [
      { activeDeadlineSeconds: 0 },
      'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive',
    ],
    [
      { tolerations: [{ value: 'x' }] },
      'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
    [
      { tolerations: [{ key: 'a', tolerationSeconds: 1 }] },
      `spec.tolerations[0].effect: Invalid value: "": effect must be 'NoExecute' when \`tolerationSeconds\` is set`,
    ],
    [
      { dnsPolicy: 'None', dnsConfig: {} },
      'spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None',
    ],
    [
      { topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule' }] },
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
    ],
    [
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In' }] }],
            },
          },
        },
      },
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ],
    [
      { ephemeralContainers: [{ ...container, name: 'e' }] },
      'spec.ephemeralContainers: Forbidden: cannot be set on create',
    ],
  ])('%j', (spec, said) => {
    expect(problems(pod(spec))).toEqual([said]);
  });
});

describe('an update', () => {
  const old = pod({ tolerations: [{ key: 'a', operator: 'Exists' }], activeDeadlineSeconds: 100 });

  test('may change images, bring the deadline forward and tolerate more', () => {
    const changed = pod({
      containers: [{ ...container, image: 'nginx:1.1' }],
      tolerations: [
        { key: 'b', operator: 'Exists' },
        { key: 'a', operator: 'Exists' },
      ],
      activeDeadlineSeconds: 50,
    });
    expect(updateProblems(changed, old)).toEqual([]);
  });

  test('may change nothing else', () => {
    const [said, ...more] = updateProblems(
      pod({ ...(old['spec'] as object), nodeName: 'n', hostNetwork: true }),
      old,
    );
    expect(more).toEqual([]);
    expect(said).toMatch(
      /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`/,
    );
    expect(said).toMatch(/changed: spec\.hostNetwork, spec\.nodeName$/);
  });

  test('may not add containers, tolerate less or wait longer', () => {
    expect(updateProblems(pod({ containers: [container, { ...container, name: 'b' }] }), pod({}))).toEqual([
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ]);
    expect(updateProblems(pod({ activeDeadlineSeconds: 101 }), old)).toEqual([
      'spec.activeDeadlineSeconds: Invalid value: 101: must be less than or equal to previous value',
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    ]);
  });

  test('may open scheduling gates, not close new ones', () => {
    const gated = pod({ schedulingGates: [{ name: 'e.com/a' }] });
    expect(updateProblems(pod({}), gated)).toEqual([]);
    expect(updateProblems(gated, pod({}))).toEqual([
      "spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'e.com/a'",
    ]);
  });
});
