import { memberId, type MemberId } from '@raftsman/raft';
import { storeLimits } from '../../limits.js';

/** What a member is called and where it is. Which members vote, learn or witness is in the sets of the configuration. */
export interface DirectoryMember {
  readonly id: MemberId;
  /** Empty, as are the client URLs, until it was seen for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  /** Said here too for a member that joins and has no configuration yet. */
  readonly isWitness: boolean;
}

/**
 * The host's part of a configuration. It travels with it through the log, so that every member has the same.
 *
 * 1. No id twice in any of the three, and none of a member that is also removed or leaving.
 */
export interface Directory {
  readonly members: readonly DirectoryMember[];
  /** Removed by the newest change: while the configuration is joint they still count, and must be reached. */
  readonly leaving: readonly DirectoryMember[];
  /** The last storeLimits.removedMembersMax of those that were members once: they never come back. */
  readonly removed: readonly MemberId[];
}

export const noDirectory: Directory = { members: [], leaving: [], removed: [] };

const version = 1;

/** In JSON, which people can read too; configurations change rarely. */
export function encodeDirectory({ members, leaving, removed }: Directory): Uint8Array {
  const kept = removed.slice(-storeLimits.removedMembersMax);
  return new Uint8Array(Buffer.from(JSON.stringify({ version, members, leaving, removed: kept })));
}

/** null: not what encodeDirectory writes, or of a later version. Empty bytes: of a log from before there were directories. */
export function decodeDirectory(bytes: Uint8Array): Directory | null {
  if (bytes.length === 0) return noDirectory;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch {
    return null;
  }
  if (!isRecord(parsed) || parsed.version !== version) return null;
  const { members, leaving, removed } = parsed;
  if (!Array.isArray(members) || !members.every(isMember)) return null;
  if (!Array.isArray(leaving) || !leaving.every(isMember)) return null;
  if (!Array.isArray(removed) || !removed.every(isId)) return null;
  const present = members.map(({ id }) => id);
  if (hasTwice([...present, ...removed]) || hasTwice([...present, ...leaving.map(({ id }) => id)]))
    return null;
  return { members, leaving, removed: removed.map(memberId) };
}

const hasTwice = (ids: readonly number[]): boolean => new Set(ids).size < ids.length;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

const isMember = (value: unknown): value is DirectoryMember =>
  isRecord(value) &&
  isId(value.id) &&
  typeof value.name === 'string' &&
  isTexts(value.peerUrls) &&
  isTexts(value.clientUrls) &&
  typeof value.isWitness === 'boolean';

export const sameTexts = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((text, at) => text === right[at]);

export const memberOf = ({ members, leaving }: Directory, id: MemberId): DirectoryMember | undefined =>
  members.find((member) => member.id === id) ?? leaving.find((member) => member.id === id);

/** The directory with `id` changed; as it was when there is no such member. */
export const withMember = (
  directory: Directory,
  id: MemberId,
  change: Partial<Omit<DirectoryMember, 'id'>>,
): Directory => ({
  ...directory,
  members: directory.members.map((member) => (member.id === id ? { ...member, ...change } : member)),
});
