import { authLimits } from '../auth/limits.js';
import { metaRow, roleRow, userRow } from '../auth/rows.js';
import { permissionTypes, rootRole, rootUser, type Permission, type Role, type User } from '../auth/types.js';
import type { Row } from '../contract.js';
import { authKeys } from './auth-records.js';
import type { BoltFile } from './bolt/reader.js';
import { SnapshotFileError } from './errors.js';
import { snapshotLimits } from './limits.js';
import { readFields } from './protobuf.js';
import { whole } from './records.js';

export interface ImportedAuth {
  /** In key order. */
  readonly rows: readonly (Row & { readonly value: Uint8Array })[];
  readonly enabled: boolean;
  /** Users whose password is stored in a form that cannot be checked here (etcd's bcrypt): they have none until it is set anew. */
  readonly withoutPassword: readonly string[];
}

/** Users and roles of a file. Rejects with SnapshotFileError, also if authentication would lock everybody out. */
export async function importAuth(file: BoltFile, disable: boolean): Promise<ImportedAuth> {
  const meta = await authMeta(file);
  const roles: Role[] = [];
  for (const { key, value } of await small(file, 'authRoles', authLimits.rolesMax))
    roles.push(readRole(nameOf(key), value));
  const known = new Set(roles.map(({ name }) => name));
  const users: User[] = [];
  const withoutPassword: string[] = [];
  for (const { key, value } of await small(file, 'authUsers', authLimits.usersMax)) {
    const { user, foreign } = readUser(nameOf(key), value, known);
    users.push(user);
    if (foreign) withoutPassword.push(user.name);
  }
  const enabled = meta.enabled && !disable;
  if (enabled) requireWayIn(users, withoutPassword);
  if (users.length === 0 && roles.length === 0 && !meta.enabled && meta.revision <= 1)
    return { rows: [], enabled, withoutPassword };
  const rows = [metaRow(enabled, Math.max(1, meta.revision)), ...roles.map(roleRow), ...users.map(userRow)];
  return { rows, enabled, withoutPassword };
}

function requireWayIn(users: readonly User[], withoutPassword: readonly string[]): void {
  const root = users.find(({ name }) => name === rootUser);
  if (root === undefined || !root.roles.includes(rootRole))
    throw new SnapshotFileError('authentication is enabled, but there is no user root with role root');
  if (withoutPassword.includes(rootUser))
    throw new SnapshotFileError(
      "authentication is enabled, and root's password cannot be carried over from etcd: restore with --disable-auth, set the passwords, and enable it again",
    );
}

async function authMeta(file: BoltFile): Promise<{ readonly enabled: boolean; readonly revision: number }> {
  let enabled = false;
  let revision = 0;
  for (const { key, value } of await small(file, 'auth', 16)) {
    if (nameOf(key) === authKeys.enabled) enabled = value.length === 1 && value[0] === 1;
    if (nameOf(key) === authKeys.revision) {
      if (value.length !== 8) throw new SnapshotFileError('the auth revision is malformed');
      revision = whole(Buffer.from(value).readBigUInt64BE(), 'the auth revision');
    }
  }
  return { enabled, revision };
}

async function small(file: BoltFile, bucket: string, countMax: number) {
  const items: { readonly key: Buffer; readonly value: Buffer }[] = [];
  let bytes = 0;
  for await (const { key, value } of file.items(bucket)) {
    bytes += key.length + value.length;
    if (items.length >= countMax || bytes > snapshotLimits.smallRowsBytesMax)
      throw new SnapshotFileError(`bucket ${bucket} is too large`);
    items.push({ key: Buffer.from(key), value: Buffer.from(value) });
  }
  return items;
}

function nameOf(key: Uint8Array): string {
  const name = Buffer.from(key).toString('utf8');
  const isName =
    key.length > 0 && key.length <= authLimits.nameBytesMax && Buffer.compare(Buffer.from(name), key) === 0;
  if (!isName) throw new SnapshotFileError('the name of a user or role is malformed');
  return name;
}

function readRole(name: string, message: Uint8Array): Role {
  const permissions: Permission[] = [];
  for (const { number, bytes } of readFields(message))
    if (number === 2) permissions.push(readPermission(bytes));
  if (permissions.length > authLimits.permissionsPerRoleMax)
    throw new SnapshotFileError(`role ${name} has too many permissions`);
  const byKey = (left: Permission, right: Permission): number =>
    compare(left.key, right.key) || compare(left.rangeEnd, right.rangeEnd);
  return { name, permissions: permissions.toSorted(byKey) };
}

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

function readPermission(message: Uint8Array): Permission {
  let type: Permission['type'] | undefined = permissionTypes[0];
  let key = '';
  let rangeEnd = '';
  for (const { number, value, bytes } of readFields(message)) {
    if (number === 1) type = permissionTypes[Number(value)];
    if (number === 2) key = bytes.toString('latin1');
    if (number === 3) rangeEnd = bytes.toString('latin1');
  }
  if (type === undefined) throw new SnapshotFileError('a permission is of an unknown kind');
  return { type, key, rangeEnd };
}

/** A stored password that came from here: what it costs to check is bounded. */
const ownPassword = /^scrypt\$1[0-7]\$8\$(?:[1-9]|1[0-6])\$[A-Za-z0-9+/=]{4,64}\$[A-Za-z0-9+/]{43}=$/;

function readUser(
  name: string,
  message: Uint8Array,
  known: ReadonlySet<string>,
): { readonly user: User; readonly foreign: boolean } {
  let stored = '';
  const roles = new Set<string>();
  for (const { number, bytes } of readFields(message)) {
    if (number === 2) stored = bytes.toString('latin1');
    const role = number === 3 ? bytes.toString('utf8') : '';
    // The administrators' role counts whether there is one of this name or not.
    if (known.has(role) || role === rootRole) roles.add(role);
  }
  if (roles.size > authLimits.rolesPerUserMax) throw new SnapshotFileError(`user ${name} has too many roles`);
  const foreign = stored !== '' && !ownPassword.test(stored);
  // A hash of etcd's becomes one that nothing matches, and that can be changed: null is for users who never have a password.
  const password = foreign ? '' : stored || null;
  const inOrder = [...roles].toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
  return { user: { name, password, roles: inOrder }, foreign };
}
