import { describe, expect, test } from 'vitest';
import { logIndex, term } from '@raftsman/raft';
import { defaultSizes } from '../src/index.js';
import {
  applied,
  contents,
  crashImage,
  entries,
  entry,
  group,
  hardState,
  identity,
  newDirectory,
  open,
  row,
  texts,
} from './fixture.js';

describe('what was written survives', () => {
  test('a new directory is empty and knows the first configuration', async () => {
    const journal = await open(await newDirectory());
    expect(journal.recovered).toMatchObject({
      fresh: true,
      hardState: { term: 0, vote: null, commit: 0 },
      compacted: { index: 0, term: 0 },
      entries: [],
      state: { index: 0, configuration: { voters: [11, 12, 13], outgoing: [], learners: [], witnesses: [] } },
    });
    await journal.close();
  });

  test('which data directory this is, and by which the others are known', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    const { dataId } = journal.recovered;
    await journal.rememberPeer(12, 1_000);
    await journal.rememberPeer(13, 2 ** 48);
    await journal.rememberPeer(12, 1_001);
    const image = await crashImage(directory);
    await journal.close();
    const again = await open(image);
    expect(again.recovered).toMatchObject({ dataId, rebuild: null });
    expect([11, 12, 13].map((member) => again.peerDataId(member))).toEqual([undefined, 1_001, 2 ** 48]);
    await again.close();
    const other = await open(await newDirectory());
    expect(other.recovered.dataId).not.toBe(dataId);
    await other.close();
  });

  test('that a member lost its data, and what it must do before it votes', async () => {
    const directory = await newDirectory();
    const lost = await open(directory, identity, true);
    expect(lost.recovered.rebuild).toEqual({ until: null });
    await lost.close();
    const asking = await open(directory);
    expect(asking.recovered.rebuild).toEqual({ until: null });
    await asking.beginRebuild({ term: term(8), vote: null, commit: logIndex(0) }, logIndex(5));
    expect(asking.recovered).toMatchObject({ hardState: { term: 8, vote: null }, rebuild: { until: 5 } });
    const image = await crashImage(directory);
    await asking.close();
    const again = await open(image, identity, true);
    expect(again.recovered).toMatchObject({ hardState: { term: 8, vote: null }, rebuild: { until: 5 } });
    await again.close();
  });

  test('a crash right after a write loses none of it', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await journal.write(group({ entries: entries(1, 3, 1), hardState: hardState(1, 0) }));
    const image = await crashImage(directory);
    await journal.close();
    const again = await open(image);
    expect(again.recovered.fresh).toBe(false);
    expect(again.recovered.hardState).toEqual({ term: 1, vote: 11, commit: 0 });
    expect(texts(again)).toEqual(['1/1 entry 1', '2/1 entry 2', '3/1 entry 3']);
    await again.close();
  });

  test('a vote alone survives, and so does having voted for nobody', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await journal.write(group({ hardState: { ...hardState(4, 0), vote: null } }));
    await journal.close();
    const again = await open(directory);
    expect(again.recovered.hardState).toEqual({ term: 4, vote: null, commit: 0 });
    await again.close();
  });

  test('applied rows wait until they are worth a write; a restart before it replays them from the log', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await journal.write(group({ entries: entries(1, 2, 1), hardState: hardState(1, 2) }));
    journal.recordApplied(applied(1, 1, row('a', '1'), row('b', '1')));
    journal.recordApplied(applied(2, 1, row('a', '2'), row('b', null)));
    await journal.write(group({ entries: [entry(3, 1)] }));
    const before = await open(await crashImage(directory));
    expect(before.recovered).toMatchObject({ state: { index: 0 }, hardState: { commit: 2 } });
    expect(await contents(before.rowBatches())).toEqual({});
    expect(texts(before)).toHaveLength(3);
    await before.close();
    expect(journal.durableState.index).toBe(0);
    await journal.flush();
    expect(journal.durableState.index).toBe(2);
    const after = await open(await crashImage(directory));
    expect(after.recovered.state).toMatchObject({ index: 2, term: 1 });
    expect(await contents(after.rowBatches())).toEqual({ a: '2' });
    await after.close();
    await journal.close();
  });

  test('enough of them are written without being asked for', async () => {
    const journal = await open(await newDirectory());
    await journal.write(group({ entries: entries(1, 3, 1), hardState: hardState(1, 3) }));
    journal.recordApplied(applied(1, 1, row('a', 'x'.repeat(defaultSizes.rowsBatchBytes))));
    journal.recordApplied(applied(2, 1, row('b', 'y')));
    await expect.poll(() => journal.durableState.index).toBeGreaterThan(0);
    await journal.close();
  });

  test('rows that are ahead of the commit index in the log were committed', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await journal.write(group({ entries: entries(1, 5, 1), hardState: hardState(1, 0) }));
    await journal.write(group({ hardState: hardState(1, 4), sync: false }));
    journal.recordApplied(applied(4, 1, row('a', '4')));
    await journal.flush();
    const again = await open(await crashImage(directory));
    expect(again.recovered).toMatchObject({ state: { index: 4 }, hardState: { commit: 4 } });
    await again.close();
    await journal.close();
  });

  test('a change that is recorded piece by piece is written whole, or not at all', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await journal.write(group({ entries: entries(1, 3, 1), hardState: hardState(1, 3) }));
    journal.recordApplied(applied(1, 1, row('a', '1')));
    journal.recordSome([row('b', '2')]);
    await journal.flush();
    const midway = await open(await crashImage(directory));
    expect(midway.recovered.state.index).toBe(0);
    expect(await contents(midway.rowBatches())).toEqual({});
    await midway.close();
    journal.recordSome([row('c', '2')]);
    journal.recordApplied(applied(2, 1, row('d', '2')));
    await journal.flush();
    const whole = await open(await crashImage(directory));
    expect(whole.recovered.state.index).toBe(2);
    expect(await contents(whole.rowBatches())).toEqual({ a: '1', b: '2', c: '2', d: '2' });
    await whole.close();
    await journal.close();
  });

  test('closing writes what waits', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await journal.write(group({ entries: [entry(1, 1)], hardState: hardState(1, 1) }));
    journal.recordApplied(applied(1, 1, row('a', '1')));
    await journal.close();
    const again = await open(directory);
    expect(await contents(again.rowBatches())).toEqual({ a: '1' });
    await again.close();
  });
});

describe('the log', () => {
  test('an overwritten tail is gone, also after a crash', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await journal.write(group({ entries: entries(1, 9, 1), hardState: hardState(1, 2) }));
    await journal.write(group({ entries: entries(4, 5, 2, 'new'), hardState: hardState(2, 2) }));
    const again = await open(await crashImage(directory));
    expect(texts(again)).toEqual(['1/1 entry 1', '2/1 entry 2', '3/1 entry 3', '4/2 new', '5/2 new']);
    await again.close();
    await journal.close();
  });

  test('compaction keeps what comes after and never passes the rows on disk', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await journal.write(group({ entries: entries(1, 100, 1), hardState: hardState(1, 100) }));
    journal.recordApplied(applied(80, 1, row('a', '80')));
    const mark = { index: logIndex(60), term: term(1) };
    expect(() => journal.compact(mark)).toThrow(/rows on disk/);
    await journal.flush();
    journal.compact(mark);
    await journal.write(group({ entries: [entry(101, 1)] }));
    const again = await open(await crashImage(directory));
    expect(again.recovered.compacted).toEqual({ index: 60, term: 1 });
    expect(again.recovered.entries.map(({ index }) => index)).toEqual(
      Array.from({ length: 41 }, (_, offset) => 61 + offset),
    );
    await again.close();
    await journal.close();
  });

  test('gaps, overwritten commits and rows ahead of the commit index are our own bugs', async () => {
    const journal = await open(await newDirectory());
    await journal.write(group({ entries: entries(1, 5, 1), hardState: hardState(1, 3) }));
    await expect(journal.write(group({ entries: [entry(7, 1)] }))).rejects.toThrow(/no gap/);
    await expect(journal.write(group({ entries: [entry(3, 2)] }))).rejects.toThrow(/never overwritten/);
    expect(() => journal.recordApplied(applied(4, 1))).toThrow(/only committed/);
    await journal.close();
  });
});
