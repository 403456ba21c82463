import type { Row } from '../contract.js';
import type { AuthCommand } from './commands.js';
import { authLimits } from './limits.js';
import { Coverage, interval, type Interval } from './ranges.js';
import { metaRow, readAuthRow, removedRoleRow, removedUserRow, roleRow, userRow } from './rows.js';
import type { TokenChange } from './tokens.js';
import { AuthError, rootRole, rootUser, type Permission, type Role, type User } from './types.js';

export interface AuthApplied {
  readonly result: { readonly kind: AuthCommand['kind'] } | AuthError;
  readonly rows: readonly Row[];
  readonly tokens: TokenChange | null;
}

/** What the roles of one user allow together. */
interface Access {
  readonly read: Coverage;
  readonly write: Coverage;
}

type StoredRow = Row & { readonly value: Uint8Array };

/** Users and roles. Deterministic: what it becomes depends on the commands and their order alone. */
export class AuthState {
  #enabled = false;
  #revision = 1;
  readonly #users = new Map<string, User>();
  readonly #roles = new Map<string, Role>();
  /** Of users that were asked for since the last change. */
  readonly #access = new Map<string, Access>();

  /** Throws if they are not what a state wrote. */
  static restore(rows: Iterable<StoredRow>): AuthState {
    const state = new AuthState();
    for (const stored of rows) {
      const row = readAuthRow(stored);
      if (row.kind === 'user') state.#users.set(row.user.name, row.user);
      else if (row.kind === 'role') state.#roles.set(row.role.name, row.role);
      else {
        state.#enabled = row.enabled;
        state.#revision = row.revision;
      }
    }
    return state;
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /** Counts the changes, from 1. */
  get revision(): number {
    return this.#revision;
  }

  user(name: string): User | undefined {
    return this.#users.get(name);
  }

  role(name: string): Role | undefined {
    return this.#roles.get(name);
  }

  /** In byte order. */
  userNames(): string[] {
    return [...this.#users.keys()].sort(byBytes);
  }

  /** In byte order. */
  roleNames(): string[] {
    return [...this.#roles.keys()].sort(byBytes);
  }

  hasRole(user: string, role: string): boolean {
    return this.#users.get(user)?.roles.includes(role) ?? false;
  }

  /** Whether the user may read or write every key of the interval. */
  allows(user: string, what: 'read' | 'write', keys: Interval): boolean {
    if (this.hasRole(user, rootRole)) return true;
    return this.#accessOf(user)[what].covers(keys);
  }

  /** A refusal is a result and changes nothing. */
  apply(command: AuthCommand): AuthApplied {
    try {
      return { result: { kind: command.kind }, ...this.#run(command) };
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      return { result: error, rows: [], tokens: null };
    }
  }

  /** Every row, in key order. */
  *rows(): Generator<StoredRow> {
    if (this.#revision > 1 || this.#enabled) yield metaRow(this.#enabled, this.#revision);
    for (const name of this.roleNames()) yield roleRow(this.#roles.get(name)!);
    for (const name of this.userNames()) yield userRow(this.#users.get(name)!);
  }

  /** The checks and their order are etcd's. */
  #run(command: AuthCommand): Omit<AuthApplied, 'result'> {
    switch (command.kind) {
      case 'enable':
        return this.#enable();
      case 'disable':
        return this.#disable();
      case 'authenticate':
        return this.#authenticate(command);
      case 'user-add':
        return this.#addUser(command);
      case 'user-delete':
        return this.#deleteUser(command.name);
      case 'user-change-password':
        return this.#changePassword(command);
      case 'user-grant-role':
        return this.#grantRole(command);
      case 'user-revoke-role':
        return this.#revokeRole(command);
      case 'role-add':
        return this.#addRole(command.name);
      case 'role-delete':
        return this.#deleteRole(command.name);
      case 'role-grant-permission':
        return this.#grantPermission(command);
      case 'role-revoke-permission':
        return this.#revokePermission(command);
    }
  }

  #enable(): Omit<AuthApplied, 'result'> {
    if (this.#enabled) return unchanged;
    if (!this.#users.has(rootUser)) throw new AuthError('root-user-missing');
    if (!this.hasRole(rootUser, rootRole)) throw new AuthError('root-role-missing');
    this.#enabled = true;
    // Like etcd, without a new revision.
    return { rows: [metaRow(true, this.#revision)], tokens: null };
  }

  #disable(): Omit<AuthApplied, 'result'> {
    if (!this.#enabled) return unchanged;
    this.#enabled = false;
    return this.#changed([], { kind: 'all-gone' });
  }

  #authenticate({ user, tokenDigest, revision }: Of<'authenticate'>): Omit<AuthApplied, 'result'> {
    if (!this.#enabled) throw new AuthError('not-enabled');
    // The password may be another by now.
    if (revision !== this.#revision) throw new AuthError('old-revision');
    if (!this.#users.has(user)) throw new AuthError('auth-failed');
    return { rows: [], tokens: { kind: 'issued', digest: tokenDigest, user } };
  }

  #addUser({ name, password }: Of<'user-add'>): Omit<AuthApplied, 'result'> {
    if (name === '') throw new AuthError('user-empty');
    if (this.#users.has(name)) throw new AuthError('user-exists');
    if (this.#users.size >= authLimits.usersMax) throw new AuthError('too-many');
    return this.#changed([this.#setUser({ name, password, roles: [] })]);
  }

  #deleteUser(name: string): Omit<AuthApplied, 'result'> {
    if (this.#enabled && name === rootUser) throw new AuthError('invalid-management');
    this.#requireUser(name);
    this.#users.delete(name);
    return this.#changed([removedUserRow(name)], { kind: 'user-gone', user: name });
  }

  #changePassword({ name, password }: Of<'user-change-password'>): Omit<AuthApplied, 'result'> {
    const user = this.#requireUser(name);
    // Who was added without a password never gets one.
    const row = this.#setUser({ ...user, password: user.password === null ? null : password });
    return this.#changed([row], { kind: 'user-gone', user: name });
  }

  #grantRole({ user: name, role }: Of<'user-grant-role'>): Omit<AuthApplied, 'result'> {
    const user = this.#requireUser(name);
    // Root may be granted before there is a role of this name.
    if (role !== rootRole) this.#requireRole(role);
    if (user.roles.includes(role)) return unchanged;
    if (user.roles.length >= authLimits.rolesPerUserMax) throw new AuthError('too-many');
    return this.#changed([this.#setUser({ ...user, roles: [...user.roles, role].sort(byBytes) })]);
  }

  #revokeRole({ user: name, role }: Of<'user-revoke-role'>): Omit<AuthApplied, 'result'> {
    if (this.#enabled && name === rootUser && role === rootRole) throw new AuthError('invalid-management');
    const user = this.#requireUser(name);
    if (!user.roles.includes(role)) throw new AuthError('role-not-granted');
    return this.#changed([this.#setUser(without(user, role))]);
  }

  #addRole(name: string): Omit<AuthApplied, 'result'> {
    if (name === '') throw new AuthError('role-empty');
    if (this.#roles.has(name)) throw new AuthError('role-exists');
    if (this.#roles.size >= authLimits.rolesMax) throw new AuthError('too-many');
    return this.#changed([this.#setRole({ name, permissions: [] })]);
  }

  #deleteRole(name: string): Omit<AuthApplied, 'result'> {
    if (this.#enabled && name === rootRole) throw new AuthError('invalid-management');
    this.#requireRole(name);
    this.#roles.delete(name);
    const holders = [...this.#users.values()].filter(({ roles }) => roles.includes(name));
    const rows = holders.map((user) => this.#setUser(without(user, name)));
    return this.#changed([removedRoleRow(name), ...rows]);
  }

  #grantPermission({ role: name, permission }: Of<'role-grant-permission'>): Omit<AuthApplied, 'result'> {
    const { key, rangeEnd } = permission;
    const isValid = key !== '' && (rangeEnd === '' || rangeEnd === '\0' || key < rangeEnd);
    if (!isValid) throw new AuthError('invalid-management');
    const role = this.#requireRole(name);
    const others = role.permissions.filter((each) => !isSameRange(each, permission));
    if (others.length >= authLimits.permissionsPerRoleMax) throw new AuthError('too-many');
    const at = others.findIndex((each) => each.key > key);
    const permissions = others.toSpliced(at === -1 ? others.length : at, 0, permission);
    return this.#changed([this.#setRole({ name, permissions })]);
  }

  #revokePermission(command: Of<'role-revoke-permission'>): Omit<AuthApplied, 'result'> {
    const role = this.#requireRole(command.role);
    const permissions = role.permissions.filter((each) => !isSameRange(each, command));
    if (permissions.length === role.permissions.length) throw new AuthError('permission-not-granted');
    return this.#changed([this.#setRole({ ...role, permissions })]);
  }

  #requireUser(name: string): User {
    const user = this.#users.get(name);
    if (user === undefined) throw new AuthError('user-not-found');
    return user;
  }

  #requireRole(name: string): Role {
    const role = this.#roles.get(name);
    if (role === undefined) throw new AuthError('role-not-found');
    return role;
  }

  #setUser(user: User): Row {
    this.#users.set(user.name, user);
    return userRow(user);
  }

  #setRole(role: Role): Row {
    this.#roles.set(role.name, role);
    return roleRow(role);
  }

  #changed(rows: readonly Row[], tokens: TokenChange | null = null): Omit<AuthApplied, 'result'> {
    this.#revision += 1;
    this.#access.clear();
    return { rows: [metaRow(this.#enabled, this.#revision), ...rows], tokens };
  }

  #accessOf(name: string): Access {
    const known = this.#access.get(name);
    if (known !== undefined) return known;
    const roles = this.#users.get(name)?.roles ?? [];
    const permissions = roles.flatMap((role) => this.#roles.get(role)?.permissions ?? []);
    const of = (type: Permission['type']): Coverage =>
      new Coverage(
        permissions
          .filter((each) => each.type === type || each.type === 'READWRITE')
          .map(({ key, rangeEnd }) => interval(key, rangeEnd)),
      );
    const access = { read: of('READ'), write: of('WRITE') };
    if (this.#users.has(name)) this.#access.set(name, access);
    return access;
  }
}

type Of<Kind extends AuthCommand['kind']> = Extract<AuthCommand, { kind: Kind }>;

const unchanged: Omit<AuthApplied, 'result'> = { rows: [], tokens: null };

const isSameRange = (
  a: Pick<Permission, 'key' | 'rangeEnd'>,
  b: Pick<Permission, 'key' | 'rangeEnd'>,
): boolean => a.key === b.key && a.rangeEnd === b.rangeEnd;

const without = (user: User, role: string): User => ({
  ...user,
  roles: user.roles.filter((each) => each !== role),
});

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
