import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { contents, identity, newDirectory, open, smallSizes, texts } from './fixture.js';

const writer = fileURLToPath(new URL('./kill-writer.mjs', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));

const textOf = (index: number): string => `${index} `.padEnd(20 + ((index * 7919) % 900), 'x');

/** Lets a process write until it has said that so many indexes are on the disk, and kills it in the middle of the next write. */
async function writeAndKill(directory: string, acknowledgements: number): Promise<number> {
  const child = spawn(process.execPath, [writer, directory, JSON.stringify(smallSizes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  let last = 0;
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    if (++count === acknowledgements) child.kill('SIGKILL');
  }
  const [, signal] = (await exit) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  return last;
}

test('a process that is killed again and again loses nothing that it said was on the disk', async () => {
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-b', 'libs/journal'], { cwd: root });
  const directory = await newDirectory();
  for (const acknowledgements of [1, 3, 40, 120, 7, 200, 2, 90]) {
    const acknowledged = await writeAndKill(directory, acknowledgements);
    const journal = await open(directory, identity, false, smallSizes);
    const { entries, compacted, state } = journal.recovered;
    const lastIndex = entries.at(-1)?.index ?? compacted.index;
    expect(lastIndex).toBeGreaterThanOrEqual(acknowledged);
    expect(texts(journal)).toEqual(entries.map(({ index }) => `${index}/1 ${textOf(index)}`));
    const rows = await contents(journal.rowBatches());
    for (let index = Math.max(1, state.index - 49); index <= state.index; index++)
      expect(rows[`k${index % 50}`]).toBe(textOf(index));
    await journal.close();
    expect((await readdir(join(directory, 'wal'))).length).toBeLessThan(12);
  }
}, 120_000);
