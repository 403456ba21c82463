import { MalformedError, UnknownCommandError } from '@raftsman/mvcc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeAs,
  decodeAuthCommand,
  encodeAs,
  encodeAuthCommand,
  type AuthCommand,
} from '../../src/auth/commands.js';

const commands: readonly AuthCommand[] = [
  { kind: 'enable' },
  { kind: 'disable' },
  { kind: 'authenticate', user: 'Zoë', tokenDigest: '\x00\xff', revision: 2 ** 40 },
  { kind: 'user-add', name: 'a', password: null },
  { kind: 'user-add', name: 'a', password: 'scrypt$14$8$5$x$y' },
  { kind: 'user-delete', name: '' },
  { kind: 'user-change-password', name: 'a', password: 'b' },
  { kind: 'user-grant-role', user: 'a', role: 'b' },
  { kind: 'user-revoke-role', user: 'a', role: 'b' },
  { kind: 'role-add', name: '𝒳' },
  { kind: 'role-delete', name: 'b' },
  {
    kind: 'role-grant-permission',
    role: 'b',
    permission: { type: 'READWRITE', key: '\xfe', rangeEnd: '\0' },
  },
  { kind: 'role-revoke-permission', role: 'b', key: 'k', rangeEnd: '' },
];

function outcome(decode: () => unknown): string {
  try {
    decode();
    return 'read';
  } catch (error) {
    const isRefusal = error instanceof MalformedError || error instanceof UnknownCommandError;
    return isRefusal ? 'refused' : String(error);
  }
}

describe('commands', () => {
  it.each(commands.map((command) => [command.kind, command] as const))('%s comes back', (_, command) => {
    const data = encodeAuthCommand(command);
    expect(decodeAuthCommand(data)).toEqual(command);
    for (let length = 0; length < data.length; length += 1)
      expect(() => decodeAuthCommand(data.subarray(0, length))).toThrow(MalformedError);
    expect(() => decodeAuthCommand(Buffer.concat([data, Buffer.of(0)]))).toThrow(MalformedError);
  });

  it('of a newer version end this one', () => {
    expect(() => decodeAuthCommand(Buffer.of(2, 2, 0))).toThrow(UnknownCommandError);
    expect(() => decodeAuthCommand(Buffer.of(2, 1, 99))).toThrow(UnknownCommandError);
    expect(() => decodeAs(Buffer.of(4, 2))).toThrow(UnknownCommandError);
  });

  it('carry an identity, once', () => {
    const inner = encodeAuthCommand({ kind: 'enable' });
    const outer = encodeAs({ user: 'Zoë', revision: 300 }, inner);
    const { identity, command } = decodeAs(outer);
    expect(identity).toEqual({ user: 'Zoë', revision: 300 });
    expect(Buffer.compare(command, inner)).toBe(0);
    expect(() => decodeAs(encodeAs({ user: 'x', revision: 1 }, outer))).toThrow(MalformedError);
  });

  it('that are garbage are malformed or unknown, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(2, 4), (bytes, first) => {
        const data = Buffer.concat([Buffer.of(first, 1), bytes]);
        expect(['read', 'refused']).toContain(
          outcome(() => (first === 2 ? decodeAuthCommand : decodeAs)(data)),
        );
      }),
      { numRuns: 3_000 },
    );
  });
});
