import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { KubeObject } from '@raftsman/api';
import { WatchCache } from '../src/cacher/watch-cache.js';
import { CacheEvent, WatchEvent } from '../src/cacher/watch-event.js';
import { Watcher } from '../src/cacher/watcher.js';

const object = (name: string, revision: number, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels, resourceVersion: String(revision) },
});
const put = (name: string, revision: number): { key: string; revision: number; object: KubeObject } => ({
  key: `/${name}`,
  revision,
  object: object(name, revision),
});
const gone = (name: string, revision: number): { key: string; revision: number; object: null } => ({
  key: `/${name}`,
  revision,
  object: null,
});
const stored = (
  name: string,
  revision: number,
): { key: string; object: KubeObject; modRevision: number } => ({
  key: `/${name}`,
  object: object(name, revision),
  modRevision: revision,
});
const brief = (events: readonly CacheEvent[]): string[] =>
  events.map(({ key, revision, current }) => `${current === null ? '-' : '+'}${key}@${revision}`);

describe('WatchCache', () => {
  test('remembers what happened after its start, and where the past ends', () => {
    const cache = new WatchCache(3);
    cache.replace([stored('a', 5)], 10);
    expect([cache.revision, cache.floor]).toEqual([10, 10]);
    cache.apply([put('b', 11)]);
    cache.apply([put('a', 12), gone('b', 12)]);
    expect(brief(cache.since(10))).toEqual(['+/b@11', '+/a@12', '-/b@12']);
    expect(brief(cache.since(11))).toEqual(['+/a@12', '-/b@12']);
    cache.apply([put('c', 13)]);
    expect([cache.revision, cache.floor]).toEqual([13, 11]);
    expect(cache.list('/').map(({ key }) => key)).toEqual(['/a', '/c']);
  });

  test('takes no event twice, and several of one revision', () => {
    const cache = new WatchCache(8);
    cache.replace([], 3);
    expect(brief(cache.apply([put('a', 4), put('b', 4)]))).toEqual(['+/a@4', '+/b@4']);
    expect(cache.apply([put('a', 4), put('b', 4)])).toEqual([]);
  });

  test('tells the difference when the past was lost, and forgets what it cannot vouch for', () => {
    const cache = new WatchCache(8);
    cache.replace([stored('a', 1), stored('b', 2)], 2);
    const changes = cache.replace([stored('a', 1), stored('c', 7)], 9);
    expect(brief(changes)).toEqual(['+/c@7', '-/b@9']);
    expect([cache.revision, cache.floor]).toEqual([9, 9]);
  });

  test('is, after any changes, what a plain map is; and its events lead there from any revision it vouches for', () => {
    const change = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), remove: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 60 }),
        fc.integer({ min: 1, max: 10 }),
        (changes, ringSize) => {
          const cache = new WatchCache(ringSize);
          const model = new Map<string, number>();
          const states = new Map<number, Map<string, number>>([[1, new Map()]]);
          cache.replace([], 1);
          changes.forEach(({ name, remove }, at) => {
            const revision = at + 2;
            if (remove) model.delete(`/${name}`);
            else model.set(`/${name}`, revision);
            cache.apply([remove ? gone(name, revision) : put(name, revision)]);
            states.set(revision, new Map(model));
          });
          const held = new Map(cache.list('/').map(({ key, modRevision }) => [key, modRevision]));
          expect(held).toEqual(model);
          for (let from = cache.floor; from <= cache.revision; from += 1) {
            const replayed = new Map(states.get(from));
            for (const { key, revision, current } of cache.since(from)) {
              if (current === null) replayed.delete(key);
              else replayed.set(key, revision);
            }
            expect(replayed).toEqual(model);
          }
        },
      ),
    );
  });
});

describe('CacheEvent', () => {
  const inSight = (each: KubeObject): boolean => each.metadata.labels?.['in'] === 'yes';
  const within = object('a', 5, { in: 'yes' });
  const without = object('a', 5);

  test.each([
    ['made in sight', within, null, 'ADDED'],
    ['made out of sight', without, null, undefined],
    ['changed in sight', within, within, 'MODIFIED'],
    ['come into sight', within, without, 'ADDED'],
    ['gone out of sight', without, within, 'DELETED'],
    ['deleted in sight', null, within, 'DELETED'],
    ['deleted out of sight', null, without, undefined],
  ])('an object %s', (_what, current, previous, type) => {
    expect(new CacheEvent('/a', 9, current, previous).seenBy(inSight)?.type).toBe(type);
  });

  test('a deletion carries the last state and its own revision, and is encoded once for all', () => {
    const event = new CacheEvent('/a', 9, null, within);
    const seen = event.seenBy(inSight)!;
    expect(seen.object.metadata).toMatchObject({ labels: { in: 'yes' }, resourceVersion: '9' });
    expect(event.seenBy(() => true)).toBe(seen);
    expect(within.metadata.resourceVersion).toBe('5');
  });
});

describe('Watcher', () => {
  const watcherOf = (initial: readonly WatchEvent[], queueMax = 3, revision = 0): Watcher =>
    new Watcher({
      prefix: '/',
      matches: () => true,
      initial,
      revision,
      queueMax,
      batchMax: 2,
      onEnd: () => undefined,
    });
  const event = (revision: number): CacheEvent => new CacheEvent('/a', revision, object('a', revision), null);
  const versions = (batch: readonly WatchEvent[] | null): unknown =>
    batch?.map((each) => each.object.metadata.resourceVersion);

  test('gives the initial events first, then the rest in order, in batches', async () => {
    const watcher = watcherOf(
      [1, 2, 3].map((n) => new WatchEvent('ADDED', object('a', n))),
      3,
      3,
    );
    watcher.offer(event(3));
    watcher.offer(event(4));
    watcher.offer(event(5));
    expect(versions(await watcher.next())).toEqual(['1', '2']);
    expect(versions(await watcher.next())).toEqual(['3']);
    expect(versions(await watcher.next())).toEqual(['4', '5']);
    const next = watcher.next();
    watcher.offer(event(6));
    expect(versions(await next)).toEqual(['6']);
  });

  test('one that lags behind too far is ended', async () => {
    const watcher = watcherOf([]);
    for (let revision = 1; revision <= 4; revision += 1) watcher.offer(event(revision));
    expect(watcher.ended).toBe('slow');
    expect(await watcher.next()).toBeNull();
  });

  test('the end wakes who waits, and its time being up lets the rest be read', async () => {
    const waiting = watcherOf([]);
    const next = waiting.next();
    waiting.end('shutdown');
    expect(await next).toBeNull();
    const timed = watcherOf([]);
    timed.offer(event(1));
    timed.end('timeout');
    expect(versions(await timed.next())).toEqual(['1']);
    expect(await timed.next()).toBeNull();
  });

  test('bookmarks name what was seen, once, and wait for nothing', async () => {
    const watcher = watcherOf([]);
    const make = (revision: number): WatchEvent => new WatchEvent('BOOKMARK', object('', revision));
    watcher.bookmark(make);
    watcher.reached(7);
    watcher.bookmark(make);
    watcher.bookmark(make);
    expect(versions(await watcher.next())).toEqual(['7']);
    const nothing = watcher.next();
    watcher.bookmark(make);
    watcher.end('closed');
    expect(await nothing).toBeNull();
  });
});
