import fc from 'fast-check';
import type { AuthCommand } from '../../src/auth/commands.js';
import { permissionTypes } from '../../src/auth/types.js';

const name = fc.constantFrom('root', 'a', 'Zoë', '𝒳', '');
const key = fc.constantFrom('', 'a', 'b', '\xff');
const kind = <K extends string>(...kinds: readonly K[]) => fc.constantFrom(...kinds);

/** Commands of users and roles, of every kind. */
export const authCommand: fc.Arbitrary<AuthCommand> = fc.oneof(
  fc.record({ kind: kind('enable', 'disable') }),
  fc.record({ kind: kind('authenticate'), user: name, tokenDigest: key, revision: fc.nat(9) }),
  fc.record({ kind: kind('user-add'), name, password: fc.option(fc.string()) }),
  fc.record({ kind: kind('user-delete', 'role-add', 'role-delete'), name }),
  fc.record({ kind: kind('user-change-password'), name, password: fc.string() }),
  fc.record({ kind: kind('user-grant-role', 'user-revoke-role'), user: name, role: name }),
  fc.record({
    kind: kind('role-grant-permission'),
    role: name,
    permission: fc.record({ type: fc.constantFrom(...permissionTypes), key, rangeEnd: key }),
  }),
  fc.record({ kind: kind('role-revoke-permission'), role: name, key, rangeEnd: key }),
) as fc.Arbitrary<AuthCommand>;
