import type { Row } from '../contract.js';

/** What is wrong with one member; etcd's numbers. */
export const alarmTypes = { NOSPACE: 1, CORRUPT: 2 } as const;
export type AlarmType = keyof typeof alarmTypes;

export interface RaisedAlarm {
  /** A member's id, below 2^53. */
  readonly member: number;
  readonly alarm: number;
}

/** The durable form: "A" alarm (1 byte) member (8 bytes) → a format version. */
export const alarmRowByte = 0x41;
const formatVersion = 1;
const keyBytes = 10;

export function alarmRow(alarm: RaisedAlarm): Row & { readonly value: Uint8Array } {
  return { key: alarmKey(alarm), value: Uint8Array.of(formatVersion) };
}

export const removedAlarmRow = (alarm: RaisedAlarm): Row => ({ key: alarmKey(alarm), value: null });

/** Throws if it is not what this version or an older one wrote. */
export function readAlarmRow({
  key,
  value,
}: {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}): RaisedAlarm {
  if (value[0] !== formatVersion) throw new Error('a row of alarms was written by a newer version');
  if (key.length !== keyBytes || value.length !== 1) throw new Error('a row of alarms is malformed');
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return { alarm: bytes.readUInt8(1), member: Number(bytes.readBigUInt64BE(2)) };
}

function alarmKey({ member, alarm }: RaisedAlarm): Uint8Array {
  const key = Buffer.alloc(keyBytes);
  key.writeUInt8(alarmRowByte, 0);
  key.writeUInt8(alarm, 1);
  key.writeBigUInt64BE(BigInt(member), 2);
  return key;
}
