import { mkdir, writeFile } from 'node:fs/promises';
import { logIndex, memberId, term, type Entry } from '@raftsman/raft';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mutated } from '../../../test/support/mutated.js';
import { JournalError } from '../src/index.js';
import { journalLimits } from '../src/limits.js';
import { frameHeaderBytes, sealFrame, segmentSeed } from '../src/log/frame.js';
import { readLog } from '../src/log/read-log.js';
import { bodyBytes, encodeBody, encodeKnown, type LogFrame } from '../src/log/records.js';
import { SegmentFiles } from '../src/log/segment-files.js';
import { entry, newDirectory } from './fixture.js';

const dataId = 4711;
const framesPerSegment = 4;

/** Segments as the writer leaves them: a head, a frame for each entry, each synced before the next, and zeros to the end. */
function segments(count: number): readonly Buffer[] {
  let [number, previous, index] = [1, 0, 0];
  return Array.from({ length: count }, (_segment, at) => {
    const sequence = at + 1;
    const frames: Buffer[] = [];
    const add = (frame: LogFrame): void => {
      const bytes = Buffer.alloc(frameHeaderBytes + bodyBytes(frame));
      encodeBody(bytes.subarray(frameHeaderBytes), frame);
      previous = sealFrame(bytes, segmentSeed(dataId, sequence), { number, syncedBelow: number, previous });
      number += 1;
      frames.push(bytes);
    };
    const blank = (entries: readonly Entry[]): LogFrame => ({
      head: null,
      install: null,
      compacted: null,
      known: null,
      hardState: { term: term(1), vote: memberId(11), commit: logIndex(index) },
      entries,
      closed: false,
    });
    const compacted = { index: logIndex(0), term: term(0) };
    const known = encodeKnown({ peers: [], rebuild: null });
    add({ ...blank([]), head: { dataId, sequence, format: journalLimits.format }, compacted, known });
    for (let frame = 0; frame < framesPerSegment; frame += 1) add(blank([entry((index += 1), 1)]));
    return Buffer.concat([...frames, Buffer.alloc(200)]);
  });
}

test('a log that was tampered with is refused, or holds nothing but what was written, from its beginning', async () => {
  const whole = segments(3);
  const directory = await newDirectory();
  await mkdir(directory, { recursive: true });
  const files = new SegmentFiles(directory, 64 * 1024);
  const write = (contents: readonly Buffer[]): Promise<unknown> =>
    Promise.all(contents.map((bytes, at) => writeFile(files.pathOf(at + 1), bytes)));
  const texts = (entries: readonly Entry[]): readonly string[] =>
    entries.map(({ index, data }) => `${index} ${Buffer.from(data).toString()}`);
  await write(whole);
  const written = texts((await readLog(files, dataId))!.state.entries);
  expect(written).toHaveLength(3 * framesPerSegment);
  let refused = 0;
  const damage = fc
    .nat(whole.length - 1)
    .chain((at) => mutated(fc.constant(whole[at]!)).map((bytes) => ({ at, bytes })));
  await fc.assert(
    fc.asyncProperty(damage, async ({ at, bytes }) => {
      await write(whole.map((each, segment) => (segment === at ? bytes : each)));
      const read = await readLog(files, dataId).catch((error: unknown) => {
        if (!(error instanceof JournalError)) throw error;
        refused += 1;
        return null;
      });
      const found = texts(read?.state.entries ?? []);
      expect(found).toEqual(written.slice(0, found.length));
      // All of a segment was synced before the next one began: of those before the last, nothing may be missing.
      const least = read === null ? 0 : (at === whole.length - 1 ? at : whole.length) * framesPerSegment;
      expect(found.length).toBeGreaterThanOrEqual(least);
    }),
    { numRuns: 400 },
  );
  expect(refused).toBeGreaterThan(50);
});
