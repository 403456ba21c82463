import type { AuthHandlers } from '@raftsman/proto/gen/etcdserverpb/Auth.js';
import type {
  Permission as WirePermission,
  Permission__Output,
} from '@raftsman/proto/gen/authpb/Permission.js';
import type { AuthCommand } from '../auth/commands.js';
import { authLimits } from '../auth/limits.js';
import { requireAdmin } from '../auth/permissions.js';
import type { AuthState } from '../auth/state.js';
import { AuthError, type Permission } from '../auth/types.js';
import { permitAdmin, proposeAuthAs, readAs, untilCurrent, type Caller, type Check } from './access.js';
import { issueToken } from './auth-tokens.js';
import { header, type Context } from './context.js';
import { etcdError, unsupported } from './errors.js';
import { binary } from './from-wire.js';
import type { Passwords } from './passwords.js';
import { unary } from './unary.js';

/** Users, roles and tokens (etcd's api/v3rpc/auth.go). Passwords are hashed here, once, before anything is proposed. */
export function createAuth(context: Context, passwords: Passwords): AuthHandlers {
  return { ...createSwitch(context, passwords), ...createUsers(context, passwords), ...createRoles(context) };
}

type Handlers<Names extends keyof AuthHandlers> = Pick<AuthHandlers, Names>;

function createSwitch(
  context: Context,
  passwords: Passwords,
): Handlers<'AuthEnable' | 'AuthDisable' | 'AuthStatus' | 'Authenticate'> {
  return {
    AuthEnable: change(context, () => ({ kind: 'enable' })),
    AuthDisable: change(context, () => ({ kind: 'disable' })),
    AuthStatus: ask(
      context,
      () => requireAdmin,
      (_, { enabled, revision }) => ({ header: header(context), enabled, authRevision: revision }),
    ),
    Authenticate: unary(context, async ({ name, password }, call) => {
      await context.replica.readIndex();
      const token = await authenticate(context, passwords, name, password, call.getPeer());
      return { header: header(context), token };
    }),
  };
}

/** Rejects with EtcdError, AuthError or ReplicaError. */
async function authenticate(
  context: Context,
  passwords: Passwords,
  user: string,
  password: string,
  address: string,
): Promise<string> {
  requirePassword(password);
  return untilCurrent(async () => {
    const { auth } = context.stateMachine;
    if (!auth.enabled) throw new AuthError('not-enabled');
    const { revision } = auth;
    const isRight = await passwords.matches(password, auth.user(user)?.password ?? null, address);
    if (!isRight) throw new AuthError('auth-failed');
    return issueToken(context, { user, revision });
  });
}

function createUsers(
  context: Context,
  passwords: Passwords,
): Handlers<
  | 'UserAdd'
  | 'UserGet'
  | 'UserList'
  | 'UserDelete'
  | 'UserChangePassword'
  | 'UserGrantRole'
  | 'UserRevokeRole'
> {
  const hash = async (password: string, call: Caller): Promise<string> => {
    requirePassword(password);
    // Nobody else may have it work.
    await permitAdmin(context, call);
    return passwords.hash(password, call.getPeer());
  };
  return {
    UserAdd: change(context, async ({ name, password, options }, call) => {
      requireName(name);
      return {
        kind: 'user-add',
        name,
        password: options?.noPassword === true ? null : await hash(password, call),
      };
    }),
    UserChangePassword: change(context, async ({ name, password, hashedPassword }, call) => {
      if (password === '' && hashedPassword !== '') throw unsupported('a hash in place of a password');
      return { kind: 'user-change-password', name, password: await hash(password, call) };
    }),
    UserDelete: change(context, ({ name }) => ({ kind: 'user-delete', name })),
    UserGrantRole: change(context, ({ user, role }) => ({ kind: 'user-grant-role', user, role })),
    UserRevokeRole: change(context, ({ name, role }) => ({ kind: 'user-revoke-role', user: name, role })),
    UserGet: ask(
      context,
      ({ name }) =>
        (auth, who) => {
          if (who.user !== name || name === '') requireAdmin(auth, who);
        },
      ({ name }, auth) => {
        const user = auth.user(name);
        if (user === undefined) throw new AuthError('user-not-found');
        return { header: header(context), roles: [...user.roles] };
      },
    ),
    UserList: ask(
      context,
      () => requireAdmin,
      (_, auth) => ({ header: header(context), users: auth.userNames() }),
    ),
  };
}

function createRoles(
  context: Context,
): Handlers<
  'RoleAdd' | 'RoleGet' | 'RoleList' | 'RoleDelete' | 'RoleGrantPermission' | 'RoleRevokePermission'
> {
  return {
    RoleAdd: change(context, ({ name }) => {
      requireName(name);
      return { kind: 'role-add', name };
    }),
    RoleDelete: change(context, ({ role }) => ({ kind: 'role-delete', name: role })),
    RoleGrantPermission: change(context, ({ name, perm }) => {
      if (perm === null) throw new AuthError('permission-not-given');
      return { kind: 'role-grant-permission', role: name, permission: parsePermission(perm) };
    }),
    RoleRevokePermission: change(context, ({ role, key, rangeEnd }) => ({
      kind: 'role-revoke-permission',
      role,
      key: binary(key),
      rangeEnd: binary(rangeEnd),
    })),
    RoleGet: ask(
      context,
      ({ role }) =>
        (auth, who) => {
          if (!auth.hasRole(who.user, role)) requireAdmin(auth, who);
        },
      ({ role: name }, auth) => {
        const role = auth.role(name);
        if (role === undefined) throw new AuthError('role-not-found');
        return { header: header(context), perm: role.permissions.map(wirePermission) };
      },
    ),
    RoleList: ask(
      context,
      () => requireAdmin,
      (_, auth) => ({ header: header(context), roles: auth.roleNames() }),
    ),
  };
}

/** A command of an administrator's, answered by nothing but a header. */
function change<Request>(
  context: Context,
  parse: (request: Request, call: Caller) => AuthCommand | Promise<AuthCommand>,
) {
  return unary<Request, { header: ReturnType<typeof header> }>(context, async (request, call) => {
    await proposeAuthAs(context, call, await parse(request, call));
    return { header: header(context) };
  });
}

/** A question that sees every change that was answered before. */
function ask<Request, Response>(
  context: Context,
  check: (request: Request) => Check,
  answer: (request: Request, auth: AuthState) => Response,
) {
  return unary<Request, Response>(context, async (request, call) => {
    await context.replica.readIndex();
    return readAs(context, call, check(request), () => answer(request, context.stateMachine.auth));
  });
}

function parsePermission({ permType, key, rangeEnd }: Permission__Output): Permission {
  // An unknown number of an enumeration stays a number.
  if (typeof permType !== 'string') throw new AuthError('invalid-management');
  return { type: permType, key: binary(key), rangeEnd: binary(rangeEnd) };
}

const wirePermission = ({ type, key, rangeEnd }: Permission): WirePermission => ({
  permType: type,
  key: Buffer.from(key, 'latin1'),
  rangeEnd: Buffer.from(rangeEnd, 'latin1'),
});

function requireName(name: string): void {
  if (Buffer.byteLength(name) > authLimits.nameBytesMax) throw etcdError('nameTooLong');
}

function requirePassword(password: string): void {
  if (Buffer.byteLength(password) > authLimits.passwordBytesMax) throw etcdError('passwordTooLong');
}
