import { ByteReader, ByteWriter, MalformedError, UnknownCommandError } from '@raftsman/mvcc';
import type { Row } from '../contract.js';

/** What is wrong with one member; etcd's numbers. */
export const alarmNumbers = { NOSPACE: 1, CORRUPT: 2 } as const;
export type AlarmName = keyof typeof alarmNumbers;

export interface RaisedAlarm {
  /** As clients name it: 64 bits. */
  readonly member: bigint;
  readonly alarm: AlarmName;
}

/** What a leader found its keys to be, for the others to compare. */
export interface HashClaim {
  readonly member: bigint;
  readonly revision: number;
  readonly compactRevision: number;
  readonly hash: number;
}

export type AlarmCommand =
  | ({ readonly kind: 'activate' | 'deactivate' } & RaisedAlarm)
  | ({ readonly kind: 'hash-claim' } & HashClaim);

/**
 * In the log: 3, format version, kind, then its fields. On disk:
 *
 *     "A" alarm (1 byte) member (8 bytes)    → format version
 */
export const alarmCommandByte = 3;
export const alarmRowByte = 0x41;
const formatVersion = 1;
const rowKeyBytes = 10;

// The position of a name is its number in the log: append only.
const kinds = ['activate', 'deactivate', 'hash-claim'] as const satisfies readonly AlarmCommand['kind'][];

export function encodeAlarmCommand(command: AlarmCommand): Uint8Array {
  const writer = new ByteWriter(64);
  writer.byte(alarmCommandByte);
  writer.byte(formatVersion);
  writer.byte(kinds.indexOf(command.kind));
  writer.lease(command.member);
  if (command.kind === 'hash-claim') {
    writer.unsigned(command.revision);
    writer.signed(command.compactRevision);
    writer.unsigned(command.hash);
  } else writer.byte(alarmNumbers[command.alarm]);
  return writer.finish();
}

/** Throws UnknownCommandError for what a newer version wrote, MalformedError for what no version writes. */
export function decodeAlarmCommand(data: Uint8Array): AlarmCommand {
  const reader = new ByteReader(data);
  reader.byte();
  const version = reader.byte();
  if (version !== formatVersion) throw new UnknownCommandError(`alarm format ${version}`);
  const number = reader.byte();
  const kind = kinds[number];
  if (kind === undefined) throw new UnknownCommandError(`alarm command ${number}`);
  const member = BigInt.asUintN(64, reader.lease());
  const command: AlarmCommand =
    kind === 'hash-claim'
      ? {
          kind,
          member,
          revision: reader.unsigned(),
          compactRevision: reader.signed(),
          hash: reader.unsigned(),
        }
      : { kind, member, alarm: alarmNamed(reader.byte()) };
  reader.end();
  return command;
}

function alarmNamed(number: number): AlarmName {
  if (number === alarmNumbers.NOSPACE) return 'NOSPACE';
  if (number === alarmNumbers.CORRUPT) return 'CORRUPT';
  throw new UnknownCommandError(`alarm ${number}`);
}

export function alarmRow(raised: RaisedAlarm): Row & { readonly value: Uint8Array } {
  return { key: rowKey(raised), value: Uint8Array.of(formatVersion) };
}

export const removedAlarmRow = (raised: RaisedAlarm): Row => ({ key: rowKey(raised), value: null });

/** Throws UnknownCommandError for what a newer version wrote, MalformedError for what no version writes. */
export function readAlarmRow({
  key,
  value,
}: {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}): RaisedAlarm {
  if (value[0] !== formatVersion) throw new UnknownCommandError('a row of alarms');
  if (key.length !== rowKeyBytes || value.length !== 1) throw new MalformedError('a row of alarms');
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return { alarm: alarmNamed(bytes.readUInt8(1)), member: bytes.readBigUInt64BE(2) };
}

function rowKey({ member, alarm }: RaisedAlarm): Uint8Array {
  const key = Buffer.alloc(rowKeyBytes);
  key.writeUInt8(alarmRowByte, 0);
  key.writeUInt8(alarmNumbers[alarm], 1);
  key.writeBigUInt64BE(member, 2);
  return key;
}
