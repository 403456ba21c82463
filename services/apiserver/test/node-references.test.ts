import { expect, test } from 'vitest';
import type { PodSpec } from '@raftsman/api';
import { referencesOf } from '../src/registry/admission/node-references.js';

test('every place where a pod names a ConfigMap or a Secret counts', () => {
  const spec: PodSpec = {
    imagePullSecrets: [{ name: 's-pull' }],
    volumes: [
      { name: 'a', configMap: { name: 'c-volume' } },
      { name: 'b', secret: { secretName: 's-volume' } },
      {
        name: 'c',
        projected: { sources: [{ configMap: { name: 'c-projected' } }, { secret: { name: 's-projected' } }] },
      },
      { name: 'd', emptyDir: {} },
    ],
    initContainers: [{ name: 'init', envFrom: [{ secretRef: { name: 's-from' } }] }],
    containers: [
      {
        name: 'main',
        envFrom: [{ configMapRef: { name: 'c-from' } }],
        env: [
          { name: 'A', valueFrom: { configMapKeyRef: { name: 'c-key', key: 'k' } } },
          { name: 'B', valueFrom: { secretKeyRef: { name: 's-key', key: 'k' } } },
          { name: 'C', value: 'plain' },
        ],
      },
    ],
  };
  const { configmaps, secrets } = referencesOf(spec);
  expect([...configmaps].toSorted()).toEqual(['c-from', 'c-key', 'c-projected', 'c-volume']);
  expect([...secrets].toSorted()).toEqual(['s-from', 's-key', 's-projected', 's-pull', 's-volume']);
  expect(referencesOf({ containers: [] })).toEqual({ configmaps: new Set(), secrets: new Set() });
});
