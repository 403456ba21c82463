import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { logIndex, term } from '@raftsman/raft';
import fc from 'fast-check';
import { Level } from 'level';
import { describe, expect, test } from 'vitest';
import type { Journal, StateRow } from '../src/index.js';
import { journalLimits } from '../src/limits.js';
import { PackTable } from '../src/rows/pack-table.js';
import {
  applied,
  configuration,
  contents,
  crashImage,
  entries,
  group,
  hardState,
  identity,
  newDirectory,
  open,
  row,
  smallSizes,
} from './fixture.js';

const openSmall = (directory: string): Promise<Journal> => open(directory, identity, false, smallSizes);

const keyOf = (number: number): string => `v${String(number).padStart(8, '0')}`;

/** A dozen of them fill a pack. */
const valueOf = (text: string): string => text.padEnd(journalLimits.packBytesMax / 12, '.');

/** How many records of LevelDB there are in each keyspace. */
async function recordCounts(directory: string): Promise<Record<string, number>> {
  const database = new Level<Uint8Array, Uint8Array>(join(directory, 'rows'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
  });
  const counts: Record<string, number> = {};
  for await (const key of database.keys()) {
    const space = String.fromCharCode(key[0]!);
    counts[space] = (counts[space] ?? 0) + 1;
  }
  await database.close();
  return counts;
}

/** Writes another format into the identity; answers the one there was. */
async function changeFormat(directory: string, format: number): Promise<number> {
  const database = new Level<string, Buffer>(join(directory, 'rows'), { valueEncoding: 'buffer' });
  const record = (await database.get('i'))!;
  const identityRecord = JSON.parse(record.subarray(0, -4).toString()) as { readonly format: number };
  const body = Buffer.from(JSON.stringify({ ...identityRecord, format }));
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(Buffer.concat([Buffer.from('i'), body])));
  await database.put('i', Buffer.concat([body, sum]));
  await database.close();
  return identityRecord.format;
}

/** A member whose log allows it to apply so many entries. */
async function member(directory: string, count: number): Promise<Journal> {
  const journal = await openSmall(directory);
  await journal.write(group({ entries: entries(1, count, 1), hardState: hardState(1, count) }));
  return journal;
}

async function rowsOf(rows: AsyncIterable<readonly StateRow[]>): Promise<readonly (readonly string[])[]> {
  const all: (readonly string[])[] = [];
  for await (const some of rows)
    for (const { key, value } of some) all.push([Buffer.from(key).toString(), Buffer.from(value).toString()]);
  return all;
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.nat(30) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), at: fc.nat(), count: fc.nat(40) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('put' as const), at: fc.nat(), number: fc.nat(400) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const), isRead: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('defragment' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('view' as const), after: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('take over' as const), isSorted: fc.boolean() }) },
);

/** A journal, and a map that holds what it should. */
class Pair {
  readonly model = new Map<string, string>();
  #journal: Journal;
  readonly #directory: string;
  #index = 0;
  #next = 1;

  constructor(directory: string, journal: Journal) {
    this.#directory = directory;
    this.#journal = journal;
  }

  async take(what: typeof step extends fc.Arbitrary<infer Step> ? Step : never): Promise<void> {
    const present = [...this.model.keys()].toSorted();
    switch (what.kind) {
      case 'append': {
        const names = Array.from({ length: what.count }, () => keyOf((this.#next += 2)));
        return this.#record(names.map((name) => row(name, valueOf(`${this.#index} of ${name}`))));
      }
      case 'delete': {
        const from = what.at % (present.length + 1);
        return this.#record(present.slice(from, from + what.count).map((name) => row(name, null)));
      }
      case 'put': {
        const there = present[what.at % (present.length + 1)] ?? keyOf(0);
        return this.#record(
          [there, keyOf(what.number)].map((name) => row(name, `${this.#index} over ${name}`)),
        );
      }
      case 'flush':
        return this.#journal.flush();
      case 'defragment':
        return this.#journal.defragment();
      case 'reopen':
        await this.close();
        this.#journal = await openSmall(this.#directory);
        if (what.isRead) expect(await this.rows()).toEqual(this.expected());
        return;
      case 'view':
        return this.#view(present[what.after % (present.length + 1)] ?? keyOf(what.after % 1_000));
      case 'take over':
        return this.#takeOver(what.isSorted ? present : present.toReversed());
    }
  }

  expected(): readonly (readonly string[])[] {
    return [...this.model].toSorted(([left], [right]) => (left < right ? -1 : 1));
  }

  async rows(): Promise<readonly (readonly string[])[]> {
    await this.#journal.flush();
    return rowsOf(this.#journal.rowBatches());
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  #record(rows: readonly ReturnType<typeof row>[]): void {
    this.#index += 1;
    this.#journal.recordApplied(applied(this.#index, 1, ...rows));
    for (const { key, value } of rows)
      if (value === null) this.model.delete(key.toString());
      else this.model.set(key.toString(), value.toString());
  }

  async #view(after: string): Promise<void> {
    const view = await this.#journal.openView();
    const expected = [...this.model].filter(([key]) => key > after);
    expect(await contents(view.rows(Buffer.from(after)))).toEqual(Object.fromEntries(expected));
    await view.close();
  }

  /** The same rows, as a snapshot of another member. */
  async #takeOver(names: readonly string[]): Promise<void> {
    const staging = await this.#journal.stage();
    for (const name of names)
      await staging.add([{ key: Buffer.from(name), value: Buffer.from(this.model.get(name)!) }]);
    const index = logIndex(this.#index + 1_000);
    const install = await staging.finish({ index, term: term(1), configuration });
    await this.#journal.write(group({ install, hardState: hardState(1, index) }));
    this.#index = index;
    const more = entries(index + 1, index + 100, 1);
    await this.#journal.write(group({ entries: more, hardState: hardState(1, index + 100) }));
  }
}

describe('rows in packs', () => {
  test('hold what single rows would, whatever is changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const directory = await newDirectory();
        const pair = new Pair(directory, await member(directory, 100));
        try {
          for (const what of steps) await pair.take(what);
          expect(await pair.rows()).toEqual(pair.expected());
        } finally {
          await pair.close();
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  test('are few records, and do not outlive their rows', async () => {
    const directory = await newDirectory();
    const journal = await member(directory, 10);
    const names = Array.from({ length: 600 }, (_, number) => keyOf(number));
    journal.recordApplied(applied(1, 1, ...names.map((name) => row(name, valueOf(name)))));
    await journal.flush();
    const packed = await recordCounts(await crashImage(directory));
    expect(packed).toMatchObject({ p: expect.any(Number) });
    expect(packed['p']).toBeLessThanOrEqual(600 / 10);
    expect(packed['r']).toBeUndefined();

    // A third of each: they are marked. Another third: what is left is packed anew.
    const every = (rest: number) =>
      names.filter((_, number) => number % 3 === rest).map((name) => row(name, null));
    journal.recordApplied(applied(2, 1, ...every(0)));
    await journal.flush();
    expect(await recordCounts(await crashImage(directory))).toMatchObject({ p: packed['p'], q: 200 });
    journal.recordApplied(applied(3, 1, ...every(1)));
    await journal.flush();
    await expect
      .poll(async () => (await recordCounts(await crashImage(directory)))['q'] ?? 0, { timeout: 30_000 })
      .toBe(0);
    expect((await recordCounts(await crashImage(directory)))['p']).toBeLessThan(packed['p']! / 2);
    expect(Object.keys(await contents(journal.rowBatches()))).toHaveLength(200);

    journal.recordApplied(applied(4, 1, ...every(2)));
    await journal.flush();
    await journal.defragment();
    await journal.close();
    const nothing = await recordCounts(directory);
    expect([nothing['p'], nothing['q'], nothing['r']]).toEqual([undefined, undefined, undefined]);
  });

  test('a row that is too large for a pack stands by itself', async () => {
    const directory = await newDirectory();
    const journal = await member(directory, 3);
    const large = 'x'.repeat(journalLimits.packBytesMax);
    journal.recordApplied(applied(1, 1, row('a', '1'), row('b', large), row('c', '3')));
    journal.recordApplied(applied(2, 1, row('b', 'small'), row('d', large)));
    await journal.close();
    expect(await recordCounts(directory)).toMatchObject({ p: 2, r: 2 });
    const again = await openSmall(directory);
    expect(await contents(again.rowBatches())).toEqual({ a: '1', b: 'small', c: '3', d: large });
    await again.close();
  });

  test('are written into a directory of single rows, which the version before then refuses', async () => {
    const directory = await newDirectory();
    const journal = await member(directory, 3);
    // Rows of descending keys stand by themselves, as all did before there were packs.
    journal.recordApplied(applied(1, 1, row('c', '1')));
    await journal.flush();
    journal.recordApplied(applied(2, 1, row('c', null), row('b', '1'), row('a', '1')));
    await journal.flush();
    await journal.defragment();
    await journal.close();
    expect(await recordCounts(directory)).toMatchObject({ r: 2 });
    expect(await changeFormat(directory, 2)).toBe(3);
    const again = await openSmall(directory);
    again.recordApplied(applied(3, 1, row('b', null), row('d', '3')));
    await again.close();
    const third = await openSmall(directory);
    expect(await contents(third.rowBatches())).toEqual({ a: '1', d: '3' });
    await third.close();
    expect(await changeFormat(directory, 3)).toBe(3);
  });
});

describe('the table of packs', () => {
  const pack = (first: string, last: string, count: number) => ({ first, last, count });

  test('knows which packs are half worn, and their neighbours that are', () => {
    const table = new PackTable();
    const packs = [pack('a', 'b', 2), pack('d', 'f', 3), pack('g', 'g', 1), pack('x', 'z', 3)];
    for (const each of packs) table.add(each);
    const between = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'x', 'z'];
    expect(between.map((key) => table.wear(key))).toEqual(between.map((key) => key !== 'c' && key !== 'h'));
    expect(table.worn(9).map(({ first }) => first)).toEqual(['a', 'd', 'g', 'x']);
    expect(table.worn(2).map(({ first }) => first)).toEqual(['a', 'd']);
    table.replace(table.worn(2), [pack('b', 'e', 2)]);
    expect(table.worn(9).map(({ first }) => first)).toEqual(['g', 'x']);
    table.replace(table.worn(9), []);
    expect(table.worn(9)).toEqual([]);
    table.add(pack('y', 'z', 9), 1);
    expect(table.worn(9)).toEqual([]);
    expect(table.worn(9, true).map(({ first }) => first)).toEqual(['y']);
  });

  test('takes no pack that begins before the end of another', () => {
    const table = new PackTable();
    table.add(pack('a', 'c', 3));
    expect(() => table.add(pack('c', 'd', 2))).toThrow(/key order/);
  });
});
