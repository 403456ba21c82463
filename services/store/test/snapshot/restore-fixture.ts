import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Journal } from '@raftsman/journal';
import { encodeCommand, type Command, type MvccStore } from '@raftsman/mvcc';
import { configurationOf, logIndex, memberId, term } from '@raftsman/raft';
import { expect } from 'vitest';
import { createStateMachine, type EtcdStateMachine } from '../../src/etcd/index.js';
import { clusterIdOf, memberIdOf } from '../../src/replica/identity.js';
import { snapshotFile } from '../../src/snapshot/file.js';
import { restoreSnapshot, type RestoreOptions } from '../../src/snapshot/restore.js';
import { temporaryDirectory } from '../replica-fixture.js';

const plain = { lease: 0n, prevKv: false, ignoreValue: false, ignoreLease: false };
export const put = (key: string, value: string, lease = 0n): Command => ({
  kind: 'put',
  key,
  value,
  ...plain,
  lease,
});
export const remove = (key: string): Command => ({ kind: 'delete-range', key, rangeEnd: '', prevKv: false });

export function apply(machine: EtcdStateMachine, ...commands: readonly Command[]): void {
  for (const command of commands)
    machine.apply({ index: logIndex(1), term: term(1), data: encodeCommand(command) });
}

export const members = [
  { name: 'm1', peerUrls: ['http://127.0.0.1:1'], isWitness: false },
  { name: 'm2', peerUrls: ['http://127.0.0.1:2'], isWitness: false },
];

export async function* rowsOf(machine: EtcdStateMachine) {
  yield* machine.rows();
}

export async function fileOf(machine: EtcdStateMachine): Promise<Buffer> {
  const marks = { index: 9, term: 2, voters: [1, 2], learners: [], members: [] };
  const blobs: Buffer[] = [];
  for await (const { bytes } of snapshotFile({ rows: () => rowsOf(machine) }, marks)) blobs.push(bytes);
  return Buffer.concat(blobs);
}

export interface Try {
  readonly directory: string;
  readonly options: RestoreOptions;
}

export async function prepare(bytes: Buffer, changes: Partial<RestoreOptions> = {}): Promise<Try> {
  const directory = await temporaryDirectory();
  const file = join(directory, 'file.db');
  await writeFile(file, bytes);
  const options = {
    file,
    dataDirectory: join(directory, 'data'),
    members,
    name: 'm1',
    clusterToken: 'token',
    checkHash: true,
    change: { bumpBy: 0, markCompacted: false },
    disableAuth: false,
    ...changes,
  };
  return { directory, options };
}

/** What a member that starts in the directory begins with. */
export async function startIn({
  dataDirectory,
  name,
  clusterToken,
}: RestoreOptions): Promise<EtcdStateMachine> {
  const self = members.find((member) => member.name === name)!;
  const ids = members.map((member) => memberIdOf(member, clusterToken));
  const identity = {
    memberId: memberIdOf(self, clusterToken),
    clusterId: clusterIdOf(members, clusterToken),
    name,
  };
  const journal = await Journal.open(join(dataDirectory, 'member'), identity, configurationOf([memberId(1)]));
  try {
    const { hardState, state, compacted, entries } = journal.recovered;
    expect(hardState).toEqual({ term: 1, vote: null, commit: 1 });
    expect(state).toMatchObject({ index: 1, term: 1, configuration: { voters: ids } });
    expect({ compacted, entries }).toEqual({ compacted: { index: 1, term: 1 }, entries: [] });
    const machine = createStateMachine();
    await machine.restore(journal.rowBatches());
    return machine;
  } finally {
    await journal.close();
  }
}

export async function restored(
  bytes: Buffer,
  changes: Partial<RestoreOptions> = {},
): Promise<EtcdStateMachine> {
  const { options } = await prepare(bytes, changes);
  await restoreSnapshot(options);
  return startIn(options);
}

/** All that can be read, at every revision. */
export function readable(store: MvccStore): object {
  const at: object[] = [];
  const range = {
    kind: 'range',
    key: '\0',
    rangeEnd: '\0',
    limit: 0,
    keysOnly: false,
    countOnly: false,
  } as const;
  const rest = {
    sortOrder: 'NONE',
    sortTarget: 'KEY',
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
  } as const;
  for (let revision = Math.max(1, store.compactRevision); revision <= store.revision; revision += 1)
    at.push(store.range({ ...range, ...rest, revision }).kvs);
  const all = [...store.leases.all()].toSorted((left, right) => (left.id < right.id ? -1 : 1));
  const leases = all.map(({ id, ttlSeconds, keys }) => ({
    id,
    ttlSeconds,
    keys: [...keys].toSorted(),
  }));
  return { revision: store.revision, compactRevision: store.compactRevision, at, leases };
}

export function sample(): EtcdStateMachine {
  const machine = createStateMachine();
  apply(
    machine,
    { kind: 'lease-grant', id: -5n, ttlSeconds: 60 },
    { kind: 'lease-grant', id: 7n, ttlSeconds: 9 },
  );
  for (let round = 0; round < 40; round += 1)
    for (const key of ['a', 'b', 'c\u00ff\u0000', 'd'])
      apply(
        machine,
        round % 7 === 6 ? remove(key) : put(key, `${key}${round}`.repeat(round), round % 3 ? 7n : -5n),
      );
  apply(machine, { kind: 'compact', revision: 100 }, put('e', 'x'.repeat(20_000)));
  return machine;
}
