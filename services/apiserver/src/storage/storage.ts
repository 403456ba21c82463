import type { KubeObject } from '@raftsman/api';
import type { KeyValue__Output } from '@raftsman/proto/gen/mvccpb/KeyValue.js';
import { limits } from '../limits.js';
import { decodeObject, encodeObject } from './codec.js';
import { range } from './etcd-calls.js';
import { openEtcdWatch, type EtcdWatch, type EtcdWatchHandlers } from './etcd-watch.js';
import type { EtcdClient } from './etcd-client.js';
import { prefixEnd } from './keys.js';
import { StorageError } from './storage-error.js';
import { guardedWrite, type GuardedAnswer } from './guarded-txn.js';

/** An object as it lies in the store; `object` is the reader's own and carries its resourceVersion. */
export interface Stored {
  readonly key: string;
  readonly object: KubeObject;
  readonly modRevision: number;
}

export interface ListOptions {
  /** 0: all, read in pages of one revision. */
  readonly limit: number;
  /** Keys before this one are left out. */
  readonly startKey?: string;
  /** The revision to read at; absent: the newest. */
  readonly revision?: number;
  /** An object already decoded, if the caller holds the key at that revision; it is shared, so nobody may change it. */
  readonly known?: (key: string, modRevision: number) => KubeObject | undefined;
}

export interface Listed {
  readonly items: readonly Stored[];
  readonly revision: number;
  /** How many keys follow the last item. */
  readonly remaining: number;
}

export type Written =
  | { readonly kind: 'written'; readonly stored: Stored }
  | { readonly kind: 'changed'; readonly current: Stored | null }
  | { readonly kind: 'claimed'; readonly claims: readonly string[] };

/** What goes with the write of an object, in one transaction. */
export interface WriteExtras {
  /** The object lives as long as this lease. */
  readonly lease?: string | undefined;
  /** Keys that only this object may hold from now on, and keys that it gives up. */
  readonly claims?: readonly string[] | undefined;
  readonly releases?: readonly string[] | undefined;
}

/**
 * The objects of one etcd. Reads are linearizable. Every write is guarded by the revision that its writer saw, and
 * is answered once its outcome is known. All reject with a StorageError.
 */
export interface Storage {
  get(key: string): Promise<Stored | null>;
  list(prefix: string, options: ListOptions): Promise<Listed>;
  /** The keys below a prefix, without their values. */
  readonly keys: (prefix: string) => Promise<readonly string[]>;
  /** `changed` if the key exists. */
  create(key: string, object: KubeObject, extras?: WriteExtras): Promise<Written>;
  /** `changed` if the key is no longer at `modRevision`. */
  update(key: string, modRevision: number, object: KubeObject, extras?: WriteExtras): Promise<Written>;
  /** `written` carries the last object with the revision of its deletion. */
  delete(stored: Stored, extras?: Pick<WriteExtras, 'releases'>): Promise<Written>;
  watch(prefix: string, startRevision: number, handlers: EtcdWatchHandlers): EtcdWatch;
}

export function createStorage(client: EtcdClient): Storage {
  const put = async (
    key: string,
    modRevision: number,
    object: KubeObject,
    extras: WriteExtras = {},
  ): Promise<Written> => {
    const value = encodeObject(object);
    if (value.length > limits.valueBytesMax) {
      throw new StorageError(
        'too-large',
        `the object takes ${value.length} bytes, at most ${limits.valueBytesMax}`,
      );
    }
    const owner = object.metadata.uid;
    const answer = await guardedWrite(client, { key, modRevision, value, owner, ...extras });
    return outcome(key, answer, (revision) => withRevision(object, revision));
  };
  return {
    get: async (key) => {
      const answer = await range(client, { key: Buffer.from(key) });
      const kv = answer.kvs[0];
      return kv === undefined ? null : storedOf(kv);
    },
    list: (prefix, options) => listPages(client, prefix, options),
    keys: async (prefix) => {
      const rangeEnd = Buffer.from(prefixEnd(prefix));
      const answer = await range(client, { key: Buffer.from(prefix), rangeEnd, keysOnly: true });
      return answer.kvs.map(({ key }) => key.toString());
    },
    create: (key, object, extras) => put(key, 0, object, extras),
    update: put,
    delete: async (stored, extras) => {
      const { key, modRevision } = stored;
      const answer = await guardedWrite(client, { key, modRevision, value: null, ...extras });
      return outcome(stored.key, answer, (revision) => withRevision(stored.object, revision));
    },
    watch: (prefix, startRevision, handlers) => openEtcdWatch(client, prefix, startRevision, handlers),
  };
}

function storedOf(kv: KeyValue__Output, known?: ListOptions['known']): Stored {
  const key = kv.key.toString();
  const modRevision = Number(kv.modRevision);
  return { key, modRevision, object: known?.(key, modRevision) ?? decodeObject(key, kv.value, modRevision) };
}

function withRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

function outcome(key: string, answer: GuardedAnswer, written: (revision: number) => KubeObject): Written {
  switch (answer.kind) {
    case 'written':
      return {
        kind: 'written',
        stored: { key, object: written(answer.revision), modRevision: answer.revision },
      };
    case 'claimed':
      return answer;
    case 'changed':
      return { kind: 'changed', current: answer.current === null ? null : storedOf(answer.current) };
  }
}

async function listPages(client: EtcdClient, prefix: string, options: ListOptions): Promise<Listed> {
  const end = Buffer.from(prefixEnd(prefix));
  const items: Stored[] = [];
  let startKey = options.startKey ?? prefix;
  let revision = options.revision ?? 0;
  for (;;) {
    const wanted = options.limit === 0 ? limits.etcdPageKeys : options.limit - items.length;
    const answer = await range(client, {
      key: Buffer.from(startKey),
      rangeEnd: end,
      limit: Math.min(wanted, limits.etcdPageKeys),
      revision,
    });
    revision ||= Number(answer.header!.revision);
    for (const kv of answer.kvs) items.push(storedOf(kv, options.known));
    const remaining = Math.max(0, Number(answer.count) - answer.kvs.length);
    if (!answer.more || items.length === options.limit) return { items, revision, remaining };
    startKey = `${items[items.length - 1]!.key}\0`;
  }
}
