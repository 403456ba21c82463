import { describe, expect, it } from 'vitest';
import { type KubeObject } from '../src/resource.js';
import { minute, configMap, update, entryOf } from './apply-fixture.js';

describe('updates', () => {
  it('own what they create, without what is the server’s', () => {
    const created = update(
      undefined,
      configMap({ a: '1' }, { uid: 'u', labels: { x: 'y' }, finalizers: ['f'] }),
      'kubectl-create',
    );
    expect(created.metadata.managedFields).toEqual([
      {
        manager: 'kubectl-create',
        operation: 'Update',
        apiVersion: 'v1',
        time: minute(2),
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:data': { '.': {}, 'f:a': {} },
          'f:metadata': { 'f:finalizers': { '.': {}, 'v:"f"': {} }, 'f:labels': { '.': {}, 'f:x': {} } },
        },
      },
    ]);
  });

  it('that change nothing leave managedFields as they were, whatever the client sends', () => {
    const created = update(undefined, configMap({ a: '1' }), 'one');
    expect(update(created, { ...configMap({ a: '1' }) }, 'two', { time: minute(5) })).toEqual(created);
    const nonsense = configMap({ a: '1' }, { managedFields: [{ manager: 'x', operation: 'Frob' }] });
    expect(update(created, nonsense, 'two')).toEqual(created);
  });

  it('that remove fields remove their owners', () => {
    const created = update(undefined, configMap({ a: '1', b: '1' }), 'one');
    const removed = update(created, configMap({ a: '1' }), 'two');
    expect(removed.metadata.managedFields?.map(({ manager, fieldsV1 }) => [manager, fieldsV1])).toEqual([
      ['one', { 'f:data': { '.': {}, 'f:a': {} } }],
    ]);
  });

  it('may edit managedFields, and reset them', () => {
    const created = update(undefined, configMap({ a: '1' }), 'one');
    const [entry] = created.metadata.managedFields ?? [];
    const edited = update(
      created,
      configMap({ a: '1' }, { managedFields: [{ ...entry, manager: 'two' }] }),
      'three',
    );
    expect(edited.metadata.managedFields).toEqual([{ ...entry, manager: 'two' }]);
    for (const managedFields of [[], [{}]]) {
      const reset = update(created, configMap({ a: '1' }, { managedFields }), 'three');
      expect(reset.metadata).not.toHaveProperty('managedFields');
    }
    const bySubresource = update(created, configMap({ a: '1' }, { managedFields: [{}] }), 'three', {
      subresource: 'status',
    });
    expect(bySubresource).toEqual(created);
  });

  it('of many managers keep the newest and merge the oldest', () => {
    let object = update(undefined, configMap({ k0: '0' }), 'm0', { time: '2026-01-01T00:00:00Z' });
    for (let index = 1; index <= 14; index += 1) {
      const data = { ...(object['data'] as object), [`k${index}`]: '0' };
      const time = `2026-01-01T00:00:${String(index).padStart(2, '0')}Z`;
      object = update(object, { ...object, data } as KubeObject, `m${index}`, { time });
    }
    const managers = object.metadata.managedFields?.map(({ manager }) => manager);
    expect(managers).toEqual([
      'ancient-changes',
      ...Array.from({ length: 9 }, (_, index) => `m${index + 6}`),
    ]);
    const ancient = entryOf(object, 'ancient-changes', 'Update')?.fieldsV1;
    expect(Object.keys((ancient?.['f:data'] ?? {}) as object)).toEqual([
      '.',
      'f:k0',
      'f:k1',
      'f:k2',
      'f:k3',
      'f:k4',
      'f:k5',
    ]);
  });
});
