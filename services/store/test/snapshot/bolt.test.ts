import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoltBuilder, type BoltItem } from '../../src/snapshot/bolt/builder.js';
import { encodeMetaPage } from '../../src/snapshot/bolt/format.js';
import { BoltFile } from '../../src/snapshot/bolt/reader.js';
import { SnapshotFileError } from '../../src/snapshot/errors.js';
import { fileOf } from './memory-file.js';

type Buckets = ReadonlyMap<string, readonly BoltItem[]>;

function write(buckets: Buckets, pageBytes = 4096, empty: readonly string[] = []): Buffer {
  const builder = new BoltBuilder(pageBytes, true);
  const counter = new BoltBuilder(pageBytes, false);
  for (const [name, items] of buckets)
    for (const item of items) {
      builder.add(name, item);
      counter.add(name, item);
    }
  const layout = builder.finish(empty);
  expect(counter.finish(empty)).toEqual(layout);
  const meta = { pageBytes, ...layout };
  const metas = [
    encodeMetaPage(0, { ...meta, transaction: 1n }),
    encodeMetaPage(1, { ...meta, transaction: 0n }),
  ];
  const file = Buffer.concat([...metas, builder.take()]);
  expect(file.length).toBe(layout.pageCount * pageBytes);
  return file;
}

async function read(file: Buffer): Promise<Buckets> {
  const bolt = await BoltFile.open(fileOf(file), file.length);
  const buckets = new Map<string, BoltItem[]>();
  for (const name of bolt.buckets()) {
    const items: BoltItem[] = [];
    for await (const { key, value } of bolt.items(name))
      items.push({ key: Buffer.from(key), value: Buffer.from(value) });
    buckets.set(name, items);
  }
  return buckets;
}

const number = (value: number): Buffer => {
  const key = Buffer.alloc(8);
  key.writeUInt32BE(value, 4);
  return key;
};
const items = (count: number, valueBytes: number): BoltItem[] =>
  Array.from({ length: count }, (_, at) => ({ key: number(at), value: Buffer.alloc(valueBytes, at & 0xff) }));

/** For comparing many. */
const text = (all: readonly BoltItem[]): string =>
  all
    .map(({ key, value }) => `${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('hex')}`)
    .join('\n');

describe('a bbolt file', () => {
  it('gives back what was put in, over several levels of branches and pages that overflow', async () => {
    const buckets = new Map([
      ['large', [{ key: number(1), value: Buffer.alloc(300_000, 7) }, ...items(3, 9_000).slice(2)]],
      ['many', items(20_000, 40)],
      ['one', items(1, 0)],
    ]);
    const file = write(buckets, 4096, ['nothing', 'one']);
    const found = await read(file);
    expect([...found.keys()]).toEqual(['large', 'many', 'nothing', 'one']);
    expect(found.get('nothing')).toEqual([]);
    for (const [name, expected] of buckets) expect(text(found.get(name)!)).toBe(text(expected));
  });

  it('gives back anything', async () => {
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: 'max' });
    const bucket = fc
      .uniqueArray(fc.tuple(bytes(40), bytes(3_000)), {
        maxLength: 60,
        selector: ([key]) => Buffer.from(key).toString('hex'),
      })
      .map((pairs) =>
        pairs
          .map(([key, value]) => ({ key: Buffer.from(key), value: Buffer.from(value) }))
          .toSorted((left, right) => Buffer.compare(left.key, right.key)),
      );
    await fc.assert(
      fc.asyncProperty(
        fc.array(bucket, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(512, 1024, 16_384),
        async (contents, pageBytes) => {
          const buckets = new Map(contents.map((each, at) => [`bucket${at}`, each]));
          const found = await read(write(buckets, pageBytes, [...buckets.keys()]));
          expect([...found.keys()]).toEqual([...buckets.keys()]);
          for (const [name, each] of buckets) expect(text(found.get(name)!)).toBe(text(each));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('is read through its second meta page when the first one is broken', async () => {
    const file = write(new Map([['one', items(3, 5)]]));
    file[20] = 99;
    expect((await read(file)).get('one')).toHaveLength(3);
    file[4096 + 20] = 99;
    await expect(read(file)).rejects.toThrow('no valid meta page');
  });
});

describe('a hostile bbolt file', () => {
  const good = write(
    new Map([
      ['a', items(200, 60)],
      ['b', [{ key: number(1), value: Buffer.alloc(9_000) }]],
    ]),
    1024,
  );

  /** Where the first page of a kind begins. */
  function pageOf(flags: number): number {
    for (let at = 2048; at < good.length; at += 1024)
      if (good.readUInt16LE(at + 8) === flags && good.readBigUInt64LE(at) === BigInt(at / 1024)) return at;
    throw new Error(`no page of kind ${flags}`);
  }

  const changed = (change: (file: Buffer) => void): Buffer => {
    const file = Buffer.from(good);
    change(file);
    return file;
  };
  const branch = pageOf(1);
  const leaf = pageOf(2);

  it.each<[string, (file: Buffer) => void, string]>([
    [
      'a branch that is its own child',
      (file) => file.writeBigUInt64LE(BigInt(branch / 1024), branch + 24),
      'more than once',
    ],
    [
      'two branches to one leaf',
      (file) => file.copy(file, branch + 40, branch + 24, branch + 32),
      'more than once',
    ],
    [
      'a child outside of the file',
      (file) => file.writeBigUInt64LE(1n << 60n, branch + 24),
      'outside of the file',
    ],
    ['a child that is a meta page', (file) => file.writeBigUInt64LE(1n, branch + 24), 'outside of the file'],
    [
      'a page that reaches beyond the file',
      (file) => file.writeUInt32LE(0xffff_ffff, leaf + 12),
      'beyond the file',
    ],
    ['more items than room', (file) => file.writeUInt16LE(0xffff, leaf + 10), 'more elements than room'],
    ['an item beyond its page', (file) => file.writeUInt32LE(0xffff_fff0, leaf + 20), 'outside of page'],
    ['a key beyond its page', (file) => file.writeUInt32LE(0x7fff_ffff, leaf + 24), 'outside of page'],
    ['an item within the elements', (file) => file.writeUInt32LE(0, leaf + 20), 'outside of page'],
    ['a page of no kind', (file) => file.writeUInt16LE(0x40, leaf + 8), 'unknown kind'],
    ['a page with another id', (file) => file.writeBigUInt64LE(77n, leaf), 'says that it is page'],
    ['a branch without children', (file) => file.writeUInt16LE(0, branch + 10), 'without children'],
    ['a bucket within a bucket', (file) => file.writeUInt32LE(1, leaf + 16), 'a bucket within bucket'],
    [
      'keys out of order',
      (file) =>
        file.fill(0xff, leaf + file.readUInt32LE(leaf + 20) + 16, leaf + file.readUInt32LE(leaf + 20) + 24),
      'out of order',
    ],
  ])('%s', async (_what, change, message) => {
    await expect(read(changed(change))).rejects.toThrow(message);
  });

  it('that is cut off ends with a line', async () => {
    for (const length of [0, 79, 1024, 2048, good.length - 1])
      await expect(read(good.subarray(0, length))).rejects.toThrow(SnapshotFileError);
  });

  it('whatever is changed in it: it is read or refused, in bounded time', async () => {
    const edit = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 8 }), async (edits) => {
        const file = changed((bytes) => {
          for (const [at, byte] of edits) bytes[at] = byte;
        });
        const outcome = await read(file).catch((error: unknown) => error);
        expect(outcome instanceof SnapshotFileError || outcome instanceof Map).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
