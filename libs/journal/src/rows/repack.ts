import { strict as assert } from 'node:assert';
import { newBatch, readAll, type Batch } from './database.js';
import { bytesOf, fullKey, nameOf, ownKey, type RowSpace } from './keys.js';
import { decodePack, PackBuilder, type Pack } from './packs.js';
import type { RowSource, StateRow } from './rows.js';
import { decodeGone } from './sealed.js';

/** What takes the place of neighbouring packs: those of their rows that are there and do not stand by themselves. Rejects with JournalError. */
export async function repack(
  source: RowSource,
  packs: readonly Pack[],
): Promise<{ readonly batch: Batch; readonly by: readonly Pack[] }> {
  const { database, generation } = source;
  const batch = newBatch(database);
  const rows: StateRow[] = [];
  // What goes comes first: a new pack may begin where an old one did.
  for (const { first, last } of packs) {
    const key = fullKey('pack', generation, bytesOf(first));
    const record = await database.get(key);
    assert(record !== undefined, 'a pack that is known is there');
    const gone = await namesIn(source, 'gone', first, last);
    const single = await namesIn(source, 'row', first, last);
    batch.del(key);
    for (const name of gone) batch.del(fullKey('gone', generation, bytesOf(name)));
    for (const row of decodePack(key, record))
      if (!gone.has(nameOf(row.key)) && !single.has(nameOf(row.key))) rows.push(row);
  }
  return { batch, by: putPacks(batch, generation, rows) };
}

function putPacks(batch: Batch, generation: number, rows: readonly StateRow[]): readonly Pack[] {
  const builder = new PackBuilder();
  const packs: (Pack | null)[] = [];
  for (const { key, value } of rows) {
    if (builder.add(generation, key, value) > 0) continue;
    packs.push(builder.put(batch));
    builder.add(generation, key, value);
  }
  packs.push(builder.put(batch));
  return packs.filter((pack) => pack !== null);
}

async function namesIn(
  { database, generation }: RowSource,
  space: RowSpace,
  first: string,
  last: string,
): Promise<ReadonlySet<string>> {
  const range = {
    gte: fullKey(space, generation, bytesOf(first)),
    lte: fullKey(space, generation, bytesOf(last)),
  };
  const names = new Set<string>();
  for await (const chunk of readAll(database, range))
    for (const [key, record] of chunk) {
      if (space === 'gone') decodeGone(key, record);
      names.add(nameOf(ownKey(key)));
    }
  return names;
}
