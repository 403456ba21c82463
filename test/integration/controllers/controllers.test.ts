import type { Deployment, Pod } from '@raftsman/api';
import { isNotFound, kinds, type Stored } from '@raftsman/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startMemoryApiserver } from '../../../libs/client/test/support/memory-apiserver.js';
import { until } from '../../../libs/client/test/support/until.js';
import { anyStore, startTestBed, type TestBed } from '../apiserver/harness.js';
import { startCluster, type Access, type TestCluster } from './cluster.js';

interface Backend {
  readonly access: Access;
  stop(): Promise<void>;
}

/** The kit's own server in memory, and the apiserver as it is on a store. */
const backends: readonly (readonly [name: string, start: () => Promise<Backend>])[] = [
  [
    'the in-memory server',
    async () => {
      const server = await startMemoryApiserver();
      const ref = { group: '', version: 'v1', resource: 'namespaces', namespace: '', subresource: '' };
      for (const name of ['default', 'kube-system']) {
        server.store.create({ ...ref, name }, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      }
      return { access: { apiservers: [server.address], as: () => 'insecure' }, stop: () => server.close() };
    },
  ],
  [
    `the apiserver on ${anyStore}`,
    async () => {
      const bed: TestBed = await startTestBed(anyStore);
      const { folder } = bed.pki;
      const access: Access = {
        apiservers: [bed.api.grpcAddress],
        as: (user) => ({
          certFile: folder.certFile(user),
          keyFile: folder.keyFile(user),
          caFile: folder.certFile('ca'),
        }),
      };
      return { access, stop: () => bed.stop() };
    },
  ],
];

const labels = { app: 'web' };
const deployment = (replicas: number, image = 'v1'): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: { containers: [{ name: 'web', image, ports: [{ name: 'http', containerPort: 8080 }] }] },
    },
  },
});
const ref = { namespace: 'default', name: 'web' };

describe.each(backends)('controllers and scheduler on %s', (_, startBackend) => {
  let backend: Backend;
  let cluster: TestCluster;

  beforeEach(async () => {
    backend = await startBackend();
    cluster = await startCluster(backend.access, ['n1', 'n2', 'n3']);
  });
  afterEach(async () => {
    await cluster.stop();
    await backend.stop();
  });

  const pods = async (): Promise<Stored<Pod>[]> =>
    (await cluster.client.of(kinds.pods).list({ namespace: 'default' })).items;
  const live = async (): Promise<Stored<Pod>[]> =>
    (await pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const rolledOut = async (): Promise<boolean> => {
    const { spec, status = {}, metadata } = await cluster.client.of(kinds.deployments).get(ref);
    const wanted = spec.replicas ?? 1;
    return (
      status.observedGeneration === metadata.generation &&
      [status.replicas, status.updatedReplicas, status.availableReplicas].every(
        (count) => (count ?? 0) === wanted,
      )
    );
  };
  const change = (make: (now: Stored<Deployment>) => Deployment['spec']) =>
    cluster.client.of(kinds.deployments).modify(ref, (now) => ({ ...now, spec: make(now) }));
  const endpoints = async (): Promise<string[]> => {
    const { items } = await cluster.client.of(kinds.endpointSlices).list({ namespace: 'default' });
    return items
      .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web')
      .flatMap(({ endpoints: all }) => all ?? [])
      .filter(({ conditions }) => conditions?.ready === true)
      .map(({ targetRef }) => targetRef?.name ?? '');
  };

  it('a Deployment runs, rolls, rolls back, scales and goes with all it owns', async () => {
    await cluster.client.of(kinds.deployments).create(deployment(4));
    await cluster.client.of(kinds.services).create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 'http' }] },
    });
    await until(rolledOut, 'rolled out');
    const nodes = new Set((await live()).map(({ spec }) => spec.nodeName));
    expect(nodes.size).toBe(3);
    await until(async () => (await endpoints()).length === 4, 'four endpoints');

    await change(({ spec }) => ({ ...spec, template: deployment(4, 'v2').spec.template }));
    await until(
      async () =>
        (await rolledOut()) && (await live()).every(({ spec }) => spec.containers[0]?.image === 'v2'),
      'v2',
    );
    const { items: sets } = await cluster.client.of(kinds.replicaSets).list({ namespace: 'default' });
    expect(sets).toHaveLength(2);
    const revision = async () =>
      (await cluster.client.of(kinds.deployments).get(ref)).metadata.annotations?.[
        'deployment.kubernetes.io/revision'
      ];
    expect(await revision()).toBe('2');

    await change(({ spec }) => ({ ...spec, template: deployment(4, 'v1').spec.template }));
    await until(
      async () =>
        (await rolledOut()) && (await live()).every(({ spec }) => spec.containers[0]?.image === 'v1'),
      'v1 again',
    );
    expect(await revision()).toBe('3');

    await change(({ spec }) => ({ ...spec, replicas: 1 }));
    await until(async () => (await rolledOut()) && (await pods()).length === 1, 'one pod');
    await until(async () => (await endpoints()).length === 1, 'one endpoint');
    await cluster.client.of(kinds.deployments).delete(ref);
    await until(async () => (await pods()).length === 0, 'no pods');
    await cluster.client.of(kinds.services).delete(ref);
    const slices = async () =>
      (await cluster.client.of(kinds.endpointSlices).list({ namespace: 'default' })).items;
    await until(
      async () =>
        (await slices()).every(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] !== 'web'),
      'no slices',
    );
  });

  it('a broken rollout stops at the fence and keeps serving', async () => {
    await cluster.client.of(kinds.deployments).create(deployment(4));
    await until(rolledOut, 'rolled out');
    await change(({ spec }) => ({ ...spec, template: deployment(4, 'broken').spec.template }));
    const images = async () => (await live()).map(({ spec }) => spec.containers[0]?.image);
    await until(
      async () => (await images()).filter((image) => image === 'broken').length === 2,
      'two broken pods',
    );
    const { status } = await cluster.client.of(kinds.deployments).get(ref);
    expect(status?.availableReplicas).toBeGreaterThanOrEqual(3);
    await change(({ spec }) => ({ ...spec, template: deployment(4, 'v1').spec.template }));
    await until(rolledOut, 'rolled back');
  });

  it('a node that falls silent is marked and tainted, its pods move, and it is taken back when heard', async () => {
    await cluster.client.of(kinds.deployments).create(deployment(3));
    await until(rolledOut, 'rolled out');
    const node = () => cluster.client.of(kinds.nodes).get({ name: 'n2' });
    cluster.silence('n2');
    await until(async () => {
      const now = await live();
      return (
        now.length === 3 &&
        now.every(({ spec, status }) => spec.nodeName !== 'n2' && status?.phase === 'Running')
      );
    }, 'all pods run elsewhere');
    const dead = await node();
    expect(dead.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
    });
    expect(dead.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`)).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    cluster.revive('n2');
    await until(async () => {
      const { spec, status } = await node();
      const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
      return ready && (spec?.taints ?? []).length === 0;
    }, 'the node is taken back');
  });

  it('when all nodes fall silent nothing is evicted, and whoever is back first does not cost the others their pods', async () => {
    await cluster.client.of(kinds.deployments).create(deployment(3));
    await until(rolledOut, 'rolled out');
    const before = (await live()).map(({ metadata }) => metadata.uid).toSorted((a, b) => a.localeCompare(b));
    for (const name of ['n1', 'n2', 'n3']) cluster.silence(name);
    const events = async () => (await cluster.client.of(kinds.events).list()).items;
    await until(async () => (await events()).some(({ reason }) => reason === 'NodesSilent'), 'it is told');
    const readiness = async () =>
      (await cluster.client.of(kinds.nodes).list()).items.map(
        ({ status }) => status?.conditions?.find(({ type }) => type === 'Ready')?.status,
      );
    await until(async () => (await readiness()).every((status) => status === 'Unknown'), 'all are marked');
    cluster.revive('n1');
    await until(async () => (await readiness()).includes('True'), 'one is heard again');
    cluster.revive('n2');
    cluster.revive('n3');
    await until(async () => (await readiness()).every((status) => status === 'True'), 'all are heard again');
    const after = (await live()).map(({ metadata }) => metadata.uid).toSorted((a, b) => a.localeCompare(b));
    expect(after).toEqual(before);
    const nodes = (await cluster.client.of(kinds.nodes).list()).items;
    expect(nodes.flatMap(({ spec }) => spec?.taints ?? [])).toEqual([]);
  });

  it('every node gets its own part of the pod network', async () => {
    const cidrs = async () =>
      (await cluster.client.of(kinds.nodes).list()).items.map(({ spec }) => spec?.podCIDR ?? '');
    await until(async () => (await cidrs()).every((cidr) => cidr !== ''), 'all have one');
    expect(new Set(await cidrs())).toEqual(new Set(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24']));
  });

  it('a namespace has its content, and goes with all of it', async () => {
    const namespaces = cluster.client.of(kinds.namespaces);
    await namespaces.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' }, spec: {} });
    const accounts = cluster.client.of(kinds.serviceAccounts);
    const exists = async (get: Promise<unknown>): Promise<boolean> => {
      try {
        await get;
        return true;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    };
    await until(
      () => exists(accounts.get({ namespace: 'team', name: 'default' })),
      'the ServiceAccount is there',
    );
    const rootCa = { namespace: 'team', name: 'kube-root-ca.crt' };
    await until(() => exists(cluster.client.of(kinds.configMaps).get(rootCa)), 'the certificate is there');
    await cluster.client
      .of(kinds.deployments)
      .create({ ...deployment(2), metadata: { name: 'web', namespace: 'team' } });
    const teamPods = async () => (await cluster.client.of(kinds.pods).list({ namespace: 'team' })).items;
    await until(async () => (await teamPods()).length === 2, 'two pods');
    await namespaces.delete({ name: 'team' });
    await until(async () => !(await exists(namespaces.get({ name: 'team' }))), 'the namespace is gone');
    expect(await teamPods()).toEqual([]);
  });

  it('deletion in the foreground takes the dependents first, orphaning leaves them', async () => {
    const deployments = cluster.client.of(kinds.deployments);
    await deployments.create(deployment(2));
    await until(rolledOut, 'rolled out');
    await deployments.delete(ref, { propagationPolicy: 'Orphan' });
    const sets = async () =>
      (await cluster.client.of(kinds.replicaSets).list({ namespace: 'default' })).items;
    const gone = async () =>
      !(await deployments.list({ namespace: 'default' })).items.some(
        ({ metadata }) => metadata.name === 'web',
      );
    await until(gone, 'the deployment is gone');
    const [orphan] = await sets();
    expect(orphan?.metadata.ownerReferences ?? []).toEqual([]);
    expect(await live()).toHaveLength(2);

    await deployments.create(deployment(2));
    await until(async () => (await sets())[0]?.metadata.ownerReferences?.length === 1, 'adopted');
    expect(await sets()).toHaveLength(1);
    await deployments.delete(ref, { propagationPolicy: 'Foreground' });
    await until(
      async () => (await gone()) && (await sets()).length === 0 && (await pods()).length === 0,
      'all gone',
    );
  });
});
