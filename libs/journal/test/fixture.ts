import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configurationOf, logIndex, memberId, term, type Entry, type HardState } from '@raftsman/raft';
import { onTestFinished } from 'vitest';
import { defaultSizes, Journal, type JournalSizes, type StateRow, type WriteGroup } from '../src/index.js';

export const identity = { memberId: 11, clusterId: 77, name: 'm1' };
export const configuration = configurationOf([memberId(11), memberId(12), memberId(13)]);

export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'raftsman-journal-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'member');
}

/** Segments of a few entries. */
export const smallSizes: JournalSizes = {
  segmentBytes: 64 * 1024,
  rowsBatchBytes: 16 * 1024,
  lowSpaceBytes: 0,
  rowsFloorBytes: 0,
  reserveBytes: 0,
};

export const open = (
  directory: string,
  who = identity,
  rebuild = false,
  sizes: JournalSizes = defaultSizes,
): Promise<Journal> => Journal.open(directory, who, configuration, rebuild, sizes);

/** What a member that is killed now would find: the files as the kernel has them. */
export async function crashImage(directory: string): Promise<string> {
  const image = await newDirectory();
  await cp(directory, image, { recursive: true, filter: (path) => !path.endsWith('LOCK') });
  return image;
}

export const entry = (index: number, inTerm: number, text = `entry ${index}`): Entry => ({
  index: logIndex(index),
  term: term(inTerm),
  type: 'normal',
  data: Buffer.from(text),
});

export const entries = (from: number, to: number, inTerm: number, text?: string): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, offset) => entry(from + offset, inTerm, text));

export const hardState = (inTerm: number, commit: number, vote = 11): HardState => ({
  term: term(inTerm),
  vote: memberId(vote),
  commit: logIndex(commit),
});

export const group = (change: Partial<WriteGroup>): WriteGroup => ({
  entries: [],
  hardState: null,
  install: null,
  sync: true,
  ...change,
});

export const row = (key: string, value: string | null) => ({
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
});

export const applied = (index: number, inTerm: number, ...rows: ReturnType<typeof row>[]) => ({
  index: logIndex(index),
  term: term(inTerm),
  configuration,
  rows,
});

/** Of rows one by one, or in batches. */
export async function contents(
  rows: AsyncIterable<StateRow | readonly StateRow[]>,
): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for await (const some of rows)
    for (const { key, value } of [some].flat())
      all[Buffer.from(key).toString()] = Buffer.from(value).toString();
  return all;
}

export const texts = (journal: Journal): string[] =>
  journal.recovered.entries.map(
    ({ index, term: inTerm, data }) => `${index}/${inTerm} ${Buffer.from(data).toString()}`,
  );

/** Flips one bit in the middle of the first occurrence of `needle` in the files that end so. */
export async function flipBit(directory: string, ending: string, needle: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.endsWith(ending)) continue;
    const path = join(directory, name);
    const bytes = await readFile(path);
    const at = bytes.indexOf(needle);
    if (at < 0) continue;
    bytes[at + needle.length - 1]! ^= 1;
    await writeFile(path, bytes);
    return;
  }
  throw new Error(`no ${ending} file in ${directory} holds ${needle}`);
}
