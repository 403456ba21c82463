import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { logIndex, term, type Entry } from '@raftsman/raft';
import { describe, expect, test } from 'vitest';
import type { LogGroup } from '../src/log/records.js';
import { WriteAheadLog, type LogOptions } from '../src/log/write-ahead-log.js';
import { entries, entry, hardState, newDirectory } from './fixture.js';

/** Disks write sectors whole or not at all; several of them in any order until they are synced. */
const sectorBytes = 512;
const segmentBytes = 16 * 1024;

const optionsOf = (directory: string): LogOptions => ({
  directory: join(directory, 'wal'),
  dataId: 7,
  segmentBytes,
  makeRoom: () => Promise.resolve(),
});

const groupOf = (change: Partial<LogGroup>): LogGroup => ({
  install: null,
  compacted: null,
  hardState: hardState(1, 0),
  entries: [],
  known: null,
  ...change,
});

async function newLog(): Promise<{ readonly directory: string; readonly log: WriteAheadLog }> {
  const directory = await newDirectory();
  return { directory, log: await WriteAheadLog.create(optionsOf(directory), { peers: [], rebuild: null }) };
}

type Image = ReadonlyMap<string, Buffer>;

/** The files as the kernel has them. */
async function imageOf(directory: string): Promise<Image> {
  const wal = join(directory, 'wal');
  const files = new Map<string, Buffer>();
  for (const name of await readdir(wal)) files.set(name, await readFile(join(wal, name)));
  return files;
}

async function restore(directory: string, image: Image): Promise<void> {
  for (const [name, bytes] of image) await writeFile(join(directory, 'wal', name), bytes);
}

interface Reopened {
  readonly texts: readonly string[];
  readonly compacted: number;
  readonly cut: string | null;
}

/** What a process that starts on these files finds; then it goes on writing, and a later one finds that too. */
async function reopen(directory: string): Promise<Reopened> {
  const found = await read(directory);
  const { log, state } = (await WriteAheadLog.open(optionsOf(directory)))!;
  const next = (state.entries.at(-1)?.index ?? state.compacted.index) + 1;
  await log.append(groupOf({ entries: [entry(next, 9, 'after')], hardState: hardState(9, 0) }));
  await log.abandon();
  const later = await read(directory);
  expect(later).toEqual({ ...found, texts: [...found.texts, `${next}/9 after`], cut: null });
  return found;
}

async function read(directory: string): Promise<Reopened> {
  const opened = await WriteAheadLog.open(optionsOf(directory));
  const { log, state, cut } = opened!;
  await log.abandon();
  return { texts: textsOf(state.entries), compacted: state.compacted.index, cut };
}

const textsOf = (list: readonly Entry[]): string[] =>
  list.map((one) => `${one.index}/${one.term} ${Buffer.from(one.data).toString()}`);

/** Where two images of a file differ. */
function difference(before: Image, after: Image): { name: string; from: number; to: number } {
  for (const [name, bytes] of after) {
    const old = before.get(name)!;
    if (old.equals(bytes)) continue;
    let from = 0;
    while (old[from] === bytes[from]) from++;
    let to = bytes.length;
    while (old[to - 1] === bytes[to - 1]) to--;
    return { name, from, to };
  }
  throw new Error('the images are the same');
}

/** Two groups that were acknowledged, and one that was being written. */
async function threeGroups() {
  const { directory, log } = await newLog();
  await log.append(groupOf({ entries: entries(1, 3, 1) }));
  const first = await imageOf(directory);
  await log.append(groupOf({ entries: entries(4, 5, 1), hardState: hardState(1, 3) }));
  const before = await imageOf(directory);
  await log.append(groupOf({ entries: entries(6, 7, 1), hardState: hardState(1, 5) }));
  const after = await imageOf(directory);
  await log.abandon();
  const acknowledged = textsOf(entries(1, 5, 1));
  return { directory, first, before, after, acknowledged };
}

describe('a group that was being written', () => {
  test('and broke off at any byte is cut', async () => {
    const { directory, before, after, acknowledged } = await threeGroups();
    const { name, from, to } = difference(before, after);
    for (let at = from; at < to; at++) {
      const torn = Buffer.concat([after.get(name)!.subarray(0, at), before.get(name)!.subarray(at)]);
      await restore(directory, new Map([...after, [name, torn]]));
      expect((await read(directory)).texts, `cut at ${at - from}`).toEqual(acknowledged);
    }
  });

  test('and is wrong at any byte is cut, and said', async () => {
    const { directory, before, after, acknowledged } = await threeGroups();
    const { name, from, to } = difference(before, after);
    for (let at = from; at < to; at++) {
      const wrong = Buffer.from(after.get(name)!);
      wrong[at]! ^= 0x10;
      await restore(directory, new Map([...after, [name, wrong]]));
      const { texts, cut } = await read(directory);
      expect(texts, `flipped at ${at - from}`).toEqual(acknowledged);
      // Without its first bytes, or under an older number, it is not seen to be the beginning of one.
      const isSeen = (at >= from + 4 && at < from + 16) || at >= from + 24;
      expect(cut ?? '', `flipped at ${at - from}`).toContain(
        isSeen ? `000000000001.wal after byte ${from}` : '',
      );
    }
  });
});

test('a group that was acknowledged and is wrong at any byte is corruption once another was written', async () => {
  const { directory, first, before, after } = await threeGroups();
  const { name, from, to } = difference(first, before);
  for (let at = from; at < to; at++) {
    const wrong = Buffer.from(after.get(name)!);
    wrong[at]! ^= 0x10;
    await restore(directory, new Map([...after, [name, wrong]]));
    await expect(read(directory), `flipped at ${at - from}`).rejects.toMatchObject({ code: 'corrupt' });
  }
});

/** What a member may ask of its log, with small numbers. */
type Step =
  | { readonly kind: 'append'; readonly sizes: readonly number[] }
  | { readonly kind: 'overwrite'; readonly back: number; readonly sizes: readonly number[] }
  | { readonly kind: 'compact'; readonly keep: number }
  | { readonly kind: 'restart' };

const sizes = fc.array(fc.integer({ min: 0, max: 2_500 }), { minLength: 1, maxLength: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), sizes }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('overwrite' as const),
      back: fc.integer({ min: 1, max: 4 }),
      sizes,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('compact' as const), keep: fc.integer({ min: 0, max: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

/** A list of entries: what the log should be. */
class Model {
  list: Entry[] = [];
  compacted = 0;
  lastTerm = 1;
  #texts = 0;

  groupFor(next: Exclude<Step, { kind: 'restart' }>): LogGroup {
    const last = this.list.at(-1)?.index ?? this.compacted;
    if (next.kind === 'compact') {
      const to = Math.max(this.compacted, last - next.keep);
      const mark = this.list.find(({ index }) => index === to);
      this.compacted = to;
      this.list = this.list.filter(({ index }) => index > to);
      const compacted = mark === undefined ? null : { index: logIndex(to), term: mark.term };
      return groupOf({ compacted, hardState: hardState(this.lastTerm, 0) });
    }
    const from = next.kind === 'append' ? last + 1 : Math.max(this.compacted + 1, last + 1 - next.back);
    if (next.kind === 'overwrite') this.lastTerm += 1;
    const added = next.sizes.map((size, offset) =>
      entry(from + offset, this.lastTerm, `${this.#texts++} `.padEnd(size, 'x')),
    );
    this.list = [...this.list.filter(({ index }) => index < from), ...added];
    return groupOf({ entries: added, hardState: hardState(this.lastTerm, 0) });
  }

  get state() {
    return { texts: textsOf(this.list), compacted: this.compacted };
  }
}

describe('whatever was written', () => {
  test('a power failure takes any sectors of the last group, and never anything that was acknowledged', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 15 }),
        fc.array(fc.boolean(), { minLength: 64, maxLength: 64 }),
        async (steps, survives) => {
          const { directory, log: first } = await newLog();
          let log = first;
          const model = new Model();
          for (const next of steps) {
            if (next.kind === 'restart') {
              await log.abandon();
              log = (await WriteAheadLog.open(optionsOf(directory)))!.log;
              continue;
            }
            await log.settled();
            const before = { image: await imageOf(directory), state: model.state };
            const group = model.groupFor(next);
            await log.append(group);
            await log.settled();
            const after = await imageOf(directory);
            await checkCrash(mix(before.image, after, survives), [before.state, model.state]);
            if (group.compacted !== null) log.release();
          }
          await log.abandon();
          expect(await read(directory)).toMatchObject(model.state);
          expect((await readdir(join(directory, 'wal'))).length).toBeLessThan(4 + steps.length);
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);
});

async function checkCrash(
  image: Image,
  allowed: readonly { readonly texts: readonly string[]; readonly compacted: number }[],
): Promise<void> {
  const directory = await newDirectory();
  await mkdir(join(directory, 'wal'), { recursive: true });
  await restore(directory, image);
  const { texts, compacted } = await reopen(directory);
  expect(allowed).toContainEqual({ texts, compacted });
}

/** Of the sectors that differ, those that `survives` says are new. Files are made ready and given free only after a group was synced. */
function mix(before: Image, after: Image, survives: readonly boolean[]): Image {
  let changed = 0;
  const mixed = new Map<string, Buffer>();
  for (const [name, old] of before) {
    const bytes = after.get(name) ?? old;
    const result = Buffer.from(bytes);
    for (let at = 0; at < Math.min(old.length, bytes.length); at += sectorBytes) {
      const sector = old.subarray(at, at + sectorBytes);
      if (sector.equals(bytes.subarray(at, at + sectorBytes))) continue;
      if (!survives[changed++ % survives.length]!) result.set(sector, at);
    }
    mixed.set(name, result);
  }
  return mixed;
}

test('a group of several frames may survive up to any of them', async () => {
  const { directory, log } = await newLog();
  await log.append(groupOf({ entries: [entry(1, 1)] }));
  await log.append(groupOf({ entries: [1, 2, 3].map((n) => entry(1 + n, 1, String(n).repeat(700_000))) }));
  const whole = await imageOf(directory);
  await log.abandon();
  const { texts } = await read(directory);
  expect(texts).toHaveLength(4);
  expect(whole.size).toBeGreaterThan(3);
  const again = (await WriteAheadLog.open(optionsOf(directory)))!;
  expect(again.state.hardState).toEqual({ term: term(1), vote: 11, commit: 0 });
  await again.log.append(groupOf({ compacted: { index: logIndex(4), term: term(1) } }));
  again.log.release();
  await again.log.append(groupOf({ entries: [entry(5, 1)] }));
  await again.log.close(hardState(1, 0));
  // What was larger than a segment is not kept.
  for (const bytes of (await imageOf(directory)).values()) expect(bytes.length).toBeLessThanOrEqual(800_000);
});
