import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Journal, type StateRow } from '@raftsman/journal';
import { logIndex, term } from '@raftsman/raft';
import { clusterIdOf, memberIdOf, type InitialMember } from '../replica/identity.js';
import { firstConfiguration } from '../replica/members/first.js';
import { importAuth, type ImportedAuth } from './auth-import.js';
import { backendRows, restoredRevisions, surveyBackend, type RevisionChange } from './backend.js';
import { SnapshotFileError } from './errors.js';
import { snapshotLimits } from './limits.js';
import { openSnapshot } from './source.js';

export interface RestoreOptions {
  readonly file: string;
  /** Must not exist, or be empty. */
  readonly dataDirectory: string;
  /** Of the new cluster: all of them are restored from the same file with the same options. */
  readonly members: readonly InitialMember[];
  readonly name: string;
  readonly clusterToken: string;
  readonly checkHash: boolean;
  readonly change: RevisionChange;
  readonly disableAuth: boolean;
}

export interface Restored {
  readonly versions: number;
  readonly leases: number;
  readonly revision: number;
  readonly compactRevision: number | null;
  readonly memberId: number;
  readonly clusterId: number;
  readonly auth: Pick<ImportedAuth, 'enabled' | 'withoutPassword'>;
}

/** Where the log of a restored member begins: all members of the new cluster have this entry behind them. */
const origin = { index: logIndex(1), term: term(1) };

/**
 * Makes the data directory of one member of a new cluster from a snapshot file, ours or etcd's. It appears whole or not at all. Alarms are
 * left behind: they are of members that are no more. Rejects with SnapshotFileError, JournalError or the system's error.
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<Restored> {
  const { dataDirectory, file, checkHash } = options;
  const source = await openSnapshot(file, checkHash);
  try {
    const survey = await surveyBackend(source.bolt);
    const auth = await importAuth(source.bolt, options.disableAuth);
    const revisions = restoredRevisions(survey, options.change);
    await requireEmpty(dataDirectory);
    const part = join(dataDirectory, 'member.part');
    await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
    try {
      const ids = await writeMember(part, options, [auth.rows, backendRows(source.bolt, survey, revisions)]);
      await rename(part, join(dataDirectory, 'member'));
      await syncDirectory(dataDirectory);
      const { versions, leases } = survey;
      return { versions, leases, ...revisions, ...ids, auth };
    } catch (error) {
      await rm(part, { recursive: true, force: true });
      throw error;
    }
  } finally {
    await source.close();
  }
}

async function requireEmpty(directory: string): Promise<void> {
  const found = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (found.length > 0) throw new SnapshotFileError(`data-dir "${directory}" not empty or could not be read`);
}

async function writeMember(
  directory: string,
  { members, name, clusterToken }: RestoreOptions,
  parts: readonly (Iterable<StateRow> | AsyncIterable<StateRow>)[],
): Promise<{ readonly memberId: number; readonly clusterId: number }> {
  const self = members.find((member) => member.name === name);
  if (self === undefined) throw new TypeError(`${name} is not among the members`);
  const memberId = memberIdOf(self, clusterToken);
  const clusterId = clusterIdOf(members, clusterToken);
  const configuration = firstConfiguration(members, clusterToken);
  const journal = await Journal.open(directory, { memberId, clusterId, name }, configuration);
  try {
    const staging = await journal.stage();
    let rows: StateRow[] = [];
    let bytes = 0;
    const write = async (): Promise<void> => {
      await staging.add(rows);
      rows = [];
      bytes = 0;
    };
    // A witness keeps none of them.
    for (const part of self.isWitness ? [] : parts)
      for await (const row of part) {
        rows.push(row);
        bytes += row.key.length + row.value.length;
        if (bytes >= snapshotLimits.blobBytes) await write();
      }
    await write();
    const install = await staging.finish({ ...origin, configuration });
    const hardState = { term: origin.term, vote: null, commit: origin.index };
    await journal.write({ entries: [], hardState, install, sync: true });
  } finally {
    await journal.close();
  }
  return { memberId, clusterId };
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
