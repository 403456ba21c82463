import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaseClock, type Lease } from '../src/index.js';

const lease = (id: number, ttlSeconds: number): Lease => ({ id: BigInt(id), ttlSeconds, keys: new Set() });

describe('LeaseClock', () => {
  it('gives every lease its full time and the grace when a leader takes over', () => {
    const clock = new LeaseClock([lease(1, 10), lease(2, 5)], 1_000, 700);
    expect(clock.due(6_699, 10)).toEqual([]);
    expect(clock.due(6_700, 10)).toEqual([2n]);
    expect(clock.due(11_699, 10)).toEqual([]);
    expect(clock.due(11_700, 10)).toEqual([1n]);
  });

  it('renews, hands out once, and again only after a failure', () => {
    const clock = new LeaseClock([], 0, 0);
    clock.granted(lease(1, 2), 0);
    expect(clock.renew(1n, 1_500)).toEqual({ ttlMs: 2_000 });
    expect(clock.remainingMs(1n, 2_000)).toBe(1_500);
    expect(clock.due(2_000, 10)).toEqual([]);
    expect(clock.due(3_500, 10)).toEqual([1n]);
    expect(clock.due(9_000, 10)).toEqual([]);
    expect(clock.renew(1n, 9_000)).toBe('expiring');
    expect(clock.remainingMs(1n, 9_000)).toBe(0);
    clock.retry(1n, 9_500);
    // The attempt that failed may still end it.
    expect(clock.renew(1n, 9_400)).toBe('expiring');
    expect(clock.remainingMs(1n, 9_400)).toBe(0);
    expect(clock.due(9_499, 10)).toEqual([]);
    expect(clock.due(9_500, 10)).toEqual([1n]);
    clock.removed(1n);
    clock.retry(1n, 9_600);
    expect(clock.due(20_000, 10)).toEqual([]);
    expect(clock.renew(1n, 20_000)).toBeUndefined();
  });

  it('hands out no more than asked for', () => {
    const clock = new LeaseClock(
      Array.from({ length: 10 }, (_, at) => lease(at + 1, 1)),
      0,
      0,
    );
    expect(clock.due(5_000, 3)).toHaveLength(3);
    expect(clock.due(5_000, 100)).toHaveLength(7);
  });

  it('forgets the appointments of leases that come and go', () => {
    const clock = new LeaseClock([], 0, 0);
    for (let at = 1; at < 10_000; at += 1) {
      clock.granted(lease(at, 1_000_000), 0);
      clock.removed(BigInt(at));
    }
    clock.granted(lease(10_000, 5), 0);
    clock.removed(1n);
    expect(clock.nextDueMs()).toBe(5_000);
  });

  it('ends leases in time and never early, like a list that is looked through', () => {
    const action = fc.record({
      kind: fc.constantFrom('grant', 'renew', 'remove', 'due', 'due'),
      id: fc.integer({ min: 1, max: 5 }),
      ttlSeconds: fc.integer({ min: 1, max: 20 }),
      waitMs: fc.integer({ min: 0, max: 8_000 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const clock = new LeaseClock([], 0, 0);
        const dueAt = new Map<number, { dueMs: number; ttlMs: number }>();
        const said: unknown[] = [];
        const wanted: unknown[] = [];
        let nowMs = 0;
        for (const { kind, id, ttlSeconds, waitMs } of actions) {
          nowMs += waitMs;
          const held = dueAt.get(id);
          if (kind === 'grant' && held === undefined) {
            clock.granted(lease(id, ttlSeconds), nowMs);
            dueAt.set(id, { dueMs: nowMs + ttlSeconds * 1000, ttlMs: ttlSeconds * 1000 });
          } else if (kind === 'renew' && held !== undefined) {
            said.push(clock.renew(BigInt(id), nowMs));
            wanted.push({ ttlMs: held.ttlMs });
            held.dueMs = nowMs + held.ttlMs;
          } else if (kind === 'remove') {
            clock.removed(BigInt(id));
            dueAt.delete(id);
          } else if (kind === 'due') {
            const ended = [...dueAt].filter(([, { dueMs }]) => dueMs <= nowMs).map(([each]) => each);
            const isTold = (clock.nextDueMs() ?? Infinity) <= nowMs;
            said.push(isTold || ended.length === 0, new Set(clock.due(nowMs, 100).map(Number)));
            wanted.push(true, new Set(ended));
            for (const each of ended) {
              clock.removed(BigInt(each));
              dueAt.delete(each);
            }
          }
        }
        expect(said).toEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });
});
