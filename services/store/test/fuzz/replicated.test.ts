import { MalformedError, UnknownCommandError } from '@raftsman/mvcc';
import { configurationOf, logIndex, memberId, term } from '@raftsman/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Member } from '../../../../libs/raft/test/harness.js';
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
import { MalformedError as MalformedFrameError } from '../../src/replica/peers/bytes.js';
import { decodeMessages, encodeMessages, type SentMessage } from '../../src/replica/peers/codec.js';
import { FrameAssembler } from '../../src/replica/peers/frames.js';
import {
  decodeEnd,
  decodeHello,
  decodeWelcome,
  encodeEnd,
  encodeHello,
  encodeWelcome,
} from '../../src/replica/peers/greeting.js';
import { checkHello, protocolVersion } from '../../src/replica/peers/hello.js';
import { authCommand } from './commands.js';

/** What comes from the log, from the disk and from other members. */

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

describe('a frame from another member', () => {
  const bodyOf = (frame: Buffer): Buffer => frame.subarray(5);
  const decoded = (body: Buffer) => decodeMessages(memberId(2), memberId(1), body);
  const small = fc.nat(6);
  const configuration = configurationOf([1, 2, 3].map(memberId), { learners: [memberId(4)] });
  const message = fc
    .record({
      kind: fc.constantFrom(
        'vote-request',
        'vote-response',
        'append-request',
        'append-response',
        'heartbeat-request',
        'heartbeat-response',
        'propose-request',
        'read-index-request',
        'read-index-response',
        'timeout-now',
        'witness-snapshot',
      ),
      from: fc.constant(2),
      to: fc.constant(1),
      term: small,
      preVote: fc.boolean(),
      granted: fc.boolean(),
      success: fc.boolean(),
      leadershipTransfer: fc.boolean(),
      entries: fc.array(
        fc.record({
          index: small,
          term: small,
          type: fc.constantFrom('normal', 'configuration'),
          data: bytes,
        }),
        { maxLength: 4 },
      ),
      meta: fc.record({ index: small, term: small, configuration: fc.constant(configuration) }),
      lastLogIndex: small,
      lastLogTerm: small,
      prevLogIndex: small,
      prevLogTerm: small,
      commit: small,
      heldByAll: small,
      index: small,
      hintIndex: small,
      hintTerm: small,
      readContext: small,
      sentAtMs: small,
      promiseMs: small,
      requestId: small,
    })
    .map((each) => each as unknown as SentMessage);

  it('that was tampered with is no frame, or messages that the core bears', () => {
    const body = fc
      .array(message, { minLength: 1, maxLength: 4 })
      .map((messages) => bodyOf(encodeMessages(messages)));
    let stepped = 0;
    fc.assert(
      fc.property(fc.array(mutated(body), { minLength: 1, maxLength: 8 }), (bodies) => {
        const member = new Member({ terms: [1, 1, 2] });
        for (const each of bodies) {
          const messages = parsed(each, decoded, []);
          if (messages === undefined || typeof messages === 'string') continue;
          // What is read is what says it.
          expect(bodyOf(encodeMessages(messages as SentMessage[]))).toEqual(each);
          for (const read of messages) {
            stepped += 1;
            member.step(read);
          }
        }
      }),
      { numRuns: 1_500 },
    );
    expect(stepped).toBeGreaterThan(500);
  });

  it('comes out of the stream as it went in, however that is cut', () => {
    const frames = fc.array(fc.array(message, { minLength: 1, maxLength: 3 }).map(encodeMessages), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(frames, fc.array(fc.nat(400), { maxLength: 20 }), (sent, cuts) => {
        const stream = Buffer.concat(sent);
        const at = [...new Set([0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length])];
        const places = at.toSorted((left, right) => left - right);
        const assembler = new FrameAssembler(4_096);
        const received: Buffer[] = [];
        for (const [index, place] of places.entries()) {
          assembler.push(stream.subarray(place, places[index + 1] ?? place));
          for (let each = assembler.next(); each !== null; each = assembler.next()) received.push(each);
        }
        expect(received.map(String)).toEqual(sent.map((each) => String(each.subarray(4))));
      }),
    );
  });

  it('of any length is whole, awaited or refused', () => {
    fc.assert(
      fc.property(fc.array(bytes), (chunks) => {
        const assembler = new FrameAssembler(64);
        for (const chunk of chunks) {
          assembler.push(Buffer.from(chunk));
          const taken = parsed(Buffer.alloc(0), () => assembler.next()?.length ?? 0, [MalformedFrameError]);
          if (taken === undefined) return;
          expect(taken).toBeLessThanOrEqual(64);
        }
      }),
    );
  });

  it('that greets or ends is read, or malformed', () => {
    const texts = fc.array(fc.string(), { maxLength: 3 });
    const welcome = fc.record({
      name: fc.string(),
      clientUrls: texts,
      term: whole,
      lastLogIndex: whole,
      met: fc.boolean(),
    });
    const end = fc.record({
      code: fc.constantFrom('refused', 'removed', 'lost', 'broken'),
      details: fc.string(),
    });
    fc.assert(
      fc.property(welcome, end, (said, last) => {
        expect(decodeWelcome(bodyOf(encodeWelcome(said)))).toEqual(said);
        expect(decodeEnd(bodyOf(encodeEnd(last)))).toEqual(last);
      }),
    );
    const greeting = fc.oneof(welcome.map(encodeWelcome), end.map(encodeEnd)).map(bodyOf);
    fc.assert(
      fc.property(mutated(greeting), (each) => {
        expect(() => parsed(each, decodeWelcome, [MalformedFrameError])).not.toThrow();
        expect(() => parsed(each, decodeEnd, [MalformedFrameError])).not.toThrow();
      }),
      { numRuns: 1_500 },
    );
  });

  it('that says who is there is welcome only with all of it right', () => {
    const identity = {
      clusterId: 77,
      self: memberId(1),
      name: 'm1',
      clientUrls: [],
      peerUrls: [],
      dataId: 5,
      isRemoved: (id: number) => id === 9,
    };
    const hello = fc.record({
      protocolVersion: fc.constantFrom(protocolVersion, 0, 1),
      clusterId: fc.constantFrom(77, 78),
      from: fc.constantFrom(1, 2, 9),
      to: fc.constantFrom(1, 2),
      name: fc.string(),
      dataId: whole,
      clientUrls: fc.array(fc.webUrl(), { maxLength: 2 }),
      peerUrls: fc.array(fc.webUrl(), { maxLength: 2 }),
      rebuild: fc.boolean(),
      joining: fc.boolean(),
    });
    fc.assert(
      fc.property(hello, (each) => {
        const said = { ...each, protocolVersion };
        expect(decodeHello(bodyOf(encodeHello(said)), protocolVersion)).toEqual(said);
        // Of another version only the number is read.
        const later = decodeHello(bodyOf(encodeHello(said)).subarray(0, 8), protocolVersion + 1);
        expect(checkHello({ ...later, protocolVersion: 5 }, identity)).toMatchObject({
          reason: `peer protocol 5 is not spoken here, only ${protocolVersion}`,
        });
      }),
    );
    fc.assert(
      fc.property(mutated(hello.map(encodeHello).map(bodyOf)), (each) => {
        const read = parsed(each, (body) => decodeHello(body, protocolVersion), [MalformedFrameError]);
        if (read === undefined) return;
        const greeting = checkHello(read, identity);
        if (greeting.kind !== 'welcome') return;
        expect(read).toMatchObject({ protocolVersion, clusterId: 77, to: 1 });
        expect([1, 9]).not.toContain(greeting.from);
        expect(Number.isSafeInteger(greeting.from) && greeting.from > 0).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
