import { describe, expect, it } from 'vitest';
import { SchedulingQueue } from '../src/core/scheduling-queue.js';

const queue = () => new SchedulingQueue({ backoffMinMs: 100, backoffMaxMs: 400, unschedulableMaxMs: 10_000 });
const key = (entry: { key: string } | undefined) => entry?.key;

describe('scheduling queue', () => {
  it('goes by priority, then by age', () => {
    const waiting = queue();
    waiting.add({ key: 'old', priority: 0 }, 0);
    waiting.add({ key: 'young', priority: 0 }, 0);
    waiting.add({ key: 'urgent', priority: 9 }, 0);
    expect([key(waiting.pop(0)), key(waiting.pop(0)), key(waiting.pop(0)), key(waiting.pop(0))]).toEqual([
      'urgent',
      'old',
      'young',
      undefined,
    ]);
  });

  it('holds an unschedulable pod until something changes, and its back-off is over', () => {
    const waiting = queue();
    waiting.add({ key: 'p', priority: 0 }, 0);
    waiting.pop(0);
    waiting.unschedulable('p', 0);
    expect(waiting.pop(5_000)).toBeUndefined();
    waiting.wakeAll(50);
    expect(waiting.nextDueMs()).toBe(100);
    expect(key(waiting.pop(100))).toBe('p');
    waiting.unschedulable('p', 100);
    waiting.wakeAll(5_000);
    expect(key(waiting.pop(5_000))).toBe('p');
  });

  it('a change while the pod was being decided is not lost', () => {
    const waiting = queue();
    waiting.add({ key: 'p', priority: 0 }, 0);
    waiting.pop(0);
    waiting.wakeAll(1);
    waiting.unschedulable('p', 2);
    expect(waiting.nextDueMs()).toBe(102);
  });

  it('looks at an unschedulable pod again after long enough even without a change', () => {
    const waiting = queue();
    waiting.add({ key: 'p', priority: 0 }, 0);
    waiting.pop(0);
    waiting.unschedulable('p', 0);
    expect(waiting.nextDueMs()).toBe(10_000);
    expect(key(waiting.pop(10_000))).toBe('p');
  });

  it('doubles the back-off up to its bound, and forgets what is removed', () => {
    const waiting = queue();
    waiting.add({ key: 'p', priority: 0 }, 0);
    const pauses = [100, 200, 400, 400].map((pauseMs) => {
      expect(key(waiting.pop(1_000_000))).toBe('p');
      waiting.failed('p', 0);
      return [waiting.nextDueMs(), pauseMs];
    });
    for (const [got, wanted] of pauses) expect(got).toBe(wanted);
    waiting.remove('p');
    expect([waiting.size, waiting.nextDueMs()]).toEqual([0, undefined]);
    waiting.failed('p', 0);
    expect(waiting.size).toBe(0);
  });
});
