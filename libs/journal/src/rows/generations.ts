import type { Database } from './database.js';
import { generationOf, generationStart, rowSpaces, spaceEnd, spaceStart } from './keys.js';

/*
 * Only what the state mark disowned is deleted here: that needs no sync.
 */

export async function clearGeneration(database: Database, generation: number): Promise<void> {
  for (const space of rowSpaces)
    await database.clear({
      gte: generationStart(space, generation),
      lt: generationStart(space, generation + 1),
    });
}

export async function clearBefore(database: Database, generation: number): Promise<void> {
  for (const space of rowSpaces)
    await database.clear({ gte: spaceStart(space), lt: generationStart(space, generation) });
}

export async function clearAfter(database: Database, generation: number): Promise<void> {
  for (const space of rowSpaces)
    await database.clear({ gte: generationStart(space, generation + 1), lt: spaceEnd(space) });
}

/** 0: there are no rows. */
export async function lastGeneration(database: Database): Promise<number> {
  let last = 0;
  for (const space of rowSpaces) {
    const range = { gte: spaceStart(space), lt: spaceEnd(space), reverse: true, limit: 1 };
    for await (const key of database.keys(range)) last = Math.max(last, generationOf(key));
  }
  return last;
}
