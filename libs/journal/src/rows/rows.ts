import {
  readAll,
  type Database,
  type DatabaseRecord,
  type DatabaseSnapshot,
  type KeyRange,
} from './database.js';
import { fullKey, generationStart, nameOf, ownKey, type RowSpace } from './keys.js';
import { decodePack, type Pack } from './packs.js';
import { decodeGone, decodeRow } from './sealed.js';

/** A row of the state machine, as it is on disk. */
export interface StateRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The rows of one generation, now or at a snapshot. */
export interface RowSource {
  readonly database: Database;
  readonly generation: number;
  readonly snapshot?: DatabaseSnapshot;
}

export interface ReadOptions {
  /** Only the rows above it, which need not be there. */
  readonly after?: Uint8Array | null;
  /** Told of each pack, and how many rows of it are worn. */
  readonly onPack?: (pack: Pack, worn: number) => void;
}

/** The rows of one generation in key order, verified. Rejects with JournalError `corrupt`. */
export async function* readRows(
  source: RowSource,
  after: Uint8Array | null = null,
): AsyncGenerator<StateRow> {
  for await (const rows of readRowBatches(source, { after })) yield* rows;
}

/** As `readRows`, many at a time: an asynchronous step for each would cost more than the row. */
export async function* readRowBatches(
  source: RowSource,
  { after = null, onPack }: ReadOptions = {},
): AsyncGenerator<readonly StateRow[]> {
  const from = after === null ? null : await firstOfPackAt(source, after);
  const packs = readAll(source.database, rangeOf(source, 'pack', from === null ? {} : { gte: from }));
  const gone = new Cursor(source, 'gone', from === null ? {} : { gte: from });
  const single = new Cursor(source, 'row', after === null ? {} : { gt: after });
  try {
    for await (const chunk of packs)
      for (const [key, record] of chunk) {
        const packed = decodePack(key, record);
        const [first, last] = [packed[0]!.key, packed.at(-1)!.key];
        for (let some; (some = await single.takeBelow(first)).length > 0;) yield some.map(decode);
        const [over, without] = [await single.takeUpTo(last), await gone.takeUpTo(last)];
        onPack?.(packOf(packed), over.length + without.length);
        const goneKeys = without.map(([full, mark]) => decodeGone(full, mark));
        const rows = merged(packed, over.map(decode), goneKeys);
        yield after === null ? rows : rows.filter((row) => Buffer.compare(row.key, after) > 0);
      }
    for (let some; (some = await single.takeBelow(null)).length > 0;) yield some.map(decode);
  } finally {
    await Promise.all([gone.close(), single.close()]);
  }
}

const decode = ([key, record]: DatabaseRecord): StateRow => ({
  key: ownKey(key),
  value: decodeRow(key, record),
});

function packOf(rows: readonly StateRow[]): Pack {
  return { first: nameOf(rows[0]!.key), last: nameOf(rows.at(-1)!.key), count: rows.length };
}

/** A row by itself stands for one of its key in a pack. */
function merged(
  packed: readonly StateRow[],
  over: readonly StateRow[],
  without: readonly Uint8Array[],
): readonly StateRow[] {
  if (over.length === 0 && without.length === 0) return packed;
  const dropped = new Set([...over.map(({ key }) => key), ...without].map(nameOf));
  const kept = packed.filter(({ key }) => !dropped.has(nameOf(key)));
  return [...kept, ...over].toSorted((left, right) => Buffer.compare(left.key, right.key));
}

type Bounds = { readonly gt?: Uint8Array; readonly gte?: Uint8Array };

function rangeOf({ generation, snapshot }: RowSource, space: RowSpace, { gt, gte }: Bounds): KeyRange {
  const from =
    gt === undefined
      ? { gte: gte === undefined ? generationStart(space, generation) : fullKey(space, generation, gte) }
      : { gt: fullKey(space, generation, gt) };
  const range = { ...from, lt: generationStart(space, generation + 1) };
  return snapshot === undefined ? range : { ...range, snapshot };
}

/** Where the pack begins that spans the key; null: none does that begins at or below it. */
async function firstOfPackAt(source: RowSource, key: Uint8Array): Promise<Uint8Array | null> {
  const range = {
    ...rangeOf(source, 'pack', {}),
    lt: undefined,
    lte: fullKey('pack', source.generation, key),
  };
  for await (const full of source.database.keys({ ...range, reverse: true, limit: 1 })) return ownKey(full);
  return null;
}

/** Of the last row of a generation; empty: there is none. Rejects with JournalError `corrupt`. */
export async function lastKeyOf(source: RowSource): Promise<Uint8Array> {
  const lastOf = async (space: RowSpace): Promise<DatabaseRecord | undefined> => {
    const range = { ...rangeOf(source, space, {}), reverse: true, limit: 1 };
    for await (const record of source.database.iterator(range)) return record;
    return undefined;
  };
  const [pack, row] = [await lastOf('pack'), await lastOf('row')];
  const packed = pack === undefined ? new Uint8Array() : decodePack(...pack).at(-1)!.key;
  const single = row === undefined ? new Uint8Array() : ownKey(row[0]);
  return Uint8Array.from(Buffer.compare(packed, single) > 0 ? packed : single);
}

/** The records of a space in key order, taken as far as is asked for. */
class Cursor {
  readonly #chunks: AsyncGenerator<readonly DatabaseRecord[]>;
  #chunk: readonly DatabaseRecord[] = [];
  #at = 0;

  constructor(source: RowSource, space: RowSpace, bounds: Bounds) {
    this.#chunks = readAll(source.database, rangeOf(source, space, bounds));
  }

  /** Some of those whose key is below; null: of any. Empty: there are no more. */
  async takeBelow(bound: Uint8Array | null): Promise<readonly DatabaseRecord[]> {
    return this.#take((key) => bound === null || Buffer.compare(key, bound) < 0);
  }

  /** All of those whose key is not above. */
  async takeUpTo(bound: Uint8Array): Promise<readonly DatabaseRecord[]> {
    const all: DatabaseRecord[] = [];
    for (;;) {
      const some = await this.#take((key) => Buffer.compare(key, bound) <= 0);
      if (some.length === 0) return all;
      all.push(...some);
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined);
  }

  async #take(wanted: (key: Uint8Array) => boolean): Promise<readonly DatabaseRecord[]> {
    if (this.#at === this.#chunk.length) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return [];
      [this.#chunk, this.#at] = [value, 0];
    }
    const from = this.#at;
    while (this.#at < this.#chunk.length && wanted(ownKey(this.#chunk[this.#at]![0]))) this.#at += 1;
    return this.#chunk.slice(from, this.#at);
  }
}
