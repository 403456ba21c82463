import { ByteReader, ByteWriter, MalformedError, UnknownCommandError, type Binary } from '@raftsman/mvcc';
import { permissionTypes, type Identity, type Permission } from './types.js';

/** What is proposed. Passwords come as they are stored, tokens as their digests: nothing secret is in the log. */
export type AuthCommand =
  | { readonly kind: 'enable' }
  | { readonly kind: 'disable' }
  /** `revision`: that at which the password was found right. */
  | {
      readonly kind: 'authenticate';
      readonly user: string;
      readonly tokenDigest: Binary;
      readonly revision: number;
    }
  | { readonly kind: 'user-add'; readonly name: string; readonly password: string | null }
  | { readonly kind: 'user-delete'; readonly name: string }
  | { readonly kind: 'user-change-password'; readonly name: string; readonly password: string }
  | { readonly kind: 'user-grant-role'; readonly user: string; readonly role: string }
  | { readonly kind: 'user-revoke-role'; readonly user: string; readonly role: string }
  | { readonly kind: 'role-add'; readonly name: string }
  | { readonly kind: 'role-delete'; readonly name: string }
  | { readonly kind: 'role-grant-permission'; readonly role: string; readonly permission: Permission }
  | {
      readonly kind: 'role-revoke-permission';
      readonly role: string;
      readonly key: Binary;
      readonly rangeEnd: Binary;
    };

/** First bytes of commands; see etcd/state-part.ts. */
export const authCommandByte = 2;
export const identityCommandByte = 4;

const formatVersion = 1;

// The position of a name in this list is its number on disk: append only.
const kinds = [
  'enable',
  'disable',
  'authenticate',
  'user-add',
  'user-delete',
  'user-change-password',
  'user-grant-role',
  'user-revoke-role',
  'role-add',
  'role-delete',
  'role-grant-permission',
  'role-revoke-permission',
] as const satisfies readonly AuthCommand['kind'][];

export function encodeAuthCommand(command: AuthCommand): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(authCommandByte);
  writer.byte(formatVersion);
  writer.byte(kinds.indexOf(command.kind));
  writeBody(writer, command);
  return writer.finish();
}

function writeBody(writer: ByteWriter, command: AuthCommand): void {
  switch (command.kind) {
    case 'enable':
    case 'disable':
      return;
    case 'authenticate':
      writeText(writer, command.user);
      writer.binary(command.tokenDigest);
      writer.unsigned(command.revision);
      return;
    case 'user-add':
      writeText(writer, command.name);
      writePassword(writer, command.password);
      return;
    case 'user-change-password':
      writeText(writer, command.name);
      writeText(writer, command.password);
      return;
    case 'user-delete':
    case 'role-add':
    case 'role-delete':
      writeText(writer, command.name);
      return;
    case 'user-grant-role':
    case 'user-revoke-role':
      writeText(writer, command.user);
      writeText(writer, command.role);
      return;
    case 'role-grant-permission':
      writeText(writer, command.role);
      writePermission(writer, command.permission);
      return;
    case 'role-revoke-permission':
      writeText(writer, command.role);
      writer.binary(command.key);
      writer.binary(command.rangeEnd);
  }
}

/** Throws UnknownCommandError for what a newer version wrote, MalformedError for what no version writes. */
export function decodeAuthCommand(data: Uint8Array): AuthCommand {
  const reader = new ByteReader(data);
  readHead(reader, authCommandByte, 'auth command');
  const number = reader.byte();
  const kind = kinds[number];
  if (kind === undefined) throw new UnknownCommandError(`auth command ${number}`);
  const command = readBody(reader, kind);
  reader.end();
  return command;
}

function readBody(reader: ByteReader, kind: AuthCommand['kind']): AuthCommand {
  switch (kind) {
    case 'enable':
    case 'disable':
      return { kind };
    case 'authenticate':
      return { kind, user: readText(reader), tokenDigest: reader.binary(), revision: reader.unsigned() };
    case 'user-add':
      return { kind, name: readText(reader), password: readPassword(reader) };
    case 'user-change-password':
      return { kind, name: readText(reader), password: readText(reader) };
    case 'user-delete':
    case 'role-add':
    case 'role-delete':
      return { kind, name: readText(reader) };
    case 'user-grant-role':
    case 'user-revoke-role':
      return { kind, user: readText(reader), role: readText(reader) };
    case 'role-grant-permission':
      return { kind, role: readText(reader), permission: readPermission(reader) };
    case 'role-revoke-permission':
      return { kind, role: readText(reader), key: reader.binary(), rangeEnd: reader.binary() };
  }
}

/** A command of another part in the name of whoever made the request. */
export function encodeAs(identity: Identity, command: Uint8Array): Uint8Array {
  const writer = new ByteWriter(command.length + 64);
  writer.byte(identityCommandByte);
  writer.byte(formatVersion);
  writeText(writer, identity.user);
  writer.unsigned(identity.revision);
  return Buffer.concat([writer.finish(), command]);
}

/** Throws like decodeAuthCommand. */
export function decodeAs(data: Uint8Array): {
  readonly identity: Identity;
  readonly command: Uint8Array;
} {
  const reader = new ByteReader(data);
  readHead(reader, identityCommandByte, 'identity');
  const identity = { user: readText(reader), revision: reader.unsigned() };
  const command = reader.rest();
  if (command[0] === identityCommandByte) throw new MalformedError('an identity within an identity');
  return { identity, command };
}

function readHead(reader: ByteReader, commandByte: number, what: string): void {
  if (reader.byte() !== commandByte) throw new MalformedError(`no ${what}`);
  const version = reader.byte();
  if (version !== formatVersion) throw new UnknownCommandError(`${what} format ${version}`);
}

export function writePermission(writer: ByteWriter, { type, key, rangeEnd }: Permission): void {
  writer.byte(permissionTypes.indexOf(type));
  writer.binary(key);
  writer.binary(rangeEnd);
}

export function readPermission(reader: ByteReader): Permission {
  const type = permissionTypes[reader.byte()];
  if (type === undefined) throw new MalformedError('unknown permission');
  return { type, key: reader.binary(), rangeEnd: reader.binary() };
}

export function writePassword(writer: ByteWriter, password: string | null): void {
  writer.byte(password === null ? 0 : 1);
  if (password !== null) writeText(writer, password);
}

export const readPassword = (reader: ByteReader): string | null =>
  reader.byte() === 0 ? null : readText(reader);

export const writeText = (writer: ByteWriter, text: string): void =>
  writer.binary(Buffer.from(text, 'utf8').toString('latin1'));

export const readText = (reader: ByteReader): string =>
  Buffer.from(reader.binary(), 'latin1').toString('utf8');
