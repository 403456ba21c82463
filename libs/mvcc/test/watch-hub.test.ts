import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  keyRange,
  MvccStore,
  revision,
  WatchHub,
  type Command,
  type KeyValue,
  type Revision,
  type StoredRow,
  type Watcher,
  type WatchSink,
} from '../src/index.js';
import { command } from './commands.js';
import { Model } from './model.js';

const put = (key: string, value = 'v'): Command => ({
  kind: 'put',
  key,
  value,
  lease: 0n,
  prevKv: false,
  ignoreValue: false,
  ignoreLease: false,
});

class Client implements WatchSink {
  open = true;
  readonly seen: { key: string; mod: number; value: string | null }[] = [];
  readonly batches: { first: number; last: number; upTo: number }[] = [];
  compactedAt: number | null = null;

  ready(): boolean {
    return this.open;
  }
  events(_watcher: Watcher, events: readonly KeyValue[], upTo: Revision): void {
    this.batches.push({ first: events[0]!.modRevision, last: events.at(-1)!.modRevision, upTo });
    for (const kv of events) {
      this.seen.push({ key: kv.key, mod: kv.modRevision, value: kv.version === 0 ? null : kv.value });
    }
  }
  compacted(_watcher: Watcher, compactRevision: Revision): void {
    this.compactedAt = compactRevision;
  }
}

const spec = (key: string, rangeEnd: string, start: number, noPut = false, noDelete = false) => ({
  range: keyRange(key, rangeEnd),
  startRevision: revision(start),
  noPut,
  noDelete,
});

function settle(hub: WatchHub): void {
  for (let turns = 0; hub.catchUp(); turns += 1)
    if (turns > 10_000) throw new Error('catching up never ends');
}

/** What a client does in the property below. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('apply' as const), command }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('publish' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('catch-up' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('toggle' as const), client: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('watch' as const),
      key: fc.constantFrom('a', 'b', 'ba', 'd'),
      rangeEnd: fc.constantFrom('', '\0', 'bb', 'e'),
      start: fc.integer({ min: 1, max: 14 }),
      noPut: fc.boolean(),
      noDelete: fc.boolean(),
    }),
  },
);

describe('WatchHub', () => {
  it('gives every watcher each event of its range once and in order, or says that it is compacted', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const store = MvccStore.empty();
        const model = new Model();
        const hub = new WatchHub(store.space);
        const clients: { client: Client; of: Extract<(typeof steps)[number], { kind: 'watch' }> }[] = [];
        for (const each of steps) {
          if (each.kind === 'apply') {
            if (each.command.kind === 'compact' || store.compactionPending) hub.publish();
            store.apply(each.command, 1);
            model.apply(each.command, 1);
          } else if (each.kind === 'publish') hub.publish();
          else if (each.kind === 'catch-up') hub.catchUp();
          else if (each.kind === 'toggle') {
            const one = clients[each.client % Math.max(1, clients.length)]?.client;
            if (one) one.open = !one.open;
          } else {
            const client = new Client();
            clients.push({ client, of: each });
            hub.watch(spec(each.key, each.rangeEnd, each.start, each.noPut, each.noDelete), client);
          }
        }
        for (const { client } of clients) client.open = true;
        settle(hub);
        for (const { client, of } of clients) {
          const { range } = spec(of.key, of.rangeEnd, of.start);
          const wanted = model.events.filter(
            ({ key, mod, value }) =>
              mod >= of.start &&
              key >= range.start &&
              (range.end === null || key < range.end) &&
              (value === null ? !of.noDelete : !of.noPut),
          );
          // A cancelled watcher got a beginning of the story, cut between revisions.
          const end = client.compactedAt === null ? Infinity : (client.seen.at(-1)?.mod ?? 0);
          expect(client.seen).toEqual(wanted.filter(({ mod }) => mod <= end));
          for (const { last, upTo } of client.batches) expect(upTo).toBeGreaterThanOrEqual(last);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('keeps nothing for a sink that is not ready, and reads on from history later', () => {
    const store = MvccStore.empty();
    const hub = new WatchHub(store.space);
    const slow = new Client();
    const watcher = hub.watch(spec('a', '\0', 2), slow);
    slow.open = false;
    for (let at = 0; at < 100; at += 1) {
      store.apply(put(`a${at}`), 1);
      hub.publish();
    }
    expect(slow.seen).toEqual([]);
    expect(watcher.state).toEqual({ kind: 'catching-up', next: 2 });
    slow.open = true;
    settle(hub);
    expect(slow.seen.map(({ mod }) => mod)).toEqual(Array.from({ length: 100 }, (_, at) => at + 2));
    expect(watcher.state.kind).toBe('synced');
  });

  it('ends a slow watcher whose history was compacted', () => {
    const store = MvccStore.empty();
    const hub = new WatchHub(store.space);
    const slow = new Client();
    hub.watch(spec('a', '\0', 2), slow);
    slow.open = false;
    for (let at = 0; at < 10; at += 1) store.apply(put('a'), 1);
    hub.publish();
    store.apply({ kind: 'compact', revision: 5 }, 1);
    expect(hub.catchUp()).toBe(false);
    slow.open = true;
    settle(hub);
    expect(slow.compactedAt).toBe(5);
    expect(hub.size).toBe(0);
  });

  it('hands over large histories in bounded batches of whole revisions', () => {
    const store = MvccStore.empty();
    const hub = new WatchHub(store.space);
    const value = 'x'.repeat(100_000);
    for (let at = 0; at < 30; at += 1) {
      store.apply(
        { kind: 'txn', compare: [], success: [put('a', value), put('b', value)] as never, failure: [] },
        1,
      );
    }
    const client = new Client();
    hub.watch(spec('a', '\0', 2), client);
    settle(hub);
    expect(client.seen).toHaveLength(60);
    expect(client.batches.length).toBeGreaterThan(5);
    for (const [at, { first }] of client.batches.slice(1).entries()) {
      expect(first).toBeGreaterThan(client.batches[at]!.last);
    }
  });

  it('goes on over a replaced store', async () => {
    const store = MvccStore.empty();
    const hub = new WatchHub(store.space);
    const client = new Client();
    hub.watch(spec('a', '', 2), client);
    store.apply(put('a', '1'), 1);
    hub.publish();
    const later = await MvccStore.restore(asyncRows(store));
    for (const value of ['2', '3']) later.apply(put('a', value), 1);
    hub.replaceSpace(later.space);
    settle(hub);
    expect(client.seen.map(({ value }) => value)).toEqual(['1', '2', '3']);
  });
});

async function* asyncRows(store: MvccStore): AsyncGenerator<readonly StoredRow[]> {
  yield [...store.rows()];
}
