import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuthCommand } from '../../src/auth/commands.js';
import { authLimits } from '../../src/auth/limits.js';
import { interval } from '../../src/auth/ranges.js';
import { AuthState } from '../../src/auth/state.js';
import { AuthError, permissionTypes } from '../../src/auth/types.js';

/** The refusal's code; null: it was done. */
function apply(state: AuthState, command: AuthCommand): string | null {
  const { result, rows } = state.apply(command);
  if (!(result instanceof AuthError)) return null;
  if (rows.length > 0) throw new Error('a refusal changed something');
  return result.code;
}

function withRoot(): AuthState {
  const state = new AuthState();
  apply(state, { kind: 'user-add', name: 'root', password: 'x' });
  apply(state, { kind: 'user-grant-role', user: 'root', role: 'root' });
  return state;
}

describe('the administrators', () => {
  it('must be there before authentication is enabled', () => {
    const state = new AuthState();
    expect(apply(state, { kind: 'enable' })).toBe('root-user-missing');
    apply(state, { kind: 'user-add', name: 'root', password: null });
    expect(apply(state, { kind: 'enable' })).toBe('root-role-missing');
    expect(apply(state, { kind: 'user-grant-role', user: 'root', role: 'root' })).toBeNull();
    expect(apply(state, { kind: 'enable' })).toBeNull();
    expect(state.enabled).toBe(true);
  });

  it('cannot be locked out while it is', () => {
    const state = withRoot();
    apply(state, { kind: 'role-add', name: 'root' });
    apply(state, { kind: 'enable' });
    expect(apply(state, { kind: 'user-delete', name: 'root' })).toBe('invalid-management');
    expect(apply(state, { kind: 'user-revoke-role', user: 'root', role: 'root' })).toBe('invalid-management');
    expect(apply(state, { kind: 'role-delete', name: 'root' })).toBe('invalid-management');
    apply(state, { kind: 'disable' });
    expect(apply(state, { kind: 'role-delete', name: 'root' })).toBeNull();
    expect(apply(state, { kind: 'user-delete', name: 'root' })).toBeNull();
  });
});

describe('the revision', () => {
  it('counts changes as etcd does', () => {
    const state = new AuthState();
    const steps: readonly (readonly [AuthCommand, number])[] = [
      [{ kind: 'disable' }, 1],
      [{ kind: 'user-add', name: 'root', password: 'x' }, 2],
      [{ kind: 'user-add', name: 'root', password: 'x' }, 2],
      [{ kind: 'user-grant-role', user: 'root', role: 'root' }, 3],
      [{ kind: 'user-grant-role', user: 'root', role: 'root' }, 3],
      [{ kind: 'enable' }, 3],
      [{ kind: 'authenticate', user: 'root', tokenDigest: 'd', revision: 3 }, 3],
      [{ kind: 'user-change-password', name: 'root', password: 'y' }, 4],
      [{ kind: 'role-add', name: 'r' }, 5],
      [{ kind: 'role-grant-permission', role: 'r', permission: { type: 'READ', key: 'k', rangeEnd: '' } }, 6],
      [{ kind: 'role-grant-permission', role: 'r', permission: { type: 'READ', key: 'k', rangeEnd: '' } }, 7],
      [{ kind: 'role-revoke-permission', role: 'r', key: 'k', rangeEnd: '' }, 8],
      [{ kind: 'role-delete', name: 'r' }, 9],
      [{ kind: 'disable' }, 10],
    ];
    for (const [command, revision] of steps) {
      apply(state, command);
      expect([command.kind, state.revision]).toEqual([command.kind, revision]);
    }
  });

  it('that a password was checked at must be the present one', () => {
    const state = withRoot();
    const authenticate = (revision: number): AuthCommand => ({
      kind: 'authenticate',
      user: 'root',
      tokenDigest: 'd',
      revision,
    });
    expect(apply(state, authenticate(3))).toBe('not-enabled');
    apply(state, { kind: 'enable' });
    expect(state.apply(authenticate(3)).tokens).toEqual({ kind: 'issued', digest: 'd', user: 'root' });
    apply(state, { kind: 'user-change-password', name: 'root', password: 'y' });
    expect(apply(state, authenticate(3))).toBe('old-revision');
  });
});

describe('permissions', () => {
  it('of all roles of a user add up, and end with the role', () => {
    const state = withRoot();
    apply(state, { kind: 'user-add', name: 'u', password: 'x' });
    for (const [role, key, rangeEnd] of [
      ['one', 'a', 'b'],
      ['two', 'b', 'c'],
    ] as const) {
      apply(state, { kind: 'role-add', name: role });
      apply(state, { kind: 'role-grant-permission', role, permission: { type: 'READ', key, rangeEnd } });
      expect(state.allows('u', 'read', interval('a', 'c'))).toBe(false);
      apply(state, { kind: 'user-grant-role', user: 'u', role });
    }
    expect(state.allows('u', 'read', interval('a', 'c'))).toBe(true);
    expect(state.allows('u', 'write', interval('a', ''))).toBe(false);
    apply(state, { kind: 'role-delete', name: 'two' });
    expect(state.user('u')?.roles).toEqual(['one']);
    expect(state.allows('u', 'read', interval('a', 'c'))).toBe(false);
    expect(state.allows('u', 'read', interval('a', 'b'))).toBe(true);
    expect(state.allows('nobody', 'read', interval('a', ''))).toBe(false);
    expect(state.allows('root', 'write', interval('\0', '\0'))).toBe(true);
  });

  it('are kept in the order of keys, one for each range', () => {
    const state = new AuthState();
    apply(state, { kind: 'role-add', name: 'r' });
    const grant = (type: 'READ' | 'WRITE', key: string, rangeEnd: string): string | null =>
      apply(state, { kind: 'role-grant-permission', role: 'r', permission: { type, key, rangeEnd } });
    grant('READ', 'k', 'l');
    grant('READ', 'a', '');
    grant('READ', 'k', 'm');
    grant('WRITE', 'k', 'l');
    grant('READ', 'z', '\0');
    expect(state.role('r')?.permissions.map(({ type, key, rangeEnd }) => [type, key, rangeEnd])).toEqual([
      ['READ', 'a', ''],
      ['READ', 'k', 'm'],
      ['WRITE', 'k', 'l'],
      ['READ', 'z', '\0'],
    ]);
    for (const [key, rangeEnd] of [
      ['', ''],
      ['b', 'a'],
      ['b', 'b'],
    ] as const)
      expect(grant('READ', key, rangeEnd)).toBe('invalid-management');
  });

  it('are bounded', () => {
    const state = new AuthState();
    apply(state, { kind: 'role-add', name: 'r' });
    const grant = (at: number): string | null =>
      apply(state, {
        kind: 'role-grant-permission',
        role: 'r',
        permission: { type: 'READ', key: `k${at}`, rangeEnd: '' },
      });
    for (let at = 0; at < authLimits.permissionsPerRoleMax; at += 1) grant(at);
    expect(grant(authLimits.permissionsPerRoleMax)).toBe('too-many');
    expect(grant(1)).toBeNull();
  });
});

const name = fc.constantFrom('root', 'a', 'Zoë', '𝒳', 'b');
const key = fc.constantFrom('a', 'b', 'c');
const command: fc.Arbitrary<AuthCommand> = fc.oneof(
  fc.constantFrom<AuthCommand>({ kind: 'enable' }, { kind: 'disable' }),
  fc.record({ kind: fc.constant('user-add'), name, password: fc.option(fc.string()) }),
  fc.record({ kind: fc.constantFrom('user-delete', 'role-add', 'role-delete'), name }),
  fc.record({ kind: fc.constant('user-change-password'), name, password: fc.string() }),
  fc.record({ kind: fc.constantFrom('user-grant-role', 'user-revoke-role'), user: name, role: name }),
  fc.record({
    kind: fc.constant('role-grant-permission'),
    role: name,
    permission: fc.record({ type: fc.constantFrom(...permissionTypes), key, rangeEnd: key }),
  }),
  fc.record({ kind: fc.constant('role-revoke-permission'), role: name, key, rangeEnd: key }),
) as fc.Arbitrary<AuthCommand>;

describe('the durable form', () => {
  it('is that of its rows, kept up to date by every command', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const state = new AuthState();
        const stored = new Map<string, Uint8Array>();
        for (const each of commands)
          for (const { key: at, value } of state.apply(each).rows) {
            if (value === null) stored.delete(Buffer.from(at).toString('latin1'));
            else stored.set(Buffer.from(at).toString('latin1'), value);
          }
        const rows = [...stored].sort(([a], [b]) => (a < b ? -1 : 1));
        expect([...state.rows()].map((row) => [Buffer.from(row.key).toString('latin1'), row.value])).toEqual(
          rows,
        );
        const restored = AuthState.restore(
          rows.map(([at, value]) => ({ key: Buffer.from(at, 'latin1'), value })),
        );
        expect([...restored.rows()]).toEqual([...state.rows()]);
        expect([restored.enabled, restored.revision]).toEqual([state.enabled, state.revision]);
      }),
      { numRuns: 300 },
    );
  });
});
