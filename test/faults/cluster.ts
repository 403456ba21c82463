import type { AlarmResponse__Output } from '@raftsman/proto/gen/etcdserverpb/AlarmResponse.js';
import type { HashKVResponse__Output } from '@raftsman/proto/gen/etcdserverpb/HashKVResponse.js';
import type { StatusResponse__Output } from '@raftsman/proto/gen/etcdserverpb/StatusResponse.js';
import { call, type Connection } from './client.js';
import type { Member } from './members.js';

const askMs = 2_000;

/** The member that says it leads, in the newest term; null if none does. */
export async function leadingMember(connections: readonly Connection[]): Promise<Member | null> {
  const statuses = await Promise.all(
    connections.map(async ({ maintenance, member }) => {
      const status = await call<StatusResponse__Output>(300, (options, done) =>
        maintenance.Status({}, options, done),
      ).catch(() => null);
      return status === null ? null : { member, status };
    }),
  );
  const leaders = statuses
    .filter((one) => one !== null)
    .filter(({ status }) => status.leader !== '0' && status.leader === status.header?.memberId)
    .sort((a, b) => Number(b.status.raftTerm) - Number(a.status.raftTerm));
  return leaders[0]?.member ?? null;
}

export interface MemberHash {
  readonly member: string;
  readonly hash: number;
  readonly compactRevision: number;
  /** Of the member, when it was asked. */
  readonly revision: number;
}

/** Of all that the member holds up to `revision`. Rejects while it is not that far. */
export async function hashKv({ maintenance, member }: Connection, revision: number): Promise<MemberHash> {
  const response = await call<HashKVResponse__Output>(askMs, (options, done) =>
    maintenance.HashKV({ revision }, options, done),
  );
  return {
    member: member.name,
    hash: response.hash,
    compactRevision: Number(response.compactRevision),
    revision: Number(response.header?.revision),
  };
}

/** A full disk leaves an alarm, which only an administrator takes back. */
export async function disarm({ maintenance }: Connection): Promise<void> {
  const { alarms } = await call<AlarmResponse__Output>(askMs, (options, done) =>
    maintenance.Alarm({ action: 'GET' }, options, done),
  );
  for (const { memberID, alarm } of alarms)
    await call<AlarmResponse__Output>(askMs, (options, done) =>
      maintenance.Alarm({ action: 'DEACTIVATE', memberID, alarm }, options, done),
    );
}
