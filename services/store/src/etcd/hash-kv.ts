import { setImmediate } from 'node:timers/promises';
import {
  isTombstone,
  MvccError,
  revision,
  versionsOf,
  type KeyValue,
  type MvccStore,
  type Revision,
} from '@raftsman/mvcc';
import { etcdError } from './errors.js';
import { etcdLimits } from './limits.js';

export interface KvHash {
  readonly hash: number;
  readonly revision: Revision;
  readonly compactRevision: Revision;
}

/**
 * CRC-32 (Castagnoli) over every version up to `at` that a compaction at the store's compactRevision leaves, in key order: equal
 * on members in equal states, wherever their removal of compacted versions stands. Others run in between; a compaction
 * meanwhile starts it anew. Rejects with MvccError or EtcdError.
 */
export async function hashKv(store: () => MvccStore, at: number): Promise<KvHash> {
  for (let attempt = 0; attempt < etcdLimits.hashAttemptsMax; attempt += 1) {
    const hash = await hashOnce(store, at);
    if (hash !== undefined) return hash;
  }
  throw etcdError('compacted');
}

async function hashOnce(store: () => MvccStore, at: number): Promise<KvHash | undefined> {
  const started = store();
  const { compactRevision } = started;
  if (at > started.revision) throw new MvccError('future-revision');
  if (at > 0 && at < compactRevision) throw new MvccError('compacted');
  const upTo = at > 0 ? revision(at) : started.revision;
  let hash = 0xffffffff;
  let next: string | null = '';
  while (next !== null) {
    if (store() !== started || started.compactRevision !== compactRevision) return undefined;
    let keys = 0;
    const from: string = next;
    next = null;
    started.space.index.scan(from, null, (history, key) => {
      if (keys === etcdLimits.hashKeysPerSlice) {
        next = key;
        return false;
      }
      keys += 1;
      for (const kv of kept(versionsOf(history), compactRevision))
        if (kv.modRevision <= upTo) hash = add(hash, kv);
      return true;
    });
    await setImmediate();
  }
  return { hash: (hash ^ 0xffffffff) >>> 0, revision: upTo, compactRevision };
}

/** What a finished compaction leaves of a key. */
function kept(versions: readonly KeyValue[], compactRevision: Revision): readonly KeyValue[] {
  const after = versions.findIndex((kv) => kv.modRevision >= compactRevision);
  const state = versions[(after === -1 ? versions.length : after) - 1];
  const later = after === -1 ? [] : versions.slice(after);
  const superseded = state === undefined || isTombstone(state) || later[0]?.modRevision === compactRevision;
  return superseded ? later : [state, ...later];
}

function add(hash: number, kv: KeyValue): number {
  const text = `${kv.modRevision}.${kv.sub}.${kv.createRevision}.${kv.version}.${kv.lease}.${kv.key.length}.${kv.key}${kv.value}`;
  let sum = hash;
  for (let at = 0; at < text.length; at += 1) sum = table[(sum ^ text.charCodeAt(at)) & 0xff]! ^ (sum >>> 8);
  return sum;
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? 0x82f63b78 ^ (sum >>> 1) : sum >>> 1;
  return sum >>> 0;
});
