import { ByteReader, ByteWriter, MalformedError, UnknownCommandError } from '@raftsman/mvcc';
import type { Row } from '../contract.js';
import {
  readPassword,
  readPermission,
  readText,
  writePassword,
  writePermission,
  writeText,
} from './commands.js';
import type { Role, User } from './types.js';

/**
 * The durable form:
 *
 *     "am"           → enabled, revision
 *     "ar" name      → role: its permissions
 *     "au" name      → user: password, roles
 *
 * Names are UTF-8. Each value begins with a format version. Tokens are not stored: a restart ends them.
 */
export const authRowByte = 0x61;

const kinds = { meta: 0x6d, role: 0x72, user: 0x75 } as const;
const formatVersion = 1;

export type AuthRow =
  | { readonly kind: 'meta'; readonly enabled: boolean; readonly revision: number }
  | { readonly kind: 'role'; readonly role: Role }
  | { readonly kind: 'user'; readonly user: User };

type StoredRow = Row & { readonly value: Uint8Array };

export function metaRow(enabled: boolean, revision: number): StoredRow {
  return row(kinds.meta, '', (writer) => {
    writer.byte(enabled ? 1 : 0);
    writer.unsigned(revision);
  });
}

export function roleRow({ name, permissions }: Role): StoredRow {
  return row(kinds.role, name, (writer) => {
    writer.unsigned(permissions.length);
    for (const permission of permissions) writePermission(writer, permission);
  });
}

export function userRow({ name, password, roles }: User): StoredRow {
  return row(kinds.user, name, (writer) => {
    writePassword(writer, password);
    writer.unsigned(roles.length);
    for (const role of roles) writeText(writer, role);
  });
}

export const removedRoleRow = (name: string): Row => ({ key: rowKey(kinds.role, name), value: null });
export const removedUserRow = (name: string): Row => ({ key: rowKey(kinds.user, name), value: null });

/** Throws UnknownCommandError for what a newer version wrote, MalformedError for what no version writes. */
export function readAuthRow({ key, value }: StoredRow): AuthRow {
  const reader = new ByteReader(value);
  if (reader.byte() !== formatVersion) throw new UnknownCommandError('a row of users and roles');
  const parsed = readBody(key[1] ?? 0, Buffer.from(key.subarray(2)).toString('utf8'), reader);
  reader.end();
  return parsed;
}

function readBody(kind: number, name: string, reader: ByteReader): AuthRow {
  switch (kind) {
    case kinds.meta:
      return { kind: 'meta', enabled: reader.byte() === 1, revision: reader.unsigned() };
    case kinds.role:
      return { kind: 'role', role: { name, permissions: list(reader, () => readPermission(reader)) } };
    case kinds.user: {
      const password = readPassword(reader);
      return { kind: 'user', user: { name, password, roles: list(reader, () => readText(reader)) } };
    }
    default:
      throw new MalformedError('unknown row of users and roles');
  }
}

function row(kind: number, name: string, body: (writer: ByteWriter) => void): StoredRow {
  const writer = new ByteWriter();
  writer.byte(formatVersion);
  body(writer);
  return { key: rowKey(kind, name), value: writer.finish() };
}

const rowKey = (kind: number, name: string): Uint8Array =>
  Buffer.concat([Buffer.of(authRowByte, kind), Buffer.from(name, 'utf8')]);

function list<T>(reader: ByteReader, item: () => T): T[] {
  const items: T[] = [];
  for (let left = reader.unsigned(); left > 0; left -= 1) items.push(item());
  return items;
}
