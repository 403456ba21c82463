import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWorkQueue, requeueDelayMs } from '../src/work-queue.js';
import { createVirtualClock } from './support/virtual-clock.js';

describe('work queue', () => {
  it('hands a key out once however often it was added, in the order of first additions', async () => {
    const queue = createWorkQueue();
    for (const key of ['b', 'a', 'b', 'a', 'c']) queue.add(key);
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(['b', 'a', 'c']);
    expect(queue.length).toBe(0);
  });

  it('keeps a key from a second worker until the first is done, then hands it out again', async () => {
    const queue = createWorkQueue();
    queue.add('a');
    expect(await queue.get()).toBe('a');
    queue.add('a');
    queue.add('b');
    expect(await queue.get()).toBe('b');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(await queue.get()).toBe('a');
  });

  it('wakes a waiting worker, and ends it at shutdown', async () => {
    const queue = createWorkQueue();
    const first = queue.get();
    const second = queue.get();
    queue.add('a');
    expect(await first).toBe('a');
    queue.shutDown();
    expect(await second).toBeUndefined();
    queue.add('b');
    expect(await queue.get()).toBeUndefined();
  });

  it('drains what waits at shutdown unless told otherwise', async () => {
    const draining = createWorkQueue();
    draining.add('a');
    draining.shutDown();
    expect([await draining.get(), await draining.get()]).toEqual(['a', undefined]);
    const dropping = createWorkQueue();
    dropping.add('a');
    dropping.shutDown({ drain: false });
    expect(await dropping.get()).toBeUndefined();
  });

  it('of two delays for one key takes the earlier', async () => {
    const clock = createVirtualClock();
    const queue = createWorkQueue({ clock });
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 100);
    queue.addAfter('a', 500);
    await clock.advance(99);
    expect(queue.length).toBe(0);
    await clock.advance(1);
    expect(queue.length).toBe(1);
    queue.done((await queue.get())!);
    await clock.advance(10_000);
    expect(queue.length).toBe(0);
  });

  it('doubles the pause with every failure up to the bound, and forgets', async () => {
    const clock = createVirtualClock();
    const queue = createWorkQueue({ clock, backoffBaseMs: 10, backoffMaxMs: 40 });
    for (const pauseMs of [10, 20, 40, 40]) {
      queue.addRateLimited('a');
      await clock.advance(pauseMs - 1);
      expect(queue.length).toBe(0);
      await clock.advance(1);
      expect(await queue.get()).toBe('a');
      queue.done('a');
    }
    queue.forget('a');
    expect(queue.requeues('a')).toBe(0);
    expect(requeueDelayMs(5_000, 5, 1_000_000)).toBe(1_000_000);
  });

  it('never has a key with two workers, and never loses one that was added', async () => {
    const operation = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('done' as const), nth: fc.nat(2) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
        const queue = createWorkQueue();
        const held: string[] = [];
        /** Keys added since they were last handed out. */
        const owed = new Set<string>();
        const take = async (): Promise<void> => {
          const key = (await queue.get())!;
          expect(held).not.toContain(key);
          expect(owed.delete(key)).toBe(true);
          held.push(key);
        };
        for (const operation of operations) {
          if (operation.do === 'add') {
            queue.add(operation.key);
            owed.add(operation.key);
          } else if (operation.do === 'take') {
            if (queue.length > 0) await take();
          } else if (held.length > 0) {
            const [key] = held.splice(operation.nth % held.length, 1);
            queue.done(key!);
          }
        }
        for (const key of held.splice(0)) queue.done(key);
        while (queue.length > 0) {
          await take();
          queue.done(held.pop()!);
        }
        expect([...owed]).toEqual([]);
      }),
    );
  });
});
