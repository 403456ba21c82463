import { describe, expect, it } from 'vitest';
import { MvccStore, noLease, type Command } from '../src/index.js';

const put = (key: string, value = 'v', lease = noLease): Command => ({
  kind: 'put',
  key,
  value,
  lease,
  prevKv: false,
  ignoreValue: false,
  ignoreLease: false,
});
const deleteAll = { kind: 'delete-range', key: '\0', rangeEnd: '\0', prevKv: false } as const;

function storeAfter(...commands: readonly Command[]): MvccStore {
  const store = MvccStore.empty();
  for (const command of commands) store.apply(command, 1);
  return store;
}

describe('what a store holds', () => {
  it('grows by leases too, and shrinks when they go', () => {
    const store = storeAfter({ kind: 'lease-grant', id: 7n, ttlSeconds: 60 });
    expect(store.sizeBytes).toBeGreaterThan(200);
    store.apply({ kind: 'lease-revoke', id: 7n }, 1);
    expect(store.sizeBytes).toBe(0);
  });

  it('and the room for its deletions together do not change by deletions, nor by what a lease takes along', () => {
    const lease = { kind: 'lease-grant', id: 7n, ttlSeconds: 60 } as const;
    const store = storeAfter(lease, put('a'), put('a', 'w'), put('b'), put('leased', 'v', 7n), put('c'));
    const held = (): number => store.sizeBytes + store.deletionBytes;
    const before = held();
    store.apply({ ...deleteAll, key: 'c', rangeEnd: '' }, 1);
    expect(held()).toBe(before);
    const withLease = storeAfter(lease).sizeBytes;
    store.apply({ kind: 'lease-revoke', id: 7n }, 1);
    expect(held()).toBe(before - withLease);
    store.apply(deleteAll, 1);
    expect(held()).toBe(before - withLease);
    expect(store.deletionBytes).toBe(0);
    store.apply({ kind: 'compact', revision: store.revision }, 1);
    store.apply(put('a'), 1);
    store.apply({ ...deleteAll }, 1);
    store.apply({ kind: 'compact', revision: store.revision }, 1);
    // Changes at the compacted revision itself are still to be watched.
    expect(held()).toBe(storeAfter(put('a'), deleteAll).sizeBytes - storeAfter(put('a')).sizeBytes);
  });
});
