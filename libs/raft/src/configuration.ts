import { directoryBytesMax, membersMax, numberMax } from './limits.js';
import { majoritiesKeepData } from './quorum.js';
import { memberId } from './types.js';
import type { Configuration, MemberId } from './types.js';

/** Configurations as values: made, compared, checked, and as the data of `configuration` entries. */

export const emptyDirectory: Uint8Array = new Uint8Array(0);

/** What is not named is empty. */
export function configurationOf(
  voters: readonly MemberId[],
  rest: Partial<Omit<Configuration, 'voters'>> = {},
): Configuration {
  return { voters, outgoing: [], learners: [], witnesses: [], directory: emptyDirectory, ...rest };
}

export const isJoint = ({ outgoing }: Configuration): boolean => outgoing.length > 0;

/** Voters of either side of a joint configuration, each once, then learners: whoever is sent the log. */
export function membersOf({ voters, outgoing, learners }: Configuration): readonly MemberId[] {
  return [...new Set([...voters, ...outgoing, ...learners])];
}

export const isWitness = ({ witnesses }: Configuration, member: MemberId): boolean =>
  witnesses.includes(member);

/** Voters of either side that keep the data: whoever may lead for long. */
export const dataVotersOf = ({ voters, outgoing, witnesses }: Configuration): readonly MemberId[] =>
  [...new Set([...voters, ...outgoing])].filter((member) => !witnesses.includes(member));

export const sameMembers = (left: readonly MemberId[], right: readonly MemberId[]): boolean =>
  left.length === right.length && left.every((member) => right.includes(member));

/** Bounds, and the invariants of the type. */
export function isWellFormedConfiguration(configuration: Configuration): boolean {
  const { voters, outgoing, learners, witnesses, directory } = configuration;
  const all = membersOf(configuration);
  const lists = [voters, outgoing, learners, witnesses];
  return (
    all.length <= membersMax &&
    directory.length <= directoryBytesMax &&
    all.every((member) => Number.isInteger(member) && member > 0 && member <= numberMax) &&
    lists.every((list) => new Set(list).size === list.length) &&
    (outgoing.length === 0 || voters.length > 0) &&
    learners.every((member) => !voters.includes(member) && !outgoing.includes(member)) &&
    witnesses.every((member) => voters.includes(member) || outgoing.includes(member)) &&
    majoritiesKeepData(configuration)
  );
}

/**
 * The data of a `configuration` entry, big-endian: version (1 byte), then voters, outgoing, learners and witnesses, each as a count
 * (1 byte) and ids (8 bytes each), then the directory to the end.
 */
const version = 1;
const countBytes = 1;
const idBytes = 8;

export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const { voters, outgoing, learners, witnesses, directory } = configuration;
  const lists = [voters, outgoing, learners, witnesses];
  const idCount = lists.reduce((count, list) => count + list.length, 0);
  const bytes = new Uint8Array(1 + lists.length * countBytes + idCount * idBytes + directory.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, version);
  let at = 1;
  for (const list of lists) {
    view.setUint8(at, list.length);
    at += countBytes;
    for (const member of list) {
      view.setBigUint64(at, BigInt(member));
      at += idBytes;
    }
  }
  bytes.set(directory, at);
  return bytes;
}

/** null: not what encodeConfiguration writes, or of a later version. The directory shares memory with `bytes`. */
export function decodeConfiguration(bytes: Uint8Array): Configuration | null {
  if (bytes[0] !== version) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const lists: MemberId[][] = [];
  let at = 1;
  while (lists.length < 4) {
    const count = bytes[at];
    if (count === undefined || at + countBytes + count * idBytes > bytes.length) return null;
    at += countBytes;
    const start = at;
    at += count * idBytes;
    lists.push(Array.from({ length: count }, (_, place) => idAt(view, start + place * idBytes)));
  }
  const [voters = [], outgoing = [], learners = [], witnesses = []] = lists;
  const configuration = { voters, outgoing, learners, witnesses, directory: bytes.subarray(at) };
  return isWellFormedConfiguration(configuration) ? configuration : null;
}

const idAt = (view: DataView, at: number): MemberId => memberId(Number(view.getBigUint64(at)));
