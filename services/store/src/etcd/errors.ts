import type { StatusObject } from '@grpc/grpc-js';
import { MvccError, type MvccErrorCode } from '@raftsman/mvcc';
import { status } from '@raftsman/wire';
import { AuthError, type AuthErrorCode } from '../auth/types.js';
import {
  ForwardError,
  MembershipError,
  ReplicaError,
  type MembershipErrorCode,
  type ReplicaErrorCode,
} from '../contract.js';

/** etcd's codes and texts (api/v3rpc/rpctypes/error.go): clients compare the texts. */
export const etcdErrors = {
  emptyKey: [status.INVALID_ARGUMENT, 'etcdserver: key is not provided'],
  keyNotFound: [status.INVALID_ARGUMENT, 'etcdserver: key not found'],
  valueProvided: [status.INVALID_ARGUMENT, 'etcdserver: value is provided'],
  leaseProvided: [status.INVALID_ARGUMENT, 'etcdserver: lease is provided'],
  tooManyOps: [status.INVALID_ARGUMENT, 'etcdserver: too many operations in txn request'],
  duplicateKey: [status.INVALID_ARGUMENT, 'etcdserver: duplicate key given in txn request'],
  invalidSortOption: [status.INVALID_ARGUMENT, 'etcdserver: invalid sort option'],
  invalidCompare: [status.INVALID_ARGUMENT, 'etcdserver: invalid compare result or target'],
  compacted: [status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted'],
  futureRevision: [status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision is a future revision'],
  noSpace: [status.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded'],
  leaseNotFound: [status.NOT_FOUND, 'etcdserver: requested lease not found'],
  leaseExists: [status.FAILED_PRECONDITION, 'etcdserver: lease already exists'],
  leaseTtlTooLarge: [status.OUT_OF_RANGE, 'etcdserver: too large lease TTL'],
  requestTooLarge: [status.INVALID_ARGUMENT, 'etcdserver: request is too large'],
  tooManyRequests: [status.RESOURCE_EXHAUSTED, 'etcdserver: too many requests'],
  authNotEnabled: [status.FAILED_PRECONDITION, 'etcdserver: authentication is not enabled'],
  rootUserMissing: [status.FAILED_PRECONDITION, 'etcdserver: root user does not exist'],
  rootRoleMissing: [status.FAILED_PRECONDITION, 'etcdserver: root user does not have root role'],
  userExists: [status.FAILED_PRECONDITION, 'etcdserver: user name already exists'],
  userEmpty: [status.INVALID_ARGUMENT, 'etcdserver: user name is empty'],
  userNotFound: [status.FAILED_PRECONDITION, 'etcdserver: user name not found'],
  roleNotFound: [status.FAILED_PRECONDITION, 'etcdserver: role name not found'],
  roleExists: [status.FAILED_PRECONDITION, 'etcdserver: role name already exists'],
  roleEmpty: [status.INVALID_ARGUMENT, 'etcdserver: role name is empty'],
  roleNotGranted: [status.FAILED_PRECONDITION, 'etcdserver: role is not granted to the user'],
  permissionNotGiven: [status.INVALID_ARGUMENT, 'etcdserver: permission not given'],
  permissionNotGranted: [status.FAILED_PRECONDITION, 'etcdserver: permission is not granted to the role'],
  permissionDenied: [status.PERMISSION_DENIED, 'etcdserver: permission denied'],
  authFailed: [status.INVALID_ARGUMENT, 'etcdserver: authentication failed, invalid user ID or password'],
  invalidAuthToken: [status.UNAUTHENTICATED, 'etcdserver: invalid auth token'],
  invalidAuthManagement: [status.INVALID_ARGUMENT, 'etcdserver: invalid auth management'],
  authOldRevision: [status.INVALID_ARGUMENT, 'etcdserver: revision of auth store is old'],
  // The next three are our own.
  tooManyUsers: [status.RESOURCE_EXHAUSTED, 'etcdserver: too many users, roles or permissions'],
  nameTooLong: [status.INVALID_ARGUMENT, 'etcdserver: user or role name is too long'],
  passwordTooLong: [status.INVALID_ARGUMENT, 'etcdserver: password is too long'],
  noLeader: [status.UNAVAILABLE, 'etcdserver: no leader'],
  notLeader: [status.FAILED_PRECONDITION, 'etcdserver: not leader'],
  badLeaderTransferee: [status.FAILED_PRECONDITION, 'etcdserver: bad leader transferee'],
  timeoutLeaderTransfer: [status.UNAVAILABLE, 'etcdserver: request timed out, leader transfer took too long'],
  corrupt: [status.DATA_LOSS, 'etcdserver: corrupt cluster'],
  wrongDowngradeVersionFormat: [status.INVALID_ARGUMENT, 'etcdserver: wrong downgrade target version format'],
  invalidDowngradeTargetVersion: [status.INVALID_ARGUMENT, 'etcdserver: invalid downgrade target version'],
  noInflightDowngrade: [status.FAILED_PRECONDITION, 'etcdserver: no inflight downgrade job'],
  leaderChanged: [status.UNAVAILABLE, 'etcdserver: leader changed'],
  stopped: [status.UNAVAILABLE, 'etcdserver: server stopped'],
  timeout: [status.UNAVAILABLE, 'etcdserver: request timed out'],
  notCapable: [status.UNAVAILABLE, 'etcdserver: not capable'],
  peerUrlExists: [status.FAILED_PRECONDITION, 'etcdserver: Peer URLs already exists'],
  notEnoughStarted: [
    status.FAILED_PRECONDITION,
    'etcdserver: re-configuration failed due to not enough started members',
  ],
  memberBadUrls: [status.INVALID_ARGUMENT, 'etcdserver: given member URLs are invalid'],
  memberNotLearner: [status.FAILED_PRECONDITION, 'etcdserver: can only promote a learner member'],
  learnerNotReady: [
    status.FAILED_PRECONDITION,
    'etcdserver: can only promote a learner member which is in sync with leader',
  ],
  tooManyLearners: [status.FAILED_PRECONDITION, 'etcdserver: too many learner members in cluster'],
  unhealthy: [status.UNAVAILABLE, 'etcdserver: unhealthy cluster'],
  notSupportedForLearner: [status.UNAVAILABLE, 'etcdserver: rpc not supported for learner'],
  // The next three are our own.
  notSupportedForWitness: [
    status.UNAVAILABLE,
    'etcdserver: not capable: this member is a witness, which keeps no data',
  ],
  tooManyMembers: [status.FAILED_PRECONDITION, 'etcdserver: too many members in cluster'],
  learnerFirst: [
    status.FAILED_PRECONDITION,
    'etcdserver: a cluster with a witness takes a new member as a learner first, which is promoted then',
  ],
  memberNotFound: [status.NOT_FOUND, 'etcdserver: member not found'],
  rangeStreamSorted: [status.UNIMPLEMENTED, 'RangeStream does not support custom sort orders'],
  rangeStreamFiltered: [status.UNIMPLEMENTED, 'RangeStream does not support revision filters'],
  canceled: [status.CANCELLED, 'context canceled'],
  lockSessionExpired: [status.UNKNOWN, 'mutex: session is expired'],
  electionNotLeader: [status.UNKNOWN, 'election: not leader'],
  electionNoLeader: [status.UNKNOWN, 'election: no leader'],
  electionLeaderMissing: [status.UNKNOWN, '"leader" field must be provided'],
} as const satisfies Record<string, readonly [status, string]>;

export type EtcdErrorName = keyof typeof etcdErrors;

/** An answer that is a refusal: a gRPC status. */
export class EtcdError extends Error implements Pick<StatusObject, 'code' | 'details'> {
  readonly code: status;
  readonly details: string;

  constructor(code: status, details: string) {
    super(details);
    this.name = 'EtcdError';
    this.code = code;
    this.details = details;
  }
}

export function etcdError(name: EtcdErrorName): EtcdError {
  const [code, details] = etcdErrors[name];
  return new EtcdError(code, details);
}

/** An RPC of etcd's that this store does not have. */
export const unsupported = (what: string): EtcdError =>
  new EtcdError(status.UNIMPLEMENTED, `etcdserver: ${what} is not supported by this store`);

/** As Go prints a status, which etcd puts into the reason of a canceled watch. */
export function printed({ code, details }: EtcdError): string {
  const name = status[code]
    .toLowerCase()
    .replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return `rpc error: code = ${name} desc = ${details}`;
}

const byMvccCode: Record<MvccErrorCode, EtcdErrorName> = {
  compacted: 'compacted',
  'future-revision': 'futureRevision',
  'key-not-found': 'keyNotFound',
  'lease-not-found': 'leaseNotFound',
  'lease-exists': 'leaseExists',
  'lease-ttl-too-large': 'leaseTtlTooLarge',
  'stale-expiry': 'leaderChanged',
  'malformed-command': 'requestTooLarge',
};

const byReplicaCode: Record<ReplicaErrorCode, EtcdErrorName> = {
  'no-leader': 'noLeader',
  'not-leader': 'notLeader',
  'not-capable': 'notCapable',
  timeout: 'timeout',
  'too-many-requests': 'tooManyRequests',
  stopped: 'stopped',
  'leader-changed': 'leaderChanged',
};

const byMembershipCode: Record<MembershipErrorCode, EtcdErrorName> = {
  'peer-url-exists': 'peerUrlExists',
  'bad-urls': 'memberBadUrls',
  'not-found': 'memberNotFound',
  'not-learner': 'memberNotLearner',
  'learner-not-ready': 'learnerNotReady',
  'too-many-learners': 'tooManyLearners',
  'too-many-members': 'tooManyMembers',
  'learner-first': 'learnerFirst',
  'not-enough-started': 'notEnoughStarted',
  unhealthy: 'unhealthy',
};

const byAuthCode: Record<AuthErrorCode, EtcdErrorName> = {
  'root-user-missing': 'rootUserMissing',
  'root-role-missing': 'rootRoleMissing',
  'user-exists': 'userExists',
  'user-empty': 'userEmpty',
  'user-not-found': 'userNotFound',
  'role-exists': 'roleExists',
  'role-empty': 'roleEmpty',
  'role-not-found': 'roleNotFound',
  'role-not-granted': 'roleNotGranted',
  'permission-not-given': 'permissionNotGiven',
  'permission-not-granted': 'permissionNotGranted',
  'permission-denied': 'permissionDenied',
  'invalid-management': 'invalidAuthManagement',
  'not-enabled': 'authNotEnabled',
  'auth-failed': 'authFailed',
  'old-revision': 'authOldRevision',
  'too-many': 'tooManyUsers',
};

/** The refusal that an error stands for; undefined: it is a bug. */
export function toEtcdError(error: unknown): EtcdError | undefined {
  if (error instanceof EtcdError) return error;
  if (error instanceof MvccError) return etcdError(byMvccCode[error.code]);
  if (error instanceof AuthError) return etcdError(byAuthCode[error.code]);
  if (error instanceof MembershipError) return etcdError(byMembershipCode[error.code]);
  if (error instanceof ReplicaError) return etcdError(byReplicaCode[error.code]);
  if (error instanceof ForwardError) return new EtcdError(error.code, error.details);
  return undefined;
}
