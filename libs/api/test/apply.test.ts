import { describe, expect, it } from 'vitest';
import { LAST_APPLIED } from '../src/apply/index.js';
import { applyDefaults } from '../src/defaults.js';
import { type KubeObject } from '../src/resource.js';
import {
  deployments,
  services,
  minute,
  configMap,
  apply,
  update,
  entryOf,
  conflictOf,
} from './apply-fixture.js';

describe('server-side apply: the examples of the documentation', () => {
  it('records what is applied, and only that', () => {
    const { object, changed } = apply(
      undefined,
      configMap({ key: 'some value' }, { labels: { 'test-label': 'test' } }),
      'kubectl',
    );
    expect(changed).toBe(true);
    expect(object).toEqual({
      ...configMap({ key: 'some value' }, { labels: { 'test-label': 'test' } }),
      metadata: {
        name: 'c',
        namespace: 'default',
        labels: { 'test-label': 'test' },
        managedFields: [
          {
            manager: 'kubectl',
            operation: 'Apply',
            apiVersion: 'v1',
            time: minute(1),
            fieldsType: 'FieldsV1',
            fieldsV1: { 'f:data': { 'f:key': {} }, 'f:metadata': { 'f:labels': { 'f:test-label': {} } } },
          },
        ],
      },
    });
  });

  it('an update takes the field over; applying it again conflicts; force takes it back', () => {
    const created = apply(
      undefined,
      configMap({ key: 'some value' }, { labels: { 'test-label': 'test' } }),
      'kubectl',
    ).object;
    const updated = update(created, { ...created, data: { key: 'new value' } }, 'kube-controller-manager');
    expect(
      updated.metadata.managedFields?.map(({ manager, operation, fieldsV1 }) => [
        manager,
        operation,
        fieldsV1,
      ]),
    ).toEqual([
      ['kubectl', 'Apply', { 'f:metadata': { 'f:labels': { 'f:test-label': {} } } }],
      ['kube-controller-manager', 'Update', { 'f:data': { 'f:key': {} } }],
    ]);
    const again = configMap({ key: 'some value' }, { labels: { 'test-label': 'test' } });
    const error = conflictOf(() => apply(updated, again, 'kubectl'));
    expect(error.status).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "kube-controller-manager" using v1: .data.key',
      details: {
        causes: [
          {
            reason: 'FieldManagerConflict',
            message: 'conflict with "kube-controller-manager" using v1',
            field: '.data.key',
          },
        ],
      },
    });
    const forced = apply(updated, again, 'kubectl', { force: true }).object;
    expect(forced['data']).toEqual({ key: 'some value' });
    expect(entryOf(forced, 'kube-controller-manager', 'Update')).toBeUndefined();
  });

  it('the same value can be owned by several; a field goes with its last applier', () => {
    const one = apply(undefined, configMap({ a: '1', b: '1' }), 'one').object;
    const both = apply(one, configMap({ a: '1', c: '1' }), 'two').object;
    expect(both['data']).toEqual({ a: '1', b: '1', c: '1' });
    const withoutA = apply(both, configMap({ b: '1' }), 'one').object;
    expect(withoutA['data']).toEqual({ a: '1', b: '1', c: '1' });
    const gone = apply(withoutA, configMap({ c: '1' }), 'two').object;
    expect(gone['data']).toEqual({ b: '1', c: '1' });
  });

  it('several conflicts are listed by manager', () => {
    const one = apply(undefined, configMap({ a: '1', b: '1' }), 'one').object;
    const two = update(one, { ...one, data: { a: '1', b: '1', c: '1' } }, 'two');
    expect(conflictOf(() => apply(two, configMap({ a: '2', b: '2', c: '2' }), 'three')).message).toBe(
      'Apply failed with 3 conflicts: conflicts with "one":\n- .data.a\n- .data.b\nconflicts with "two" using v1:\n- .data.c',
    );
  });
});

const web = (spec: object, template: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'nginx', image: 'nginx:1' }], ...template },
    },
    ...spec,
  },
});
const specOf = (object: KubeObject): { [field: string]: unknown } =>
  object['spec'] as { [field: string]: unknown };
const stored = (object: KubeObject): KubeObject => applyDefaults(deployments, object);
const inDeployments = { resource: deployments };

describe('server-side apply of a Deployment', () => {
  it('handing replicas over to an autoscaler', () => {
    const created = stored(apply(undefined, web({ replicas: 3 }), 'kubectl', inDeployments).object);
    const scaled = update(created, { ...created, spec: { ...specOf(created), replicas: 5 } }, 'hpa', {
      ...inDeployments,
      subresource: 'scale',
    });
    expect(entryOf(scaled, 'hpa', 'Update')).toMatchObject({
      subresource: 'scale',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    });
    const handed = stored(apply(scaled, web({}), 'kubectl', inDeployments).object);
    expect(specOf(handed)['replicas']).toBe(5);
    expect(conflictOf(() => apply(handed, web({ replicas: 3 }), 'kubectl', inDeployments)).message).toContain(
      'conflict with "hpa" with subresource "scale" using apps/v1: .spec.replicas',
    );
  });

  it('a field that nobody else owns goes when it is not applied any more, and the default comes back', () => {
    const created = stored(
      apply(undefined, web({ replicas: 3, paused: true }), 'kubectl', inDeployments).object,
    );
    const removed = apply(created, web({}), 'kubectl', inDeployments).object;
    expect(specOf(removed)).not.toHaveProperty('replicas');
    expect(specOf(removed)).not.toHaveProperty('paused');
    expect(specOf(stored(removed))['replicas']).toBe(1);
  });

  it('defaults have no owner, so that anyone may set them', () => {
    const created = stored(apply(undefined, web({}), 'kubectl', inDeployments).object);
    expect(JSON.stringify(entryOf(created, 'kubectl'))).not.toContain('revisionHistoryLimit');
    const other: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { revisionHistoryLimit: 2 },
    };
    expect(specOf(apply(created, other, 'other', inDeployments).object)['revisionHistoryLimit']).toBe(2);
  });

  it('applying the same again changes nothing', () => {
    const config = web(
      { replicas: 3 },
      { containers: [{ name: 'nginx', image: 'nginx:1', ports: [{ containerPort: 80 }] }] },
    );
    const created = stored(apply(undefined, config, 'kubectl', inDeployments).object);
    const again = apply(created, config, 'kubectl', { ...inDeployments, time: minute(9) });
    expect(again.changed).toBe(false);
    expect(again.object).toEqual(created);
  });

  it('containers merge by name, and go with their applier', () => {
    const created = stored(apply(undefined, web({}), 'kubectl', inDeployments).object);
    const sidecar: KubeObject = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { template: { spec: { containers: [{ name: 'mesh', image: 'mesh:1' }] } } },
    };
    const injected = stored(apply(created, sidecar, 'mesh', inDeployments).object);
    const names = (object: KubeObject): unknown =>
      (
        object as unknown as { spec: { template: { spec: { containers: { name: string }[] } } } }
      ).spec.template.spec.containers.map(({ name }) => name);
    expect(names(injected)).toEqual(['nginx', 'mesh']);
    expect(names(apply(injected, web({}), 'kubectl', inDeployments).object)).toEqual(['nginx', 'mesh']);
    const empty = { ...sidecar, spec: {} };
    expect(names(apply(injected, empty, 'mesh', inDeployments).object)).toEqual(['nginx']);
  });

  it('a struct goes with the defaults in it, unless somebody else owns some of it', () => {
    const probe = { livenessProbe: { httpGet: { path: '/', port: 80 } } };
    const container = (more: object): KubeObject =>
      web({}, { containers: [{ name: 'nginx', image: 'nginx:1', ...more }] });
    const probeOf = (object: KubeObject): unknown =>
      (object as unknown as { spec: { template: { spec: { containers: { livenessProbe?: unknown }[] } } } })
        .spec.template.spec.containers[0]?.livenessProbe;
    const created = stored(apply(undefined, container(probe), 'kubectl', inDeployments).object);
    expect(probeOf(created)).toMatchObject({ periodSeconds: 10, httpGet: { scheme: 'HTTP' } });
    expect(probeOf(apply(created, container({}), 'kubectl', inDeployments).object)).toBeUndefined();
    const tuned = structuredClone(created);
    (probeOf(tuned) as { periodSeconds: number }).periodSeconds = 3;
    const owned = update(created, tuned, 'tuner', inDeployments);
    expect(probeOf(apply(owned, container({}), 'kubectl', inDeployments).object)).toMatchObject({
      periodSeconds: 3,
    });
  });

  it('an atomic selector is owned as one', () => {
    const created = stored(apply(undefined, web({}), 'kubectl', inDeployments).object);
    expect(entryOf(created, 'kubectl')?.fieldsV1).toMatchObject({ 'f:spec': { 'f:selector': {} } });
    const other = web({ selector: { matchLabels: { app: 'other' } } });
    expect(conflictOf(() => apply(created, other, 'other', inDeployments)).message).toContain(
      '.spec.selector',
    );
  });

  it('keeps status apart', () => {
    const created = stored(
      apply(undefined, { ...web({}), status: { replicas: 9 } }, 'kubectl', inDeployments).object,
    );
    expect(created).not.toHaveProperty('status');
    const observed = update(created, { ...created, status: { replicas: 1 } }, 'controller', {
      ...inDeployments,
      subresource: 'status',
    });
    expect(entryOf(observed, 'controller', 'Update')).toMatchObject({
      subresource: 'status',
      fieldsV1: { 'f:status': { 'f:replicas': {} } },
    });
    const status = { ...web({ replicas: 7 }), status: { readyReplicas: 1 } };
    const applied = apply(observed, status, 'prober', { ...inDeployments, subresource: 'status' }).object;
    expect([specOf(applied)['replicas'], applied['status']]).toEqual([1, { replicas: 1, readyReplicas: 1 }]);
    expect(apply(applied, web({}), 'kubectl', inDeployments).changed).toBe(false);
  });

  it('takes over from client-side apply', () => {
    const config = web({ replicas: 3 });
    const annotated: KubeObject = {
      ...config,
      metadata: { ...config.metadata, annotations: { [LAST_APPLIED]: JSON.stringify(config) } },
    };
    const created = update(undefined, stored(annotated), 'kubectl-client-side-apply', inDeployments);
    const wanted = web({ replicas: 4 });
    expect(conflictOf(() => apply(created, wanted, 'flux', inDeployments)).message).toContain(
      'conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
    );
    const taken = apply(created, wanted, 'kubectl', inDeployments).object;
    expect(specOf(taken)['replicas']).toBe(4);
    expect(JSON.parse(taken.metadata.annotations?.[LAST_APPLIED] ?? '')).toEqual(wanted);
    expect(JSON.stringify(entryOf(taken, 'kubectl-client-side-apply', 'Update'))).not.toContain('f:replicas');
    const drifted = update(
      created,
      { ...created, spec: { ...specOf(created), replicas: 8 } },
      'hpa',
      inDeployments,
    );
    expect(conflictOf(() => apply(drifted, wanted, 'kubectl', inDeployments)).message).toContain(
      'conflict with "hpa"',
    );
  });

  it('adopts what has no owners, against them', () => {
    const legacy = stored(web({ replicas: 3 }));
    expect(conflictOf(() => apply(legacy, web({ replicas: 4 }), 'kubectl', inDeployments)).message).toContain(
      'conflict with "before-first-apply" using apps/v1: .spec.replicas',
    );
    const adopted = apply(legacy, web({ replicas: 3 }), 'kubectl', inDeployments).object;
    expect(entryOf(adopted, 'before-first-apply', 'Update')).toBeDefined();
  });
});

it('a Service’s ports go by port and protocol, TCP if none is given', () => {
  const service = (ports: object[]): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's' },
    spec: { ports },
  });
  const created = applyDefaults(
    services,
    apply(undefined, service([{ port: 80 }]), 'one', { resource: services }).object,
  );
  const both = apply(created, service([{ port: 80, protocol: 'UDP' }]), 'two', { resource: services }).object;
  expect((both['spec'] as { ports: unknown[] }).ports).toHaveLength(2);
  expect(apply(created, service([{ port: 80 }]), 'one', { resource: services }).changed).toBe(false);
});

describe('server-side apply refuses', () => {
  it.each([
    [
      'another version',
      { ...configMap({}), apiVersion: 'v2' },
      'Incorrect version specified in apply patch. Specified patch version: v2, expected: v1',
    ],
    ['managedFields', configMap({}, { managedFields: [] }), 'metadata.managedFields must be nil'],
  ])('%s', (_name, applied, message) => {
    const error = conflictOf(() => apply(undefined, applied, 'kubectl'));
    expect([error.code, error.message]).toEqual([400, message]);
  });

  it('items that cannot be told apart', () => {
    const twice = web({}, { containers: [{ name: 'a' }, { name: 'a' }] });
    expect(conflictOf(() => apply(undefined, twice, 'kubectl', inDeployments)).message).toBe(
      'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.template.spec.containers: duplicate entries for key [name="a"]',
    );
    const nameless = web({}, { containers: [{ image: 'a' }] });
    expect(conflictOf(() => apply(undefined, nameless, 'kubectl', inDeployments)).message).toContain(
      'omits key field "name"',
    );
  });
});
