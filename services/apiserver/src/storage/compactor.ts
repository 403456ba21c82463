import type { Logger } from '@raftsman/telemetry';
import { limits } from '../limits.js';
import { compact, range } from './etcd-calls.js';
import type { EtcdClient } from './etcd-client.js';
import { guardedWrite } from './guarded-txn.js';
import { StorageError } from './storage-error.js';

/** As kube-apiserver's: whoever moves this key forward is the one that compacts this time. */
const compactKey = 'compact_rev_key';

/**
 * Drops etcd's history older than one interval. Every apiserver tries; the key's version decides who does it. An idle
 * cluster writes nothing: without new revisions there is nothing to drop.
 */
export function startCompactor(client: EtcdClient, logger: Logger, signal: AbortSignal): void {
  let seen: CompactState | null = null;
  const timer = setInterval(() => {
    compactOnce(client, seen).then(
      (state) => {
        seen = state;
      },
      (error: unknown) => {
        if (!signal.aborted) logger.warn({ err: error }, 'compaction failed; it is tried again');
      },
    );
  }, limits.compactionMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

export interface CompactState {
  /** The store's newest revision at the last look. */
  readonly revision: number;
  /** The compaction key's mod revision at the last look. */
  readonly keyRevision: number;
}

/** One look; compacts to the revision of the last look if no other apiserver did so since. Exported for tests. */
export async function compactOnce(client: EtcdClient, seen: CompactState | null): Promise<CompactState> {
  const answer = await range(client, { key: Buffer.from(compactKey) });
  const revision = Number(answer.header!.revision);
  const keyRevision = Number(answer.kvs[0]?.modRevision ?? 0);
  if (seen === null || seen.keyRevision !== keyRevision || seen.revision === revision) {
    return { revision, keyRevision };
  }
  const won = await guardedWrite(client, {
    key: compactKey,
    modRevision: keyRevision,
    value: Buffer.from(String(seen.revision)),
  });
  if (won.kind !== 'written') return { revision, keyRevision: 0 };
  try {
    await compact(client, { revision: seen.revision });
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'compacted')) throw error; // somebody went further
  }
  return { revision: won.revision, keyRevision: won.revision };
}
