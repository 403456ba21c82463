import { MalformedError, UnknownCommandError } from '@raftsman/mvcc';
import { logIndex, memberId, term } from '@raftsman/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutated, parsed } from '../../../../test/support/mutated.js';
import { decodeAs, decodeAuthCommand, encodeAs, encodeAuthCommand } from '../../src/auth/commands.js';
import { metaRow, readAuthRow, roleRow, userRow, type AuthRow } from '../../src/auth/rows.js';
import { permissionTypes } from '../../src/auth/types.js';
import {
  alarmRow,
  decodeAlarmCommand,
  encodeAlarmCommand,
  readAlarmRow,
  type AlarmCommand,
} from '../../src/etcd/alarm-rows.js';
import { createStateMachine } from '../../src/etcd/index.js';
import { decodeEnvelope, encodeEnvelope } from '../../src/replica/envelope.js';
import {
  decodeDirectory,
  encodeDirectory,
  noDirectory,
  type Directory,
  type DirectoryMember,
} from '../../src/replica/members/directory.js';
import { authCommand } from './commands.js';

/** What comes from the log and from the disk. */

const declared = [MalformedError, UnknownCommandError];
const whole = fc.nat(2 ** 31);
const bytes = fc.uint8Array({ maxLength: 40 });

describe('commands and rows of users, roles and alarms', () => {
  const identity = fc.record({ user: fc.string(), revision: whole });

  it('of users and roles: read or refused', () => {
    const named = fc
      .tuple(identity, authCommand)
      .map(([who, each]) => encodeAs(who, encodeAuthCommand(each)));
    fc.assert(
      fc.property(mutated(authCommand.map(encodeAuthCommand)), mutated(named), (plain, wrapped) => {
        const read = parsed(plain, decodeAuthCommand, declared);
        expect(read && decodeAuthCommand(encodeAuthCommand(read))).toEqual(read);
        expect(() => parsed(wrapped, decodeAs, declared)).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });

  it('of alarms: read or refused', () => {
    const member = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const command: fc.Arbitrary<AlarmCommand> = fc.oneof(
      fc.record({
        kind: fc.constantFrom('activate', 'deactivate'),
        member,
        alarm: fc.constantFrom('NOSPACE', 'CORRUPT'),
      }),
      fc.record({
        kind: fc.constant('hash-claim'),
        member,
        revision: whole,
        compactRevision: whole,
        hash: whole,
      }),
    );
    fc.assert(
      fc.property(command, (each) => {
        expect(decodeAlarmCommand(encodeAlarmCommand(each))).toEqual(each);
      }),
    );
    fc.assert(
      fc.property(mutated(command.map(encodeAlarmCommand)), (each) => {
        expect(() => parsed(each, decodeAlarmCommand, declared)).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
    const row = fc
      .record({ member, alarm: fc.constantFrom('NOSPACE' as const, 'CORRUPT' as const) })
      .map(alarmRow);
    fc.assert(
      fc.property(mutated(row.map(({ key }) => key)), (key) => {
        const read = parsed(key, (found) => readAlarmRow({ key: found, value: Buffer.of(1) }), declared);
        expect(read && Buffer.from(alarmRow(read).key.subarray(1))).toEqual(read && key.subarray(1));
      }),
      { numRuns: 2_000 },
    );
  });

  it('on disk: read or refused, and read as they were written', () => {
    const permission = fc.record({
      type: fc.constantFrom(...permissionTypes),
      key: fc.constantFrom('', 'k', '\xff'),
      rangeEnd: fc.constantFrom('', '\0', 'z'),
    });
    const row = fc.oneof(
      fc.tuple(fc.boolean(), whole).map(([enabled, revision]) => metaRow(enabled, revision)),
      fc.record({ name: fc.string(), permissions: fc.array(permission, { maxLength: 4 }) }).map(roleRow),
      fc
        .record({ name: fc.string(), password: fc.option(fc.string()), roles: fc.array(fc.string()) })
        .map(userRow),
    );
    const again = (read: AuthRow) => {
      if (read.kind === 'meta') return metaRow(read.enabled, read.revision);
      return read.kind === 'role' ? roleRow(read.role) : userRow(read.user);
    };
    fc.assert(
      fc.property(row, (each) => {
        const { key, value } = again(readAuthRow(each));
        expect([Buffer.from(key), Buffer.from(value)]).toEqual([
          Buffer.from(each.key),
          Buffer.from(each.value),
        ]);
      }),
    );
    fc.assert(
      fc.property(row, mutated(row.map(({ value }) => value)), (each, value) => {
        expect(() =>
          parsed(value, (found) => readAuthRow({ key: each.key, value: found }), declared),
        ).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what the log holds', () => {
  it('an envelope is one or none, whatever it says', () => {
    const envelope = fc
      .record({ origin: whole, incarnation: whole, request: whole, payload: bytes })
      .map(encodeEnvelope);
    fc.assert(
      fc.property(mutated(envelope), (each) => {
        const read = parsed(each, decodeEnvelope, []);
        expect(read && read.payload.length).toBe(read && each.length - 25);
      }),
      { numRuns: 1_000 },
    );
  });

  it('a command that was tampered with changes nothing, or what it says, alike in every member', () => {
    const members = [createStateMachine(), createStateMachine()] as const;
    const apply = (data: Uint8Array, index: number) =>
      members.map((member) =>
        parsed(
          data,
          (each) => {
            const { rows, result } = member.apply({ index: logIndex(index), term: term(1), data: each });
            return { rows, result: result instanceof Error ? result.message : result };
          },
          [UnknownCommandError],
          Infinity,
        ),
      );
    let index = 0;
    fc.assert(
      fc.property(mutated(authCommand.map(encodeAuthCommand)), (data) => {
        index += 1;
        const [left, right] = apply(data, index);
        expect(left).toEqual(right);
      }),
      { numRuns: 1_500 },
    );
    const rows = members.map((member) => [...member.rows()].map(({ key, value }) => [key, value]));
    expect(rows[0]).toEqual(rows[1]);
  });

  it('a directory of members is one or none', () => {
    const member = fc.record({
      id: fc.integer({ min: 1, max: 2 ** 40 }).map(memberId),
      name: fc.string(),
      peerUrls: fc.array(fc.webUrl(), { maxLength: 3 }),
      clientUrls: fc.array(fc.webUrl(), { maxLength: 3 }),
      isWitness: fc.boolean(),
    });
    const directory: fc.Arbitrary<Directory> = fc
      .uniqueArray(member, { maxLength: 6, selector: (each) => each.id })
      .map((all) => ({
        members: all.slice(0, 3),
        leaving: all.slice(3, 5),
        removed: all.slice(3).map((each) => each.id),
      }));
    fc.assert(
      fc.property(directory, (each) => {
        expect(decodeDirectory(encodeDirectory(each))).toEqual(each);
      }),
      {
        numRuns: 50,
      },
    );
    fc.assert(
      fc.property(mutated(directory.map(encodeDirectory)), (each) => {
        const read = parsed(each, decodeDirectory, []);
        expect(read?.members.every(({ id, peerUrls }) => id > 0 && Array.isArray(peerUrls)) ?? true).toBe(
          true,
        );
      }),
      { numRuns: 1_000 },
    );
    const memberWith = (number: number): DirectoryMember => ({
      id: memberId(number),
      name: '',
      peerUrls: [],
      clientUrls: [],
      isWitness: false,
    });
    const [one, other] = [memberWith(1), memberWith(2)] as const;
    const isTaken = (each: Directory): boolean => decodeDirectory(encodeDirectory(each)) !== null;
    expect(isTaken({ members: [one], leaving: [other], removed: [other.id] })).toBe(true);
    for (const wrong of [
      { members: [one, one] },
      { leaving: [one, one] },
      { removed: [one.id, one.id] },
      { members: [one], leaving: [one] },
      { members: [one, other], removed: [other.id] },
    ])
      expect(isTaken({ ...noDirectory, ...wrong })).toBe(false);
    // As deep as the largest configuration allows.
    expect(decodeDirectory(Buffer.from('['.repeat(60_000)))).toBeNull();
    expect(
      decodeDirectory(Buffer.from('{"version":1,"members":{"length":1e9},"leaving":[],"removed":[]}')),
    ).toBeNull();
  });
});
