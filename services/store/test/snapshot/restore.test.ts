import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { isTombstone, keyRange, versionsOf, type MvccStore } from '@raftsman/mvcc';
import { logIndex, term } from '@raftsman/raft';
import { describe, expect, it } from 'vitest';
import { encodeAuthCommand, type AuthCommand } from '../../src/auth/commands.js';
import { encodeAlarmCommand } from '../../src/etcd/alarm-rows.js';
import { createStateMachine } from '../../src/etcd/index.js';
import { BoltBuilder, type BoltItem } from '../../src/snapshot/bolt/builder.js';
import { encodeMetaPage } from '../../src/snapshot/bolt/format.js';
import { backendBuckets } from '../../src/snapshot/contents.js';
import { SnapshotFileError } from '../../src/snapshot/errors.js';
import { MessageWriter } from '../../src/snapshot/protobuf.js';
import { revisionMark, versionItem } from '../../src/snapshot/records.js';
import { restoreSnapshot } from '../../src/snapshot/restore.js';
import { snapshotStatus } from '../../src/snapshot/status.js';
import { apply, fileOf, prepare, put, readable, restored, sample, startIn } from './restore-fixture.js';

describe('a restored member', () => {
  it('has every key, revision and lease, and the same as the others', async () => {
    const machine = sample();
    const bytes = await fileOf(machine);
    const [one, other] = [await restored(bytes), await restored(bytes, { name: 'm2' })];
    expect(readable(one.store)).toEqual(readable(machine.store));
    expect([...other.rows()]).toEqual([...one.rows()]);
    // What the compaction left is removed with the next writes.
    apply(one, put('f', ''));
    expect(one.store.compactionPending).toBe(false);
    apply(machine, put('f', ''));
    expect(readable(one.store)).toEqual(readable(machine.store));
    expect(await fileOf(one)).toEqual(await fileOf(machine));
  });

  it('goes on at a later revision, and knows nothing of the earlier ones, if told so', async () => {
    const machine = sample();
    const change = { bumpBy: 1_000, markCompacted: true };
    const { store } = await restored(await fileOf(machine), { change });
    const bumped = machine.store.revision + 1_000;
    expect([store.revision, store.compactRevision]).toEqual([bumped, bumped]);
    const live = (of: MvccStore) =>
      of.space.index && [...keysOf(of)].map((key) => [key, newest(of, key)] as const);
    expect(live(store)).toEqual(live(machine.store));
    const refused: number[] = [];
    const again = await restored(await fileOf(machine), { change });
    again.watches.watch(
      { range: keyRange('\0', '\0'), startRevision: machine.store.revision, noPut: false, noDelete: false },
      { ready: () => true, events: () => undefined, compacted: (_watcher, at) => refused.push(at) },
    );
    again.watches.catchUp();
    expect(refused).toEqual([bumped]);
    apply(again, put('g', ''));
    expect(again.store.revision).toBe(bumped + 1);
    // The mark of the bump is nothing that anybody sees.
    const events: string[] = [];
    again.watches.watch(
      { range: keyRange('\0', '\0'), startRevision: store.revision, noPut: false, noDelete: false },
      {
        ready: () => true,
        events: (_watcher, kvs) => events.push(...kvs.map(({ key }) => key)),
        compacted: () => undefined,
      },
    );
    again.watches.catchUp();
    expect(events).toEqual(['g']);
  });

  it('of an empty store is an empty store', async () => {
    const { store } = await restored(await fileOf(createStateMachine()));
    expect([store.revision, store.compactRevision]).toEqual([1, -1]);
  });

  it('stands where everything was deleted and compacted', async () => {
    const builder = [
      ['meta', [{ key: Buffer.from('finishedCompactRev'), value: revisionMark(12) }]],
    ] as const;
    const { store } = await restored(backend(builder));
    expect([store.revision, store.compactRevision]).toEqual([12, 12]);
  });

  it('leaves alarms behind', async () => {
    const machine = createStateMachine();
    const data = encodeAlarmCommand({ kind: 'activate', member: 4n, alarm: 'NOSPACE' });
    machine.apply({ index: logIndex(1), term: term(1), data });
    expect((await restored(await fileOf(machine))).alarms.raised()).toEqual([]);
  });
});

function* keysOf(store: MvccStore): Generator<string> {
  const keys: string[] = [];
  store.space.index.scan('a', null, (_history, key) => keys.push(key) > 0);
  yield* keys;
}

function newest(store: MvccStore, key: string): unknown {
  const kv = store.space.index.newest(key);
  return kv === undefined || isTombstone(kv) ? null : kv;
}

describe('what etcd does and we do not', () => {
  const version = (key: string, at: number, lease = 0n) =>
    versionItem({ key, createRevision: at, modRevision: at, sub: 0, version: 1, value: 'v', lease } as never);

  it('a bumped revision is an empty record, and a key may outlive its lease', async () => {
    const bump = { key: Buffer.concat([revisionMark(500)]), value: Buffer.alloc(0) };
    const items = [version('k', 2, 99n), version('l', 3, 98n), version('l', 4), bump];
    const { store } = await restored(backend([['key', items]]));
    expect(store.revision).toBe(500);
    expect(newest(store, 'k')).toMatchObject({ lease: 0n, modRevision: 2 });
    expect(readable(store)).toMatchObject({ leases: [] });
    expect(versionsOf(store.space.index.get('l')!).slice(0, -1)).toMatchObject([{ lease: 98n }]);
  });

  it.each<[string, Buckets, string]>([
    ['no backend', [['other', [item('k', 'v')]]], 'not one of etcd'],
    ['a key that is no revision', [['key', [item('k', 'v')]]], 'is no revision'],
    ['a revision of zero', [['key', [{ key: revisionMark(0), value: Buffer.alloc(0) }]]], 'is no revision'],
    [
      'a revision beyond all',
      [['key', [{ key: Buffer.from('ffffffffffffffff5f0000000000000000', 'hex'), value: Buffer.alloc(0) }]]],
      'too large',
    ],
    [
      'a record that contradicts its key',
      [['key', [{ ...version('k', 2), key: revisionMark(3) }]]],
      'contradicts',
    ],
    ['half a record', [['key', [{ key: revisionMark(3), value: Buffer.of(0x0a, 0x20) }]]], 'ends too early'],
    [
      'a lease under another name',
      [
        ['lease', [item('12345678', '\b\u0001')]],
        ['key', []],
      ],
      'contradicts its name',
    ],
    [
      'a compaction mark that is none',
      [
        ['meta', [item('scheduledCompactRev', 'soon')]],
        ['key', []],
      ],
      'is no revision',
    ],
  ])('%s is refused, and nothing is left', async (_what, buckets, message) => {
    const { directory, options } = await prepare(backend(buckets));
    await expect(restoreSnapshot(options)).rejects.toThrow(message);
    await expect(restoreSnapshot(options)).rejects.toBeInstanceOf(SnapshotFileError);
    expect(await readdir(directory)).toEqual(['file.db']);
  });

  it('users and roles come along, but for passwords that cannot be checked here', async () => {
    const user = (name: string, password: string, role = '') => {
      const writer = new MessageWriter(400);
      writer.text(1, name);
      writer.text(2, password);
      writer.text(3, role);
      writer.text(3, 'gone');
      return { key: Buffer.from(name), value: writer.finish() };
    };
    const permission = new MessageWriter(100);
    permission.number(1, 2);
    permission.text(2, 'k');
    const role = new MessageWriter(100);
    role.text(1, 'root');
    role.bytes(2, permission.finish());
    const bytes = backend([
      ['auth', [item('authEnabled', '\u0001'), item('authRevision', '\0\0\0\0\0\0\0\u0009')]],
      ['authRoles', [{ key: Buffer.from('root'), value: role.finish() }]],
      ['authUsers', [user('nobody', ''), user('root', '$2a$10$abcdefghijklmnopqrstuv', 'root')]],
    ]);
    await expect(restored(bytes)).rejects.toThrow('--disable-auth');
    const { options } = await prepare(bytes, { disableAuth: true });
    expect((await restoreSnapshot(options)).auth).toMatchObject({
      enabled: false,
      withoutPassword: ['root'],
    });
    const { auth } = await startIn(options);
    expect(auth.enabled).toBe(false);
    expect(auth.revision).toBe(9);
    expect(auth.user('root')).toEqual({ name: 'root', password: '', roles: ['root'] });
    expect(auth.role('root')!.permissions).toEqual([{ type: 'READWRITE', key: 'k', rangeEnd: '' }]);
  });

  it('ours come along whole', async () => {
    const machine = createStateMachine();
    const password = `scrypt$14$8$5$${Buffer.alloc(16, 1).toString('base64')}$${Buffer.alloc(32, 2).toString('base64')}`;
    const commands: AuthCommand[] = [
      { kind: 'role-add', name: 'root' },
      { kind: 'user-add', name: 'root', password },
      { kind: 'user-grant-role', user: 'root', role: 'root' },
      { kind: 'enable' },
    ];
    for (const command of commands)
      machine.apply({ index: logIndex(1), term: term(1), data: encodeAuthCommand(command) });
    expect(machine.auth.enabled).toBe(true);
    const copy = await restored(await fileOf(machine));
    expect(copy.auth.enabled).toBe(true);
    expect(copy.auth.user('root')).toEqual(machine.auth.user('root'));
    expect(copy.auth.revision).toBe(machine.auth.revision);
  });
});

describe('a file', () => {
  it('without its checksum, or with another one, is refused unless that is skipped', async () => {
    const bytes = await fileOf(sample());
    const bare = bytes.subarray(0, -32);
    await expect(restored(bare)).rejects.toThrow('snapshot missing hash but --skip-hash-check=false');
    const wrong = Buffer.from(bytes);
    wrong[wrong.length - 1]! ^= 1;
    await expect(restored(wrong)).rejects.toThrow('expected sha256');
    const { store } = await restored(bare, { checkHash: false });
    expect(store.revision).toBe(sample().store.revision);
  });

  it('is not restored over what is there', async () => {
    const { options } = await prepare(await fileOf(sample()));
    await mkdir(options.dataDirectory);
    await writeFile(join(options.dataDirectory, 'precious'), 'x');
    await expect(restoreSnapshot(options)).rejects.toThrow('not empty');
    expect(await readFile(join(options.dataDirectory, 'precious'), 'utf8')).toBe('x');
  });

  it('whatever is changed in it: it is taken or refused, and a refused one leaves nothing', async () => {
    const bytes = (await fileOf(sample())).subarray(0, -32);
    const { directory, options } = await prepare(bytes, { checkHash: false });
    const edit = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }));
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 6 }), async (edits) => {
        const changed = Buffer.from(bytes);
        for (const [at, byte] of edits) changed[at] = byte;
        await writeFile(options.file, changed);
        run += 1;
        const dataDirectory = join(directory, `data${run}`);
        const outcome = await outcomeOf(restoreSnapshot({ ...options, dataDirectory }));
        const isThere = (await readdir(directory)).includes(`data${run}`);
        expect(isThere).toBe(outcome === 'taken');
        if (isThere) await startIn({ ...options, dataDirectory });
        await outcomeOf(snapshotStatus(options.file));
      }),
      { numRuns: 40 },
    );
  });
});

/** Rejects with what is no refusal. */
async function outcomeOf(work: Promise<unknown>): Promise<'taken' | 'refused'> {
  try {
    await work;
    return 'taken';
  } catch (error) {
    if (error instanceof SnapshotFileError) return 'refused';
    throw error;
  }
}

type Buckets = readonly (readonly [string, readonly BoltItem[]])[];

function item(key: string, value: string): BoltItem {
  return { key: Buffer.from(key, 'latin1'), value: Buffer.from(value, 'latin1') };
}

/** A file with its checksum. */
function backend(buckets: Buckets): Buffer {
  const builder = new BoltBuilder(4096, true);
  for (const [name, items] of buckets) for (const each of items) builder.add(name, each);
  const names = buckets.some(([name]) => name === 'other') ? [] : backendBuckets;
  const layout = builder.finish(names);
  const meta = { pageBytes: 4096, ...layout };
  const pages = Buffer.concat([
    encodeMetaPage(0, { ...meta, transaction: 1n }),
    encodeMetaPage(1, { ...meta, transaction: 0n }),
    builder.take(),
  ]);
  return Buffer.concat([pages, createHash('sha256').update(pages).digest()]);
}
