import { crc32 } from 'node:zlib';
import type { AlarmRequest__Output } from '@raftsman/proto/gen/etcdserverpb/AlarmRequest.js';
import type { DowngradeRequest__Output } from '@raftsman/proto/gen/etcdserverpb/DowngradeRequest.js';
import type { MaintenanceHandlers } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import { ReplicaError } from '../contract.js';
import type { AlarmResult } from './alarm-part.js';
import { alarmNumbers, encodeAlarmCommand, type AlarmName, type RaisedAlarm } from './alarm-rows.js';
import { header, proposeEncoded, storeOf, type Context } from './context.js';
import { etcdError, unsupported } from './errors.js';
import { hashKv } from './hash-kv.js';
import { SnapshotStreams } from './snapshot-stream.js';
import { unary } from './unary.js';

/** The etcd version whose behaviour clients may expect: they switch features on by it. */
export const etcdVersion = '3.5.21';

export function createMaintenance(context: Context): MaintenanceHandlers {
  const snapshots = new SnapshotStreams(context);
  return {
    Status: unary(context, () => status(context)),

    // No header, as in etcd.
    Alarm: unary(context, async (request) => ({ alarms: (await alarm(context, request)).map(wireAlarm) })),

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

    Hash: unary(context, async () => ({ hash: await hashState(context), header: header(context) })),

    Snapshot: (call) => void snapshots.serve(call),

    Defragment: unary(context, async () => {
      await context.replica.defragment();
      return {};
    }),

    MoveLeader: unary(context, async ({ targetID }) => {
      await moveLeader(context, targetID);
      return {};
    }),

    Downgrade: unary(context, (request) => refuseDowngrade(request)),
  };
}

function status(context: Context) {
  const { leader, commit, applied, term, dataSizeBytes, isLearner } = context.replica.status();
  const alarms = context.stateMachine.alarms.raised();
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
    isLearner,
    downgradeInfo: { enabled: false },
    errors: [
      ...(leader === null ? ['etcdserver: no leader'] : []),
      // The blank at the end is etcd's.
      ...alarms.map(({ member, alarm: name }) => `memberID:${member} alarm:${name} `),
    ],
  };
}

const wireAlarm = ({ member, alarm: name }: RaisedAlarm) => ({ memberID: member.toString(), alarm: name });

async function alarm(
  context: Context,
  { action, memberID, alarm: name }: AlarmRequest__Output,
): Promise<readonly RaisedAlarm[]> {
  const named = isAlarm(name) ? name : null;
  switch (action) {
    case 'ACTIVATE':
    case 'DEACTIVATE': {
      if (named === null) return [];
      const kind = action === 'ACTIVATE' ? 'activate' : 'deactivate';
      const command = encodeAlarmCommand({ kind, member: BigInt(memberID), alarm: named });
      return ((await proposeEncoded(context, command)) as AlarmResult).alarms;
    }
    case 'GET':
      await context.replica.readIndex();
      return context.stateMachine.alarms.raised(named);
    default:
      return [];
  }
}

const isAlarm = (name: string): name is AlarmName => Object.hasOwn(alarmNumbers, name);

/** CRC-32 of all that is replicated, as it is stored: equal on members that have applied the same. */
async function hashState(context: Context): Promise<number> {
  await context.replica.readIndex();
  const view = await context.replica.openStateView();
  try {
    let hash = 0;
    for await (const { key, value } of view.rows()) hash = crc32(value, crc32(key, hash));
    return hash;
  } finally {
    await view.close();
  }
}

async function moveLeader({ replica }: Context, targetId: string): Promise<void> {
  const { id, leader } = replica.status();
  if (leader !== id) throw etcdError('notLeader');
  const target = replica.members().find((member) => String(member.id) === targetId);
  if (target === undefined || target.isLearner || target.isWitness) throw etcdError('badLeaderTransferee');
  if (target.id === id) return;
  try {
    await replica.transferLeadership(target.id);
  } catch (error) {
    if (error instanceof ReplicaError && error.code === 'timeout') throw etcdError('timeoutLeaderTransfer');
    throw error;
  }
}

/** Nothing here can be downgraded to: etcd's refusals where it has one, and ours by name for what it would do. */
function refuseDowngrade({ action, version }: DowngradeRequest__Output): never {
  if (action === 'CANCEL') throw etcdError('noInflightDowngrade');
  const parts = /^v?(\d+)\.(\d+)(?:\.\d+)?$/.exec(version);
  if (parts === null) throw etcdError('wrongDowngradeVersionFormat');
  const [major, minor] = etcdVersion.split('.').map(Number);
  if (Number(parts[1]) !== major || Number(parts[2]) !== minor! - 1)
    throw etcdError('invalidDowngradeTargetVersion');
  throw unsupported('a downgrade');
}
