import type { Binary } from '@raftsman/mvcc';

/** The vocabulary of authentication; nouns are etcd's (auth/store.go). */

export const permissionTypes = ['READ', 'WRITE', 'READWRITE'] as const;
export type PermissionType = (typeof permissionTypes)[number];

/** What a role may do with a key (`rangeEnd` empty), with [key, rangeEnd), or with every key from `key` on (`rangeEnd` "\0"). */
export interface Permission {
  readonly type: PermissionType;
  readonly key: Binary;
  readonly rangeEnd: Binary;
}

export interface Role {
  readonly name: string;
  /** In the order of their keys. */
  readonly permissions: readonly Permission[];
}

export interface User {
  readonly name: string;
  /** The stored form, which tells how to check it; null: nobody can log in as this user with a password. */
  readonly password: string | null;
  /** In byte order, each once. */
  readonly roles: readonly string[];
}

/** This user and this role may do everything. */
export const rootUser = 'root';
export const rootRole = 'root';

/** Who makes a request, as whoever proposes it found out. */
export interface Identity {
  /** Empty: nobody has said. */
  readonly user: string;
  /** The auth revision at which that was so. */
  readonly revision: number;
}

/** Why a request is refused. Nothing has changed then. */
export type AuthErrorCode =
  | 'root-user-missing'
  | 'root-role-missing'
  | 'user-exists'
  | 'user-empty'
  | 'user-not-found'
  | 'role-exists'
  | 'role-empty'
  | 'role-not-found'
  | 'role-not-granted'
  | 'permission-not-given'
  | 'permission-not-granted'
  | 'permission-denied'
  | 'invalid-management'
  | 'not-enabled'
  | 'auth-failed'
  | 'old-revision'
  | 'too-many';

export class AuthError extends Error {
  readonly code: AuthErrorCode;
  constructor(code: AuthErrorCode) {
    super(code);
    this.name = 'AuthError';
    this.code = code;
  }
}
