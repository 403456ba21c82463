import { readAuthRow } from '../auth/rows.js';
import { permissionTypes, type Permission, type Role, type User } from '../auth/types.js';
import type { Row } from '../contract.js';
import type { BoltItem } from './bolt/builder.js';
import { fieldBytesMax, MessageWriter } from './protobuf.js';

/** How etcd keeps users and roles (api/authpb/auth.proto, server/storage/schema/auth.go). */
export interface AuthItems {
  readonly meta: readonly BoltItem[];
  readonly roles: readonly BoltItem[];
  readonly users: readonly BoltItem[];
}

export const authKeys = { enabled: 'authEnabled', revision: 'authRevision' } as const;

export function authItems(rows: readonly (Row & { readonly value: Uint8Array })[]): AuthItems {
  const meta: BoltItem[] = [];
  const roles: BoltItem[] = [];
  const users: BoltItem[] = [];
  for (const row of rows) {
    const read = readAuthRow(row);
    switch (read.kind) {
      case 'meta': {
        const revision = Buffer.alloc(8);
        revision.writeBigUInt64BE(BigInt(read.revision));
        meta.push({ key: Buffer.from(authKeys.enabled), value: Buffer.of(read.enabled ? 1 : 0) });
        meta.push({ key: Buffer.from(authKeys.revision), value: revision });
        break;
      }
      case 'role':
        roles.push(roleItem(read.role));
        break;
      case 'user':
        users.push(userItem(read.user));
        break;
    }
  }
  return { meta, roles, users };
}

function roleItem({ name, permissions }: Role): BoltItem {
  const parts = permissions.map(permissionMessage);
  const bytes = parts.reduce((sum, part) => sum + part.length + fieldBytesMax, 0);
  const writer = new MessageWriter(Buffer.byteLength(name) + fieldBytesMax + bytes);
  writer.text(1, name, 'utf8');
  for (const part of parts) writer.bytes(2, part);
  return { key: Buffer.from(name), value: writer.finish() };
}

function permissionMessage({ type, key, rangeEnd }: Permission): Buffer {
  const writer = new MessageWriter(key.length + rangeEnd.length + 3 * fieldBytesMax);
  writer.number(1, permissionTypes.indexOf(type));
  writer.text(2, key);
  writer.text(3, rangeEnd);
  return writer.finish();
}

/** A password in the stored form: etcd can check those that it made (bcrypt); the others must be set anew there. */
function userItem({ name, password, roles }: User): BoltItem {
  const text = [name, password ?? '', ...roles].reduce(
    (sum, part) => sum + Buffer.byteLength(part) + fieldBytesMax,
    0,
  );
  const writer = new MessageWriter(text + 2 * fieldBytesMax);
  writer.text(1, name, 'utf8');
  if (password !== null) writer.text(2, password, 'utf8');
  for (const role of roles) writer.text(3, role, 'utf8', true);
  const options = new MessageWriter(fieldBytesMax);
  options.number(1, password === null ? 1 : 0);
  writer.bytes(4, options.finish());
  return { key: Buffer.from(name), value: writer.finish() };
}
