import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { podRequests } from '../src/core/resources.js';
import { schedulePod } from '../src/core/schedule.js';
import { asking, cluster, node, ownedBy, pod } from './support/objects.js';

const first = () => 0;
const where = (...args: Parameters<typeof schedulePod>): string => {
  const decision = schedulePod(...args);
  return decision.kind === 'node' ? decision.node : decision.message;
};

describe('what a pod needs', () => {
  it('is its containers together, or its neediest init container with the sidecars before it', () => {
    const requests = (cpu: string) => ({ resources: { requests: { cpu } } });
    const needy = pod('p', {
      containers: [
        { name: 'a', image: 'i', ...requests('100m') },
        { name: 'b', image: 'i', ...requests('200m') },
      ],
      initContainers: [
        { name: 'sidecar', image: 'i', restartPolicy: 'Always', ...requests('50m') },
        { name: 'setup', image: 'i', ...requests('1') },
      ],
      overhead: { cpu: '10m' },
    });
    expect(podRequests(needy).get('cpu')).toBe(1_060);
    expect(
      podRequests(pod('q', { ...needy.spec, initContainers: needy.spec.initContainers!.slice(0, 1) })).get(
        'cpu',
      ),
    ).toBe(360);
  });
});

describe('filters', () => {
  const reasons: readonly [string, Parameters<typeof where>[0], Parameters<typeof where>[1], string][] = [
    ['no nodes', pod('p'), cluster(), 'no nodes available to schedule pods'],
    [
      'too little of several things',
      pod('p', asking({ cpu: '5', memory: '1Gi' })),
      cluster(
        [node('a')],
        [node('b', { allocatable: { cpu: '1', memory: '512Mi' } })],
        [node('c', { allocatable: { pods: '0' } })],
      ),
      '0/3 nodes are available: 1 Insufficient memory, 1 Too many pods, 3 Insufficient cpu.',
    ],
    [
      'an extended resource that no node has',
      pod('p', asking({ 'example.com/gpu': '1' })),
      cluster([node('a')]),
      '0/1 nodes are available: 1 Insufficient example.com/gpu.',
    ],
    [
      'a cordoned node and a tainted one',
      pod('p'),
      cluster(
        [node('a', { spec: { unschedulable: true } })],
        [node('b', { spec: { taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' }] } })],
      ),
      '0/2 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, 1 node(s) were unschedulable.',
    ],
    [
      'a node selector that nothing matches',
      pod('p', { nodeSelector: { disk: 'ssd' } }),
      cluster([node('a', { labels: { disk: 'hdd' } })]),
      "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    ],
    [
      'a host port that is taken',
      pod('p', { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 80 }] }] }),
      cluster([
        node('a'),
        pod('q', { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 8080, hostPort: 80 }] }] }),
      ]),
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
    ],
  ];
  it.each(reasons)('say in Kubernetes’ words: %s', (_, wanted, snapshot, message) => {
    expect(where(wanted, snapshot, first)).toBe(message);
  });

  it('node affinity knows every operator, and the node by name', () => {
    const nodes = cluster(
      [node('a', { labels: { cores: '4', zone: 'x' } })],
      [node('b', { labels: { cores: '16' } })],
    );
    const wanting = (
      operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt',
      key: string,
      values?: string[],
    ) =>
      pod('p', {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                key === 'metadata.name'
                  ? { matchFields: [{ key, operator, values: values ?? [] }] }
                  : { matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }] },
              ],
            },
          },
        },
      });
    expect(where(wanting('Gt', 'cores', ['8']), nodes, first)).toBe('b');
    expect(where(wanting('Lt', 'cores', ['8']), nodes, first)).toBe('a');
    expect(where(wanting('Exists', 'zone'), nodes, first)).toBe('a');
    expect(where(wanting('DoesNotExist', 'zone'), nodes, first)).toBe('b');
    expect(where(wanting('NotIn', 'zone', ['x']), nodes, first)).toBe('b');
    expect(where(wanting('In', 'metadata.name', ['b']), nodes, first)).toBe('b');
  });

  it('a toleration opens a tainted node', () => {
    const nodes = cluster([
      node('a', { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] } }),
    ]);
    expect(
      where(pod('p', { tolerations: [{ key: 'k', operator: 'Equal', value: 'v' }] }), nodes, first),
    ).toBe('a');
    expect(where(pod('p', { tolerations: [{ operator: 'Exists' }] }), nodes, first)).toBe('a');
    expect(where(pod('p', { tolerations: [{ key: 'k', value: 'other' }] }), nodes, first)).toContain(
      'untolerated taint {k: v}',
    );
  });

  it('anti-affinity keeps pods apart, from both sides; affinity brings them together', () => {
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } };
    const apart = {
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
    };
    const together = {
      affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
    };
    const db = (spec = {}) => pod('db', spec, { labels: { app: 'db' } });
    expect(where(db(apart), cluster([node('a'), db()], [node('b')]), first)).toBe('b');
    expect(where(db(), cluster([node('a'), db(apart)], [node('b')]), first)).toBe('b');
    expect(where(db(), cluster([node('a'), db(apart)]), first)).toContain(
      "didn't satisfy existing pods anti-affinity rules",
    );
    expect(where(pod('web', together), cluster([node('a')], [node('b'), db()]), first)).toBe('b');
    expect(where(pod('web', together), cluster([node('a')]), first)).toContain(
      "didn't match pod affinity rules",
    );
    expect(where(db(together), cluster([node('a')]), first)).toBe('a');
  });

  it('topology spread holds the skew', () => {
    const zoned = (name: string, zone: string) => node(name, { labels: { zone } });
    const web = (name: string) =>
      pod(
        name,
        {
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'zone',
              whenUnsatisfiable: 'DoNotSchedule',
              labelSelector: { matchLabels: { app: 'web' } },
            },
          ],
        },
        { labels: { app: 'web' } },
      );
    expect(where(web('p'), cluster([zoned('a', 'x'), web('q')], [zoned('b', 'y')]), first)).toBe('b');
    const full = node('b', { labels: { zone: 'y' }, allocatable: { pods: '0' } });
    expect(where(web('p'), cluster([zoned('a', 'x'), web('q')], [full]), first)).toBe(
      "0/2 nodes are available: 1 Too many pods, 1 node(s) didn't match pod topology spread constraints.",
    );
  });
});

describe('scores', () => {
  it('spread the pods of one workload, then fill the emptiest node', () => {
    const mine = ownedBy('rs-1');
    const nodes = cluster(
      [node('a'), pod('x', {}, mine)],
      [node('b'), pod('y', asking({ cpu: '2' }))],
      [node('c'), pod('z', {}, mine)],
    );
    expect(where(pod('p', {}, mine), nodes, first)).toBe('b');
    expect(where(pod('p'), cluster([node('a'), pod('x', asking({ cpu: '3' }))], [node('b')]), first)).toBe(
      'b',
    );
  });

  it('prefer what the pod prefers, and avoid PreferNoSchedule', () => {
    const preferring = pod('p', {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            {
              weight: 10,
              preference: { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] },
            },
          ],
        },
      },
    });
    expect(where(preferring, cluster([node('a')], [node('b', { labels: { disk: 'ssd' } })]), first)).toBe(
      'b',
    );
    const avoided = node('a', { spec: { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] } });
    expect(where(pod('p'), cluster([avoided], [node('b')]), first)).toBe('b');
    expect(where(pod('p'), cluster([avoided]), first)).toBe('a');
  });

  it('the given random number alone decides between equals', () => {
    const nodes = cluster([node('a')], [node('b')], [node('c')]);
    expect([0, 0.34, 0.99].map((value) => where(pod('p'), nodes, () => value))).toEqual(['a', 'b', 'c']);
  });
});

it('never puts more on a node than it has, and refuses only when nothing fits', () => {
  const size = fc.integer({ min: 1, max: 3_000 });
  fc.assert(
    fc.property(
      fc.array(size, { minLength: 1, maxLength: 5 }),
      fc.array(size, { maxLength: 25 }),
      (nodes, pods) => {
        const names = nodes.map((_, index) => `n${index}`);
        const on = new Map<string, ReturnType<typeof pod>[]>(names.map((name) => [name, []]));
        const used = (name: string) =>
          on.get(name)!.reduce((sum, each) => sum + (podRequests(each).get('cpu') ?? 0), 0);
        for (const [index, millis] of pods.entries()) {
          const snapshot = cluster(
            ...names.map(
              (name, at) =>
                [node(name, { allocatable: { cpu: `${nodes[at]}m` } }), ...on.get(name)!] as const,
            ),
          );
          const wanted = pod(`p${index}`, asking({ cpu: `${millis}m` }));
          const decision = schedulePod(wanted, snapshot, first);
          const fits = names.some((name, at) => used(name) + millis <= nodes[at]!);
          expect(decision.kind).toBe(fits ? 'node' : 'unschedulable');
          if (decision.kind === 'node') on.get(decision.node)!.push(wanted);
        }
        for (const [at, name] of names.entries()) expect(used(name)).toBeLessThanOrEqual(nodes[at]!);
      },
    ),
    { numRuns: 60 },
  );
});
