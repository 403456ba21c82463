import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { logIndex, term } from '@raftsman/raft';
import { fill, isRoot, othersFile, smallDisk } from '../../../test/support/small-disk.js';
import type { Journal, JournalSizes } from '../src/index.js';
import { applied, contents, entries, group, hardState, identity, open, row } from './fixture.js';

if (!isRoot) console.warn('SKIPPED libs/journal/test/disk-full.test.ts: only root can mount a small disk');

const kibibyte = 1024;
const sizes: JournalSizes = {
  segmentBytes: 64 * kibibyte,
  rowsBatchBytes: 16 * kibibyte,
  lowSpaceBytes: 4_096 * kibibyte,
  rowsFloorBytes: 1_024 * kibibyte,
  reserveBytes: 2_048 * kibibyte,
};

/** A member whose entries are small changes; cuts its log as a replica does. */
class Changer {
  readonly journal: Journal;
  #last: number;
  #compacted: number;

  constructor(journal: Journal) {
    this.journal = journal;
    const { entries: list, compacted } = journal.recovered;
    this.#compacted = compacted.index;
    this.#last = list.at(-1)?.index ?? compacted.index;
    this.#apply(journal.durableState.index, row('restarted', 'yes'));
  }

  async change(key: string, value: string | null): Promise<void> {
    const { journal } = this;
    const index = this.#last + 1;
    await journal.write(
      group({ entries: entries(index, index, 1, 'd'.repeat(200)), hardState: hardState(1, 0) }),
    );
    this.#last = index;
    this.#apply(index - 1, row(key, value));
    if (index - this.#compacted > 500 || journal.isShortOfLog) this.#compact();
  }

  async delete(count: number): Promise<void> {
    for (let done = 0; done < count; done++) await this.change(`key ${done % 100}`, null);
  }

  #apply(before: number, changed: ReturnType<typeof row>): void {
    if (this.#last === before) return;
    const commit = hardState(1, this.#last);
    void this.journal.write(group({ hardState: commit, sync: false }));
    this.journal.recordApplied(applied(this.#last, 1, changed));
  }

  #compact(): void {
    this.journal.flushSoon();
    const target = Math.min(this.#last, this.journal.durableState.index);
    if (target <= this.#compacted) return;
    this.#compacted = target;
    this.journal.compact({ index: logIndex(target), term: term(1) });
  }
}

const openHere = (mount: string): Promise<Journal> => open(join(mount, 'member'), identity, false, sizes);

/** Deletes until the room on the disk was looked at again. */
async function untilLowIs(low: boolean, member: Changer): Promise<void> {
  const looked = async (): Promise<boolean> => {
    await member.delete(1);
    return member.journal.space().low;
  };
  await expect.poll(looked, { timeout: 20_000 }).toBe(low);
}

describe.skipIf(!isRoot)('a disk that others fill', () => {
  test('is said to be low; deletions go on in what was laid by; after room was made all is as before', async () => {
    const mount = await smallDisk(16);
    const journal = await openHere(mount);
    const member = new Changer(journal);
    await member.change('kept', 'value');
    expect(journal.space()).toMatchObject({ low: false });
    await fill(mount, 3_000 * kibibyte);
    await untilLowIs(true, member);

    await fill(mount, 0);
    await member.delete(3_000);
    const staging = await journal.stage();
    const more = [{ key: Buffer.from('k'), value: Buffer.alloc(1_200_000) }];
    await expect(staging.add(more).then(() => staging.add(more))).rejects.toMatchObject({ code: 'full' });
    await staging.abort();

    await rm(othersFile(mount));
    await untilLowIs(false, member);
    await member.delete(2_000);
    await journal.close();
    const again = await openHere(mount);
    expect(await contents(again.rowBatches())).toEqual({ kept: 'value' });
    await again.close();
  }, 120_000);

  test('when all that was laid by is used up, writes wait for room and lose nothing', async () => {
    const mount = await smallDisk(16);
    const journal = await openHere(mount);
    const member = new Changer(journal);
    await fill(mount, 0);
    let isDone = false;
    const deleting = (async () => {
      while (!isDone) await member.change(`key ${Math.random()}`, 'x'.repeat(500));
    })();
    await expect.poll(() => journal.isWaitingForRoom, { timeout: 20_000 }).toBe(true);
    expect(journal.space().low).toBe(true);
    await contents(journal.rowBatches());
    await rm(othersFile(mount));
    isDone = true;
    await deleting;
    await member.change('last', 'one');
    await member.change('after', 'it');
    await journal.close();
    const again = await openHere(mount);
    expect((await contents(again.rowBatches()))['last']).toBe('one');
    await again.close();
  }, 120_000);

  test('does not keep a member from starting again', async () => {
    const mount = await smallDisk(16);
    const first = new Changer(await openHere(mount));
    await first.change('kept', 'value');
    await first.delete(1_000);
    await fill(mount, 0);
    await first.delete(500);
    // As kill -9 leaves it: nothing of what waits is written any more.
    const image = join(mount, 'image');
    await rm(othersFile(mount));
    await cp(join(mount, 'member'), image, {
      recursive: true,
      filter: (path) => !path.endsWith('LOCK') && !path.endsWith('reserve'),
    });
    await fill(mount, 2_048 * kibibyte);
    await writeFile(join(image, 'reserve'), Buffer.alloc(2_048 * kibibyte - 64 * kibibyte));
    const again = await open(image, identity, false, sizes);
    expect(again.space().low).toBe(true);
    const member = new Changer(again);
    await member.delete(100);
    expect(await contents(again.rowBatches())).toMatchObject({ kept: 'value' });
    await again.close();
    await first.journal.close();
  }, 120_000);
});
