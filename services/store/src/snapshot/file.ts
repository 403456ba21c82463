import { createHash } from 'node:crypto';
import { strict as assert } from 'node:assert';
import type { StateView } from '../contract.js';
import { BoltBuilder } from './bolt/builder.js';
import { encodeMetaPage } from './bolt/format.js';
import { backendBuckets, fillBackend, type BackendMarks } from './contents.js';
import { snapshotLimits } from './limits.js';

export interface SnapshotBlob {
  readonly bytes: Buffer;
  /** Of the database that are still to come after this; the checksum does not count. */
  readonly remainingBytes: number;
}

/**
 * A state as the file that etcd's Snapshot answers: a bbolt database, then its SHA-256. The rows are read twice, first to learn where each page
 * will be: the pages that say so stand at the front, and neither memory nor disk has to hold the file.
 */
export async function* snapshotFile(
  view: Pick<StateView, 'rows'>,
  marks: BackendMarks,
): AsyncGenerator<SnapshotBlob> {
  const { pageBytes } = snapshotLimits;
  const counter = new BoltBuilder(pageBytes, false);
  for await (const _page of fillBackend(view, marks, counter)) assert(false, 'counting holds no pages');
  const layout = counter.finish(backendBuckets);
  const hash = createHash('sha256');
  let remainingBytes = layout.pageCount * pageBytes;
  const blob = (bytes: Buffer): SnapshotBlob => {
    hash.update(bytes);
    remainingBytes -= bytes.length;
    return { bytes, remainingBytes };
  };
  const meta = { pageBytes, ...layout };
  yield blob(
    Buffer.concat([
      encodeMetaPage(0, { ...meta, transaction: 1n }),
      encodeMetaPage(1, { ...meta, transaction: 0n }),
    ]),
  );
  const builder = new BoltBuilder(pageBytes, true);
  for await (const _page of fillBackend(view, marks, builder)) yield blob(builder.take());
  assert.deepEqual(builder.finish(backendBuckets), layout, 'both readings saw the same rows');
  yield blob(builder.take());
  assert(remainingBytes === 0, 'the file is as long as it was said to be');
  yield { bytes: hash.digest(), remainingBytes: 0 };
}
