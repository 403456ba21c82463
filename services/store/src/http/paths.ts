/**
 * etcd's paths (the bindings in its rpc.proto, v3lock.proto and v3election.proto), without the prefix, and the calls that they stand for.
 * All are POST.
 */
const bindings: Readonly<Record<string, readonly string[]>> = {
  'etcdserverpb.KV/Range': ['kv/range'],
  'etcdserverpb.KV/Put': ['kv/put'],
  'etcdserverpb.KV/DeleteRange': ['kv/deleterange'],
  'etcdserverpb.KV/Txn': ['kv/txn'],
  'etcdserverpb.KV/Compact': ['kv/compaction'],
  'etcdserverpb.Watch/Watch': ['watch'],
  'etcdserverpb.Lease/LeaseGrant': ['lease/grant'],
  'etcdserverpb.Lease/LeaseRevoke': ['lease/revoke', 'kv/lease/revoke'],
  'etcdserverpb.Lease/LeaseKeepAlive': ['lease/keepalive'],
  'etcdserverpb.Lease/LeaseTimeToLive': ['lease/timetolive', 'kv/lease/timetolive'],
  'etcdserverpb.Lease/LeaseLeases': ['lease/leases', 'kv/lease/leases'],
  'etcdserverpb.Cluster/MemberAdd': ['cluster/member/add'],
  'etcdserverpb.Cluster/MemberRemove': ['cluster/member/remove'],
  'etcdserverpb.Cluster/MemberUpdate': ['cluster/member/update'],
  'etcdserverpb.Cluster/MemberList': ['cluster/member/list'],
  'etcdserverpb.Cluster/MemberPromote': ['cluster/member/promote'],
  'etcdserverpb.Maintenance/Alarm': ['maintenance/alarm'],
  'etcdserverpb.Maintenance/Status': ['maintenance/status'],
  'etcdserverpb.Maintenance/Defragment': ['maintenance/defragment'],
  // Until 3.5 the first path was that of HashKV, and nothing had the second; now Hash has it.
  'etcdserverpb.Maintenance/HashKV': ['maintenance/hash', 'maintenance/hashkv'],
  'etcdserverpb.Maintenance/Snapshot': ['maintenance/snapshot'],
  'etcdserverpb.Maintenance/MoveLeader': ['maintenance/transfer-leadership'],
  'etcdserverpb.Maintenance/Downgrade': ['maintenance/downgrade'],
  'etcdserverpb.Auth/AuthEnable': ['auth/enable'],
  'etcdserverpb.Auth/AuthDisable': ['auth/disable'],
  'etcdserverpb.Auth/AuthStatus': ['auth/status'],
  'etcdserverpb.Auth/Authenticate': ['auth/authenticate'],
  'etcdserverpb.Auth/UserAdd': ['auth/user/add'],
  'etcdserverpb.Auth/UserGet': ['auth/user/get'],
  'etcdserverpb.Auth/UserList': ['auth/user/list'],
  'etcdserverpb.Auth/UserDelete': ['auth/user/delete'],
  'etcdserverpb.Auth/UserChangePassword': ['auth/user/changepw'],
  'etcdserverpb.Auth/UserGrantRole': ['auth/user/grant'],
  'etcdserverpb.Auth/UserRevokeRole': ['auth/user/revoke'],
  'etcdserverpb.Auth/RoleAdd': ['auth/role/add'],
  'etcdserverpb.Auth/RoleGet': ['auth/role/get'],
  'etcdserverpb.Auth/RoleList': ['auth/role/list'],
  'etcdserverpb.Auth/RoleDelete': ['auth/role/delete'],
  'etcdserverpb.Auth/RoleGrantPermission': ['auth/role/grant'],
  'etcdserverpb.Auth/RoleRevokePermission': ['auth/role/revoke'],
  'v3lockpb.Lock/Lock': ['lock/lock'],
  'v3lockpb.Lock/Unlock': ['lock/unlock'],
  'v3electionpb.Election/Campaign': ['election/campaign'],
  'v3electionpb.Election/Proclaim': ['election/proclaim'],
  'v3electionpb.Election/Leader': ['election/leader'],
  'v3electionpb.Election/Observe': ['election/observe'],
  'v3electionpb.Election/Resign': ['election/resign'],
};

const prefixes = ['/v3/', '/v3beta/'];

/** Path → `etcdserverpb.KV/Range`. */
export const gatewayPaths: ReadonlyMap<string, string> = new Map(
  Object.entries(bindings).flatMap(([call, paths]) =>
    paths.flatMap((path) => prefixes.map((prefix) => [prefix + path, call] as const)),
  ),
);

export const isGatewayPath = (path: string): boolean => prefixes.some((prefix) => path.startsWith(prefix));
