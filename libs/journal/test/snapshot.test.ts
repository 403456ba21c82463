import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { logIndex, term } from '@raftsman/raft';
import type { Journal } from '../src/index.js';
import {
  applied,
  configuration,
  contents,
  crashImage,
  entries,
  entry,
  group,
  hardState,
  newDirectory,
  open,
  row,
} from './fixture.js';

const meta = { index: logIndex(50), term: term(3), configuration };

/** A member at index 5 whose rows are a=old and b=old. */
async function follower(directory: string): Promise<Journal> {
  const journal = await open(directory);
  await journal.write(group({ entries: entries(1, 9, 1), hardState: hardState(1, 5) }));
  journal.recordApplied(applied(5, 1, row('a', 'old'), row('b', 'old')));
  await journal.flush();
  return journal;
}

const received = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    key: Buffer.from(`k${String(index).padStart(6, '0')}`),
    value: Buffer.from(`new ${index}`),
  }));

describe('sending', () => {
  test('a view stays as it was while writes and compaction go on', async () => {
    const journal = await follower(await newDirectory());
    const view = await journal.openView();
    await journal.write(group({ hardState: hardState(1, 9) }));
    journal.recordApplied(applied(9, 1, row('a', 'newer'), row('c', 'newer')));
    await journal.flush();
    expect(view.meta).toEqual({ index: 5, term: 1, configuration });
    expect(await contents(view.rows())).toEqual({ a: 'old', b: 'old' });
    expect(await contents(journal.rowBatches())).toEqual({ a: 'newer', b: 'old', c: 'newer' });
    expect(await contents(view.rows(Buffer.from('a')))).toEqual({ b: 'old' });
    expect(await contents(view.rows(Buffer.from('Z')))).toEqual({ a: 'old', b: 'old' });
    expect(await contents(view.rows(Buffer.from('b')))).toEqual({});
    await view.close();
    await journal.close();
  });
});

describe('receiving', () => {
  test('a staged snapshot changes nothing until it is installed, and then everything at once', async () => {
    const directory = await newDirectory();
    const journal = await follower(directory);
    const staging = await journal.stage();
    await staging.add(received(3_000));
    const staged = await staging.finish(meta);
    const before = await open(await crashImage(directory));
    expect(before.recovered.state.index).toBe(5);
    expect(await contents(before.rowBatches())).toEqual({ a: 'old', b: 'old' });
    await before.close();
    await journal.write(group({ install: staged, hardState: hardState(3, 50), entries: [entry(51, 3)] }));
    const after = await open(await crashImage(directory));
    expect(after.recovered).toMatchObject({
      compacted: { index: 50, term: 3 },
      state: { index: 50, term: 3 },
      entries: [{ index: 51, term: 3 }],
    });
    expect(Object.keys(await contents(after.rowBatches()))).toHaveLength(3_000);
    await after.close();
    expect((await contents(journal.rowBatches()))['k002999']).toBe('new 2999');
    await staging.abort();
    expect(Object.keys(await contents(journal.rowBatches()))).toHaveLength(3_000);
    await journal.close();
  });

  test('a crash between the log and the mark of the rows is made good', async () => {
    const directory = await newDirectory();
    const journal = await follower(directory);
    const staging = await journal.stage();
    await staging.add(received(100));
    const staged = await staging.finish(meta);
    const image = await crashImage(directory);
    await journal.write(group({ install: staged, hardState: hardState(3, 50), entries: [entry(51, 3)] }));
    // The log has it, the rows do not.
    await cp(join(directory, 'wal'), join(image, 'wal'), { recursive: true, force: true });
    await journal.close();
    for (const path of [image, directory]) {
      const again = await open(path);
      expect(again.recovered).toMatchObject({
        compacted: { index: 50, term: 3 },
        state: { index: 50, term: 3, generation: staged.generation },
        hardState: { commit: 50 },
        entries: [{ index: 51, term: 3 }],
      });
      expect(Object.keys(await contents(again.rowBatches()))).toHaveLength(100);
      await again.close();
    }
  });

  test('the tail that the snapshot disowns is gone', async () => {
    const directory = await newDirectory();
    const journal = await follower(directory);
    await journal.write(group({ entries: entries(10, 60, 2), hardState: hardState(2, 5) }));
    const staged = await (await journal.stage()).finish(meta);
    await journal.write(group({ install: staged, hardState: hardState(3, 50) }));
    const again = await open(await crashImage(directory));
    expect(again.recovered.entries).toEqual([]);
    await again.close();
    await journal.close();
  });

  test('a half-received snapshot is deleted by the next one and at start', async () => {
    const directory = await newDirectory();
    const journal = await follower(directory);
    const first = await journal.stage();
    await first.add(received(30_000));
    const again = await open(await crashImage(directory));
    const none = await (await again.stage()).finish(meta);
    await again.write(group({ install: none, hardState: hardState(3, 50) }));
    expect(await contents(again.rowBatches())).toEqual({});
    await again.close();
    const second = await journal.stage();
    await expect(first.add(received(1))).rejects.toThrow(/before the end/);
    await second.add(received(2));
    const staged = await second.finish(meta);
    await journal.write(group({ install: staged, hardState: hardState(3, 50) }));
    expect(Object.keys(await contents(journal.rowBatches()))).toHaveLength(2);
    await journal.close();
  });

  test('never takes the keys of a half-received one, whose deletion a power failure may undo', async () => {
    const directory = await newDirectory();
    const journal = await follower(directory);
    const first = await journal.stage();
    await first.add(received(30_000));
    const { generation: given } = await first.finish(meta);
    const image = await crashImage(directory);
    await first.abort();
    const second = await (await journal.stage()).finish(meta);
    expect(second.generation).toBeGreaterThan(given);
    await journal.close();
    const again = await open(image);
    const third = await (await again.stage()).finish(meta);
    expect(third.generation).toBeGreaterThan(given);
    await again.write(group({ install: third, hardState: hardState(3, 50) }));
    expect(await contents(again.rowBatches())).toEqual({});
    await again.close();
  });

  test('rows that were applied before the snapshot and not yet written do not reach the new rows', async () => {
    const journal = await follower(await newDirectory());
    await journal.write(group({ hardState: hardState(1, 6) }));
    journal.recordApplied(applied(6, 1, row('stale', 'x')));
    const staging = await journal.stage();
    await staging.add(received(1));
    const staged = await staging.finish(meta);
    await journal.write(group({ install: staged, hardState: hardState(3, 50) }));
    await journal.flush();
    expect(await contents(journal.rowBatches())).toEqual({ k000000: 'new 0' });
    await journal.close();
  });
});
