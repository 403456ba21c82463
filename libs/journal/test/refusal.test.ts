import { Level } from 'level';
import { describe, expect, test } from 'vitest';
import {
  applied,
  crashImage,
  contents,
  entries,
  flipBit,
  group,
  hardState,
  identity,
  newDirectory,
  open,
  row,
} from './fixture.js';

/** Ten entries and one row; answers the directory of a member that is not running. */
async function member(): Promise<string> {
  const directory = await newDirectory();
  const journal = await open(directory);
  await journal.write(group({ entries: entries(1, 10, 1), hardState: hardState(1, 10) }));
  journal.recordApplied(applied(10, 1, row('key', 'value of the row')));
  await journal.close();
  return directory;
}

/** Changes records behind the journal's back, with LevelDB's own checksums right. */
async function tamper(
  directory: string,
  change: (database: Level<Uint8Array, Uint8Array>) => Promise<void>,
): Promise<void> {
  const database = new Level<Uint8Array, Uint8Array>(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
  });
  await change(database);
  await database.close();
}

const entryKey = (index: number) => Buffer.from([0x65, 0, 0, 0, 0, 0, 0, 0, index]);

async function flipLastByte(directory: string, key: Uint8Array): Promise<void> {
  await tamper(directory, async (database) => {
    const value = Buffer.from((await database.get(key))!);
    value[value.length - 1]! ^= 1;
    await database.put(key, value);
  });
}

describe('corruption is refused', () => {
  test('a flipped bit in a log entry', async () => {
    const directory = await member();
    await flipLastByte(directory, entryKey(4));
    await expect(open(directory)).rejects.toMatchObject({
      code: 'corrupt',
      message: 'the checksum of log entry 4 does not match: the data directory is corrupt',
    });
  });

  test.each([
    ['the hard state', 'h'],
    ['the identity', 'i'],
    ['the state mark', 's'],
  ])('a flipped bit in %s', async (what, key) => {
    const directory = await member();
    await flipLastByte(directory, Buffer.from(key));
    await expect(open(directory)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining(what),
    });
  });

  test('a flipped bit in a row', async () => {
    const directory = await member();
    await flipLastByte(
      directory,
      Buffer.concat([Buffer.from([0x72, 0, 0, 0, 0, 0, 0, 0, 1]), Buffer.from('key')]),
    );
    const journal = await open(directory);
    await expect(contents(journal.rows())).rejects.toMatchObject({ code: 'corrupt' });
    await journal.close();
  });

  test('an entry under the index of another', async () => {
    const directory = await member();
    await tamper(directory, async (database) =>
      database.put(entryKey(5), (await database.get(entryKey(6)))!),
    );
    await expect(open(directory)).rejects.toMatchObject({ code: 'corrupt' });
  });

  test.each([
    ['in the middle', 5, 'log entries 5 to 5 are missing: the data directory is corrupt'],
    ['at the end', 10, 'the log ends at 9 but was committed up to 10: the data directory is corrupt'],
  ])('a missing entry %s', async (_where, index, message) => {
    const directory = await member();
    await tamper(directory, (database) => database.del(entryKey(index)));
    await expect(open(directory)).rejects.toMatchObject({ code: 'corrupt', message });
  });

  test('a flipped bit in the write-ahead file, under a write that later ones follow', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    for (let index = 1; index <= 8; index++)
      await journal.write(
        group({
          entries: entries(index, index, 1, `${index} ${'x'.repeat(30_000)}`),
          hardState: hardState(1, index),
        }),
      );
    const image = await crashImage(directory);
    await journal.close();
    await flipBit(image, '.log', '3 xxxx');
    await expect(open(image)).rejects.toMatchObject({ code: 'corrupt' });
  });

  test('a flipped bit in a sorted table', async () => {
    const directory = await member();
    await tamper(directory, (database) =>
      (database as unknown as { compactRange(from: Buffer, to: Buffer): Promise<void> }).compactRange(
        Buffer.from([0]),
        Buffer.from([255]),
      ),
    );
    await flipBit(directory, '.ldb', 'entry');
    await expect(open(directory)).rejects.toMatchObject({ code: 'corrupt' });
  });
});

describe('a directory that is not ours is refused', () => {
  test('of another member', async () => {
    const directory = await member();
    await expect(open(directory, { ...identity, memberId: 12, name: 'm2' })).rejects.toMatchObject({
      code: 'foreign',
      message: `data directory ${directory} belongs to member m1 (b), not to m2 (c)`,
    });
  });

  test('of another cluster', async () => {
    const directory = await member();
    await expect(open(directory, { ...identity, clusterId: 78 })).rejects.toMatchObject({
      code: 'foreign',
      message: expect.stringContaining('belongs to cluster 4d (member m1), not to 4e'),
    });
  });

  test('of somebody else altogether', async () => {
    const directory = await newDirectory();
    await tamper(directory, (database) => database.put(Buffer.from('other'), Buffer.from('data')));
    await expect(open(directory)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('does not say whose'),
    });
  });

  test('that is in use', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await expect(open(directory)).rejects.toMatchObject({
      code: 'locked',
      message: `data directory ${directory} is in use by another process`,
    });
    await journal.close();
  });

  test('after a refusal the directory is free again', async () => {
    const directory = await member();
    await expect(open(directory, { ...identity, clusterId: 78 })).rejects.toThrow(/belongs to cluster/);
    await (await open(directory)).close();
  });
});
