import { describe, expect, it } from 'vitest';
import { serverSideApply, trackUpdate } from '../src/apply/index.js';
import { decodeApplyPatch } from '../src/patch/index.js';
import { objectOfKind } from '../src/decode.js';
import { applyDefaults } from '../src/defaults.js';
import { checkFields } from '../src/field-check.js';
import { resourceOfKind, resources } from '../src/registry.js';
import { apiVersionOf, type KubeObject } from '../src/resource.js';
import type { Schema } from '../src/schema.js';
import { resolveSchema } from '../src/schema-walk.js';

/** Every list that is merged by keys, with its path. */
const keyedLists = (
  schema: Schema,
  path: string,
  seen = new Set<Schema>(),
): { path: string; missing: string[] }[] => {
  const resolved = resolveSchema(schema);
  if (seen.has(resolved)) return [];
  seen.add(resolved);
  if (resolved.kind === 'map') return keyedLists(resolved.values, `${path}{}`, seen);
  if (resolved.kind === 'object') {
    return Object.entries(resolved.properties).flatMap(([name, property]) =>
      keyedLists(property.schema, `${path}.${name}`, seen),
    );
  }
  if (resolved.kind !== 'array') return [];
  const items = resolveSchema(resolved.items);
  const known = items.kind === 'object' ? Object.keys(items.properties) : [];
  const keys = [
    ...(resolved.mapKeys ?? []),
    ...(resolved.patchMergeKey === undefined ? [] : [resolved.patchMergeKey]),
  ];
  return [
    { path, missing: keys.filter((key) => !known.includes(key)) },
    ...keyedLists(resolved.items, `${path}[]`, seen),
  ];
};

const manifests: readonly string[] = [
  `apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {a: "1"}`,
  `apiVersion: v1
kind: Service
metadata: {name: s}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}, {port: 80, protocol: UDP, name: dns}]`,
  `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: nginx:1
          ports: [{containerPort: 80, name: http}]
          env: [{name: A, value: b}, {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
          resources: {requests: {cpu: 0.5, memory: 1024Mi}, limits: {cpu: 1000m}}
          readinessProbe: {httpGet: {path: /, port: http}}
          volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, emptyDir: {}}]
      tolerations: [{key: a, operator: Exists}]`,
  `apiVersion: v1
kind: Node
metadata: {name: n}
spec: {taints: [{key: a, effect: NoSchedule}], unschedulable: true}`,
];

const decoded = (manifest: string): { applied: KubeObject; resource: (typeof resources)[number] } => {
  const { value } = decodeApplyPatch(new TextEncoder().encode(manifest));
  const { apiVersion, kind } = value as unknown as KubeObject;
  const resource = resourceOfKind(apiVersion, kind);
  if (resource === undefined) throw new Error(kind);
  const object = objectOfKind(value, resource, { kindRequired: true });
  const { value: checked, error } = checkFields(resource.schema, object, 'Strict');
  expect(error).toBeUndefined();
  return { applied: checked as KubeObject, resource };
};

describe('the kinds', () => {
  it.each(resources.map((resource) => [resource.kind, resource.schema] as const))(
    '%s: keyed lists have their keys',
    (_kind, schema) => {
      expect(keyedLists(schema, '').filter(({ missing }) => missing.length > 0)).toEqual([]);
    },
  );

  it.each(manifests.map((manifest) => [/kind: (\w+)/.exec(manifest)?.[1], manifest] as const))(
    '%s: an apply after defaults, repeated, changes nothing; an update that changes nothing owns nothing',
    (_kind, manifest) => {
      const { applied, resource } = decoded(manifest);
      const request = {
        schema: resource.schema,
        applied,
        manager: 'kubectl',
        force: false,
        apiVersion: apiVersionOf(resource),
        time: '2026-01-01T00:00:00Z',
        defaults: (object: KubeObject) => applyDefaults(resource, object),
      };
      const live = serverSideApply({ ...request, live: undefined }).object;
      expect(applyDefaults(resource, live)).toEqual(live);
      expect(serverSideApply({ ...request, live }).changed).toBe(false);
      const tracked = trackUpdate({ ...request, old: live, new: structuredClone(live), manager: 'other' });
      expect(tracked).toEqual(live);
      // Another applier that says the same has no conflict.
      expect(
        serverSideApply({ ...request, live, manager: 'other' }).object.metadata.managedFields,
      ).toHaveLength(2);
      const { value } = checkFields(resource.schema, structuredClone(live), 'Strict');
      expect(serverSideApply({ ...request, live: value as KubeObject }).changed).toBe(false);
    },
  );
});
