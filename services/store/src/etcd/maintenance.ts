import type { MaintenanceHandlers } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import { header, isOverQuota, storeOf, type Context } from './context.js';
import { unsupported } from './errors.js';
import { hashKv } from './hash-kv.js';
import { SnapshotStreams } from './snapshot-stream.js';
import { unary } from './unary.js';

/** The etcd version whose behaviour clients may expect: they switch features on by it. */
export const etcdVersion = '3.5.21';

export function createMaintenance(context: Context): MaintenanceHandlers {
  const refuse = (what: string) =>
    unary<unknown, never>(context, () => {
      throw unsupported(what);
    });
  const alarms = () =>
    isOverQuota(context) ? [{ memberID: context.replica.status().id, alarm: 'NOSPACE' as const }] : [];
  const snapshots = new SnapshotStreams(context);
  return {
    Status: unary(context, () => {
      const { leader, commit, applied, term, dataSizeBytes } = context.replica.status();
      return {
        header: header(context),
        version: etcdVersion,
        dbSize: dataSizeBytes,
        dbSizeInUse: storeOf(context).sizeBytes,
        dbSizeQuota: context.config.quotaBackendBytes,
        leader: leader ?? 0,
        raftIndex: commit,
        raftAppliedIndex: applied,
        raftTerm: term,
        errors: [
          ...(leader === null ? ['etcdserver: no leader'] : []),
          ...alarms().map(({ memberID, alarm }) => `memberID:${memberID} alarm:${alarm}`),
        ],
      };
    }),

    // The alarm follows from the quota: it is raised and lowered by what is stored, not by requests. No header, as in etcd.
    Alarm: unary(context, ({ action }) => {
      if (action === 'ACTIVATE') throw unsupported('raising an alarm');
      return { alarms: alarms() };
    }),

    HashKV: unary(context, async ({ revision }) => {
      await context.replica.readIndex();
      const hash = await hashKv(() => storeOf(context), Number(revision));
      return {
        header: header(context),
        hash: hash.hash,
        compactRevision: hash.compactRevision,
        hashRevision: hash.revision,
      };
    }),

    Defragment: refuse('defragmentation (the database compacts itself)'),
    Hash: refuse('Hash (use HashKV)'),
    Snapshot: (call) => void snapshots.serve(call),
    MoveLeader: refuse('moving the leader'),
    Downgrade: refuse('a downgrade'),
  };
}
