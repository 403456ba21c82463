import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
  smallSizes,
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

const batchKey = (number: number) => Buffer.from([0x74, 0, 0, 0, 0, 0, 0, 0, number]);

async function flipLastByte(directory: string, key: Uint8Array): Promise<void> {
  await tamper(join(directory, 'rows'), async (database) => {
    const value = Buffer.from((await database.get(key))!);
    value[value.length - 1]! ^= 1;
    await database.put(key, value);
  });
}

describe('corruption is refused', () => {
  test('with one line that says what to do', async () => {
    const directory = await member();
    await flipLastByte(directory, Buffer.from('s'));
    await expect(open(directory)).rejects.toMatchObject({
      code: 'corrupt',
      message:
        `data directory ${directory} is corrupt: the checksum of the state mark does not match. ` +
        'Empty it and start with --initial-cluster-state=existing while all other members are up, or restore a snapshot',
    });
  });

  test('a flipped bit in the identity', async () => {
    const directory = await member();
    await flipLastByte(directory, Buffer.from('i'));
    await expect(open(directory)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('the identity'),
    });
  });

  const keyIn = (space: string, key: string) =>
    Buffer.concat([Buffer.from(space), Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]), Buffer.from(key)]);

  test.each([
    ['the last pack of rows', keyIn('p', 'key 2')],
    ['a pack of rows', keyIn('p', 'key')],
    ['a row', keyIn('r', 'by itself')],
    ['the mark of a row that is gone', keyIn('q', 'key 1')],
  ])('a flipped bit in %s', async (_what, key) => {
    const directory = await newDirectory();
    const before = await open(directory);
    await before.write(group({ entries: entries(1, 9, 1), hardState: hardState(1, 9) }));
    before.recordApplied(applied(1, 1, row('key', '1'), row('key 0', '1'), row('key 1', '1')));
    await before.flush();
    before.recordApplied(applied(2, 1, row('key 2', '1'), row('key 1', null), row('by itself', '1')));
    await before.close();
    await flipLastByte(directory, key);
    const read = async (): Promise<unknown> => {
      const journal = await open(directory);
      try {
        return await contents(journal.rowBatches());
      } finally {
        await journal.close();
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'corrupt' });
  });

  test('a batch of rows that LevelDB dropped', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await journal.write(group({ entries: entries(1, 4, 1), hardState: hardState(1, 4) }));
    for (const index of [1, 2, 3, 4]) {
      journal.recordApplied(applied(index, 1, row(`key ${index}`, `${index} ${'z'.repeat(40_000)}`)));
      await journal.flush();
    }
    const image = await crashImage(directory);
    await journal.close();
    await flipBit(join(image, 'rows'), '.log', '2 zzzz');
    await expect(open(image)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('rows of batch 2 are missing'),
    });
  });

  test('a missing batch mark', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await journal.write(group({ entries: entries(1, 3, 1), hardState: hardState(1, 3) }));
    for (const index of [1, 2, 3]) {
      journal.recordApplied(applied(index, 1, row('key', `${index}`)));
      await journal.flush();
    }
    await journal.close();
    await tamper(join(directory, 'rows'), (database) => database.del(batchKey(2)));
    await expect(open(directory)).rejects.toMatchObject({ code: 'corrupt' });
  });

  test('a log that ends before the rows', async () => {
    const directory = await newDirectory();
    const journal = await open(directory);
    await journal.write(group({ entries: entries(1, 9, 1), hardState: hardState(1, 9) }));
    await journal.write(group({ entries: entries(10, 10, 1), hardState: hardState(1, 10) }));
    journal.recordApplied(applied(10, 1, row('key', 'value')));
    await journal.flush();
    const image = await crashImage(directory);
    await journal.close();
    await flipBit(join(image, 'wal'), '.wal', 'entry 10');
    await expect(open(image)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('the log ends at 9 but the state is at 10'),
    });
  });

  test('after an orderly end, even the last group', async () => {
    const directory = await member();
    await flipBit(join(directory, 'wal'), '.wal', 'entry 10');
    await expect(open(directory)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringMatching(/000000000001\.wal is damaged at byte \d+, before frames/),
    });
  });

  test('a flipped bit under a write that later ones follow', async () => {
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
    await flipBit(join(image, 'wal'), '.wal', '3 xxxx');
    await expect(open(image)).rejects.toMatchObject({ code: 'corrupt' });
  });

  test('a flipped bit in an earlier segment, and a missing one', async () => {
    const directory = await newDirectory();
    const journal = await open(directory, identity, false, smallSizes);
    for (let index = 1; index <= 60; index++)
      await journal.write(
        group({
          entries: entries(index, index, 1, `${index} ${'x'.repeat(3_000)}`),
          hardState: hardState(1, 0),
        }),
      );
    const [flipped, missing] = [await crashImage(directory), await crashImage(directory)];
    await journal.close();
    expect((await readdir(join(flipped, 'wal'))).length).toBeGreaterThan(3);
    await flipBit(join(flipped, 'wal'), '001.wal', '19 xxx');
    await expect(open(flipped)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('000000000001.wal is damaged'),
    });
    await rm(join(missing, 'wal', '000000000002.wal'));
    await expect(open(missing)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('segment 000000000002.wal is missing'),
    });
  });

  test('a log without its beginning, or none at all', async () => {
    const directory = await newDirectory();
    const journal = await open(directory, identity, false, smallSizes);
    for (let index = 1; index <= 40; index++)
      await journal.write(
        group({ entries: entries(index, index, 1, 'x'.repeat(3_000)), hardState: hardState(1, 0) }),
      );
    await journal.close();
    await rm(join(directory, 'wal', '000000000001.wal'));
    await expect(open(directory)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringMatching(/log entries 1 to \d+ are missing/),
    });
    await rm(join(directory, 'wal'), { recursive: true });
    await expect(open(directory)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('its log is missing'),
    });
  });

  test('a flipped bit in a sorted table', async () => {
    const directory = await member();
    await tamper(join(directory, 'rows'), (database) =>
      (database as unknown as { compactRange(from: Buffer, to: Buffer): Promise<void> }).compactRange(
        Buffer.from([0]),
        Buffer.from([255]),
      ),
    );
    await flipBit(join(directory, 'rows'), '.ldb', 'value of');
    const rows = open(directory).then(async (journal) => {
      try {
        return await contents(journal.rowBatches());
      } finally {
        await journal.close();
      }
    });
    await expect(rows).rejects.toMatchObject({ code: 'corrupt' });
  });
});

describe('a directory that is not ours is refused', () => {
  test('of a version before segment files', async () => {
    const directory = await newDirectory();
    await tamper(directory, (database) => database.put(Buffer.from('i'), Buffer.from('{"format":1}')));
    await expect(open(directory)).rejects.toMatchObject({
      code: 'format',
      message: expect.stringContaining(
        'kept its log in LevelDB, and is not converted. Empty it and start with',
      ),
    });
  });

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
    await tamper(join(directory, 'rows'), (database) =>
      database.put(Buffer.from('other'), Buffer.from('data')),
    );
    await expect(open(directory)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('does not say whose'),
    });
  });

  test('whose rows are gone', async () => {
    const directory = await member();
    await rm(join(directory, 'rows'), { recursive: true });
    await expect(open(directory)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('it holds a log but does not say whose'),
    });
  });

  test('the segment of another directory', async () => {
    const [directory, other] = [await member(), await crashImage(await member())];
    const stolen = await crashImage(directory);
    await rm(join(directory, 'wal'), { recursive: true });
    await writeFile(join(other, 'note'), ''); // What is not ours does not matter.
    await cp(join(other, 'wal'), join(directory, 'wal'), { recursive: true });
    await expect(open(directory)).rejects.toMatchObject({ code: 'corrupt' });
    await (await open(stolen)).close();
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
