import { conflict } from '@raftsman/api';
import { describe, expect, it } from 'vitest';
import { createController } from '../src/controller.js';
import { createWorkQueue } from '../src/work-queue.js';
import { silent } from './support/client.js';
import { until } from './support/until.js';

describe('controller', () => {
  it('tries a failed key again, forgets its failures when it succeeds, and looks again when asked', async () => {
    const queue = createWorkQueue({ backoffBaseMs: 1 });
    const stop = new AbortController();
    const seen: string[] = [];
    const controller = createController({
      name: 'test',
      queue,
      workers: 2,
      logger: silent,
      reconcile: (key) => {
        seen.push(key);
        const times = seen.filter((each) => each === key).length;
        if (key === 'fails' && times < 3) {
          return Promise.reject(times === 1 ? conflict({ group: '', plural: 'pods' }, key) : new Error('no'));
        }
        return Promise.resolve(key === 'again' && times === 1 ? { afterMs: 5 } : undefined);
      },
    });
    queue.add('fails');
    queue.add('again');
    const running = controller.run(stop.signal);
    await until(() => seen.filter((key) => key === 'fails').length === 3, 'the failing key came three times');
    await until(() => seen.filter((key) => key === 'again').length === 2, 'the other came twice');
    stop.abort();
    await running;
    expect(queue.requeues('fails')).toBe(0);
    expect(queue.length).toBe(0);
  });

  it('does not begin before its caches are filled', async () => {
    const queue = createWorkQueue();
    const stop = new AbortController();
    let synced: (ready: boolean) => void = () => undefined;
    const cache = { waitForSync: () => new Promise<boolean>((resolve) => (synced = resolve)) };
    const seen: string[] = [];
    const reconcile = (key: string): Promise<void> => {
      seen.push(key);
      return Promise.resolve();
    };
    queue.add('a');
    const running = createController({
      name: 'test',
      queue,
      workers: 1,
      synced: [cache],
      logger: silent,
      reconcile,
    }).run(stop.signal);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([]);
    synced(true);
    await until(() => seen.length === 1, 'it began');
    stop.abort();
    await running;
  });
});
