import type { AuthHandlers } from '@raftsman/proto/gen/etcdserverpb/Auth.js';
import { header, type Context } from './context.js';
import { etcdError, unsupported, type EtcdErrorName } from './errors.js';
import { unary } from './unary.js';

/** Clients are known by their certificates. This answers as an etcd does whose authentication was never switched on. */
export function createAuth(context: Context): AuthHandlers {
  const refuse = (what: string) =>
    unary<unknown, never>(context, () => {
      throw unsupported(what);
    });
  const fail = (name: EtcdErrorName) =>
    unary<unknown, never>(context, () => {
      throw etcdError(name);
    });
  const nothing = unary(context, () => ({ header: header(context) }));
  return {
    AuthStatus: unary(context, () => ({ header: header(context), enabled: false, authRevision: 1 })),
    AuthEnable: refuse('authentication by password'),
    AuthDisable: nothing,
    Authenticate: fail('authNotEnabled'),
    UserAdd: refuse('adding a user'),
    UserGet: fail('userNotFound'),
    UserList: nothing,
    UserDelete: fail('userNotFound'),
    UserChangePassword: fail('userNotFound'),
    UserGrantRole: fail('userNotFound'),
    UserRevokeRole: fail('userNotFound'),
    RoleAdd: refuse('adding a role'),
    RoleGet: fail('roleNotFound'),
    RoleList: nothing,
    RoleDelete: fail('roleNotFound'),
    RoleGrantPermission: fail('roleNotFound'),
    RoleRevokePermission: fail('roleNotFound'),
  };
}
