import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeCommand,
  encodeCommand,
  isTombstone,
  MvccStore,
  revision,
  type Applied,
  type KeyValue,
  type OpResult,
} from '../src/index.js';
import { MvccError } from '../src/types.js';
import { command, rangeRequest } from './commands.js';
import { Model, plain, type ModelEvent } from './model.js';

const term = 1;

function summaryOf(result: OpResult): unknown {
  switch (result.kind) {
    case 'range':
      return {
        revision: result.revision,
        count: result.count,
        more: result.more,
        kvs: result.kvs.map(plain),
      };
    case 'put':
      return { revision: result.revision, prev: result.prevKv && plain(result.prevKv) };
    case 'delete-range':
      return { revision: result.revision, deleted: result.deleted, prev: result.prevKvs.map(plain) };
    case 'txn':
      return {
        revision: result.revision,
        succeeded: result.succeeded,
        responses: result.responses.map(summaryOf),
      };
  }
}

function summary(result: Applied['result']): unknown {
  if (result instanceof MvccError) return { refused: result.code };
  switch (result.kind) {
    case 'compact':
    case 'lease-grant':
    case 'lease-revoke':
      return result.kind;
    case 'put':
    case 'delete-range':
    case 'txn':
      return summaryOf(result);
  }
}

/** Rows as a database would keep them. */
class Disk {
  readonly rows = new Map<string, Uint8Array>();

  write(rows: Applied['rows']): void {
    for (const { key, value } of rows) {
      const name = Buffer.from(key).toString('latin1');
      if (value === null) this.rows.delete(name);
      else this.rows.set(name, Uint8Array.from(value));
    }
  }

  /** In batches of up to three rows. */
  async *read(): AsyncGenerator<readonly { key: Uint8Array; value: Uint8Array }[]> {
    const names = [...this.rows.keys()].sort();
    for (let at = 0; at < names.length; at += 3)
      yield names
        .slice(at, at + 3)
        .map((name) => ({ key: Buffer.from(name, 'latin1'), value: this.rows.get(name)! }));
  }
}

function eventsFrom(store: MvccStore, from: number): ModelEvent[] {
  const events: ModelEvent[] = [];
  store.space.log.scan(from as never, 0, (kv) => {
    events.push({ key: kv.key, mod: kv.modRevision, value: isTombstone(kv) ? null : kv.value });
    return true;
  });
  return events;
}

/** Everything that can be seen of a store, and its durable form. */
function image(store: MvccStore): unknown {
  return {
    revision: store.revision,
    compactRevision: store.compactRevision,
    pending: store.compactionPending,
    sizeBytes: store.sizeBytes,
    deletionBytes: store.deletionBytes,
    leases: [...store.leases.all()]
      .map(({ id, ttlSeconds, keys }) => ({ id, ttlSeconds, keys: [...keys].sort() }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    events: eventsFrom(store, 0),
    rows: [...store.rows()].map(({ key, value }) => `${hex(key)} ${hex(value)}`),
  };
}

const plainRows = ({ rows }: Applied): unknown[] =>
  [...rows].map(({ key, value }) => [hex(key), value && hex(value)]);

/** Everything at a revision, in pages as small as can be. */
function paged(store: MvccStore, at: number): KeyValue[] {
  const kvs: KeyValue[] = [];
  let start: string | null = '\0';
  for (let page = 0; start !== null; page += 1) {
    const bounds = {
      kvsMax: page % 3 === 0 ? 1 : 9,
      bytesMax: page % 3 === 1 ? 1 : 999,
      keysOnly: page % 2 === 0,
      keysMax: page % 3 === 2 ? 1 : 9,
    };
    const read = store.page({ start, end: null, single: false }, revision(at), bounds);
    kvs.push(...read.kvs);
    start = read.next;
  }
  return kvs;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Runs under different limits. */
export function describeStore(): void {
  describe('MvccStore', () => {
    it('answers and remembers like the model, whatever the commands', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(command, { maxLength: 30 }),
          fc.array(rangeRequest, { maxLength: 8 }),
          async (commands, reads) => {
            const store = MvccStore.empty();
            const model = new Model();
            const disk = new Disk();
            for (const each of commands) {
              const applied = store.apply(decodeCommand(encodeCommand(each)), term);
              expect(summary(applied.result)).toEqual(model.apply(each, term));
              disk.write(applied.rows);
              store.space.index.checkInvariants();
              expect(store.revision).toBe(model.revision);
              expect(store.compactRevision).toBe(model.compactRevision);
              const restored = await MvccStore.restore(disk.read());
              restored.space.index.checkInvariants();
              expect(image(restored)).toEqual(image(store));
            }
            for (let at = Math.max(1, model.compactRevision); at <= model.revision; at += 1) {
              const everything = {
                kind: 'range',
                key: '\0',
                rangeEnd: '\0',
                limit: 0,
                revision: at,
                keysOnly: false,
                countOnly: false,
                sortOrder: 'NONE',
                sortTarget: 'KEY',
                minModRevision: 0,
                maxModRevision: 0,
                minCreateRevision: 0,
                maxCreateRevision: 0,
              } as const;
              const whole = store.range(everything);
              expect(summaryOf(whole)).toEqual(model.read(everything));
              expect(paged(store, at)).toEqual(whole.kvs);
            }
            for (const request of reads) {
              let answer: unknown;
              try {
                answer = summaryOf(store.range(request));
              } catch (error) {
                answer = { refused: (error as MvccError).code };
              }
              expect(answer).toEqual(model.read(request));
            }
            const from = Math.max(0, store.compactRevision);
            expect(eventsFrom(store, from)).toEqual(model.events.filter((event) => event.mod >= from));
          },
        ),
        { numRuns: 300 },
      );
    });

    it('goes on identically after a restore in the middle', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(command, { maxLength: 20 }),
          fc.array(command, { maxLength: 20 }),
          async (first, then) => {
            const store = MvccStore.empty();
            const disk = new Disk();
            for (const each of first) disk.write(store.apply(each, term).rows);
            const restored = await MvccStore.restore(disk.read());
            for (const each of then) {
              const [ours, theirs] = [store.apply(each, term), restored.apply(each, term)];
              expect(summary(theirs.result)).toEqual(summary(ours.result));
              expect(plainRows(theirs)).toEqual(plainRows(ours));
            }
            expect(image(restored)).toEqual(image(store));
          },
        ),
        { numRuns: 300 },
      );
    });
  });
}
