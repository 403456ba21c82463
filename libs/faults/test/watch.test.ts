import { describe, expect, it } from 'vitest';
import {
  emptyStore,
  Replay,
  validateWatch,
  watchGuarantees,
  type KeyValue,
  type KvEvent,
  type WatchedEvent,
  type WatchGuarantee,
  type WatchRecord,
  type WatchResponse,
} from '@raftsman/faults';

/** Revision 2: a and b are created; 3: a changes; 4: a goes; 5: a comes again, c is created; 6: a changes. */
const put = (key: string, modRevision: number, createRevision: number, version: number): KvEvent => ({
  type: 'PUT',
  kv: { key, value: `${key}@${modRevision}`, createRevision, modRevision, version, lease: '0' },
});
const gone = (key: string, modRevision: number): KvEvent => ({
  type: 'DELETE',
  kv: { key, value: '', createRevision: 0, modRevision, version: 0, lease: '0' },
});
const changes: readonly (readonly KvEvent[])[] = [
  [put('a', 2, 2, 1), put('b', 2, 2, 1)],
  [put('a', 3, 2, 2)],
  [gone('a', 4)],
  [put('a', 5, 5, 1), put('c', 5, 5, 1)],
  [put('a', 6, 5, 2)],
];

function replayed(): Replay {
  const replay = new Replay(emptyStore);
  for (const events of changes) expect(replay.append(events)).toEqual([]);
  return replay;
}

const replay = replayed();
const before = (event: KvEvent): KeyValue | null =>
  replay.at(event.kv.modRevision).find(({ kv }) => kv.key === event.kv.key)!.previous;
const told = (event: KvEvent): WatchedEvent => ({
  ...event,
  previous: before(event),
  isCreate: event.type === 'PUT' && before(event) === null,
});
const response = (...events: readonly WatchedEvent[]): WatchResponse => ({
  kind: 'events',
  atMs: 10,
  revision: events.at(-1)!.kv.modRevision,
  events,
});
const progress = (revision: number): WatchResponse => ({ kind: 'progress', atMs: 10, revision });
const all = changes.map((events) => response(...events.map(told)));
const watchOf = (
  responses: readonly WatchResponse[],
  more: Partial<WatchRecord['request']> = {},
): WatchRecord => ({
  id: 'w',
  request: { key: 'a', end: 'z', startRevision: 2, prevKv: true, ...more },
  responses: [{ kind: 'created', atMs: 1, revision: 1 }, ...responses],
});
const brokenBy = (watch: WatchRecord): readonly WatchGuarantee[] => [
  ...new Set(validateWatch(watch, replay).map(({ guarantee }) => guarantee)),
];
/** `all` with the response at `index` changed. */
const changed = (index: number, change: (events: readonly WatchedEvent[]) => readonly WatchedEvent[]) =>
  all.map((one, i) => (i === index && one.kind === 'events' ? { ...one, events: change(one.events) } : one));

describe('a watch that keeps its promises', () => {
  it('breaks none', () => {
    expect(brokenBy(watchOf([...all.slice(0, 3), progress(4), ...all.slice(3), progress(6)]))).toEqual([]);
  });

  it('may begin in the middle, end early, leave out what was filtered, and join revisions', () => {
    expect(brokenBy(watchOf(all.slice(2), { startRevision: 4 }))).toEqual([]);
    expect(brokenBy(watchOf(all.slice(0, 2)))).toEqual([]);
    const joined = response(...changes.slice(0, 2).flat().map(told));
    expect(brokenBy(watchOf([joined, ...all.slice(2)]))).toEqual([]);
    const puts = all.filter((_, i) => i !== 2);
    expect(brokenBy(watchOf(puts, { noDelete: true }))).toEqual([]);
    const justA = changes.map((events) => response(told(events.find(({ kv }) => kv.key === 'a')!)));
    const { end: _, ...oneKey } = watchOf(justA).request;
    expect(brokenBy({ ...watchOf(justA), request: oneKey })).toEqual([]);
  });

  it('begins after its creation if it names no start', () => {
    const created: WatchResponse = { kind: 'created', atMs: 1, revision: 3 };
    const fromNow = (responses: readonly WatchResponse[]): WatchRecord => ({
      ...watchOf([], { startRevision: 0 }),
      responses: [created, ...responses],
    });
    expect(brokenBy(fromNow(all.slice(2)))).toEqual([]);
    expect(brokenBy(fromNow(all.slice(3)))).toEqual(['Resumable']);
    expect(brokenBy(fromNow(all.slice(1)))).toEqual(['Resumable']);
  });

  it('may leave out a previous value that was compacted away before it was told', () => {
    const bare = changed(1, (events) => events.map((event) => ({ ...event, previous: null })));
    expect(brokenBy(watchOf(bare))).toEqual(['PrevKV']);
    expect(validateWatch(watchOf(bare), replay, [{ startMs: 5, revision: 3 }])).toEqual([]);
    expect(validateWatch(watchOf(bare), replay, [{ startMs: 15, revision: 3 }])).toHaveLength(1);
    expect(validateWatch(watchOf(bare), replay, [{ startMs: 5, revision: 2 }])).toHaveLength(1);
  });
});

describe('each broken promise is found', () => {
  const violations: Readonly<Record<WatchGuarantee, WatchRecord>> = {
    Filter: watchOf([all[0]!], { end: 'b' }),
    Ordered: watchOf([all[0]!, all[2]!, all[1]!, all[3]!]),
    Unique: watchOf([...all.slice(0, 2), all[1]!, all[2]!]),
    Atomic: watchOf([response(told(changes[0]![0]!)), response(told(changes[0]![1]!)), ...all.slice(1)]),
    Reliable: watchOf([...all.slice(0, 2), ...all.slice(3)]),
    Resumable: watchOf(all.slice(1)),
    Bookmarkable: watchOf([...all.slice(0, 2), progress(4), ...all.slice(2)]),
    PrevKV: watchOf(
      changed(1, ([event]) => [{ ...event!, previous: { ...event!.previous!, value: 'another' } }]),
    ),
    IsCreate: watchOf(changed(3, (events) => events.map((event) => ({ ...event, isCreate: false })))),
  };

  it.each(watchGuarantees)('%s', (guarantee) => {
    expect(brokenBy(violations[guarantee])).toContain(guarantee);
  });

  it('also a filtered kind, a wrong value, a missing last event that progress claimed, and progress that falls', () => {
    expect(brokenBy(watchOf(all, { noDelete: true }))).toEqual(['Filter']);
    const wrong = changed(1, ([event]) => [{ ...event!, kv: { ...event!.kv, value: 'another' } }]);
    expect(brokenBy(watchOf(wrong))).toEqual(['Reliable']);
    expect(brokenBy(watchOf([...all.slice(0, 4), progress(6)]))).toEqual(['Reliable']);
    expect(brokenBy(watchOf([...all, progress(5)]))).toEqual(['Bookmarkable']);
  });

  it('and an event of the past for a watch of a future revision (etcd-io/etcd#20221)', () => {
    expect(brokenBy(watchOf(all.slice(3), { startRevision: 6 }))).toEqual(['Resumable']);
  });
});

describe('the replayed sequence', () => {
  it('knows the state at each revision', () => {
    expect(replay.range(3, 'a', 'z').kvs.map(({ value }) => value)).toEqual(['a@3', 'b@2']);
    expect(replay.range(4, 'a')).toEqual({ kvs: [], count: 0 });
    expect(replay.range(6, 'a', 'z', 2)).toMatchObject({ count: 3, kvs: [{ key: 'a' }, { key: 'b' }] });
    expect(replay.range(1, 'a', 'z').count).toBe(0);
    expect(() => replay.range(7, 'a')).toThrow(RangeError);
  });

  it('says what contradicts it', () => {
    expect(replayed().append([gone('x', 7)])).toEqual(['DELETE of x at revision 7: there was no such key']);
    expect(replayed().append([put('a', 7, 5, 4)])).toEqual(['PUT of a at revision 7: version 4, not 3']);
    expect(replayed().append([put('a', 7, 7, 3)])).toEqual([
      'PUT of a at revision 7: created at 7, not at 5',
    ]);
    expect(replayed().append([put('a', 8, 5, 3)])).toEqual(['PUT of a at revision 7: its mod revision is 8']);
  });
});
