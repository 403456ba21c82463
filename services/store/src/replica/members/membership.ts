import { strict as assert } from 'node:assert';
import { isJoint, membersOf, type Configuration, type MemberId } from '@raftsman/raft';
import type { Member } from '../../contract.js';
import { decodeDirectory, memberOf, sameTexts, type Directory, type DirectoryMember } from './directory.js';

const firstUrlOf = ({ peerUrls }: DirectoryMember): string => peerUrls[0] ?? '';

/** What a member says of itself when it connects. */
export interface SelfDescription {
  readonly name: string;
  readonly clientUrls: readonly string[];
}

/** Who the members are, as the newest configuration of the log has it (committed or not: thesis §4.1) and as the newest applied one has it. */
export class Membership {
  readonly self: MemberId;
  /** Stands in for the directory of a log that was begun before there were directories. */
  readonly #fallback: Directory;
  #configuration: Configuration;
  #directory: Directory;
  #applied: Directory;

  /** Throws when it does not understand the configuration. */
  constructor(self: MemberId, configuration: Configuration, fallback: Directory) {
    this.self = self;
    this.#fallback = fallback;
    this.#configuration = configuration;
    this.#directory = this.#directoryOf(configuration);
    this.#applied = this.#directory;
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  get directory(): Directory {
    return this.#directory;
  }

  /** The configuration in force is another one. */
  use(configuration: Configuration): void {
    this.#configuration = configuration;
    this.#directory = this.#directoryOf(configuration);
  }

  /** A configuration is committed, and so is everything before it. */
  applied(configuration: Configuration): void {
    this.#applied = this.#directoryOf(configuration);
  }

  get isLearner(): boolean {
    return this.#configuration.learners.includes(this.self);
  }

  get isWitness(): boolean {
    return memberOf(this.#directory, this.self)?.isWitness ?? false;
  }

  /** For certain: no later configuration brings it back. */
  isRemoved(id: MemberId): boolean {
    return this.#applied.removed.includes(id) && !this.isMember(id);
  }

  isMember(id: MemberId): boolean {
    return membersOf(this.#configuration).includes(id);
  }

  /** Everybody to keep a connection with; who was not seen yet is called by its id. */
  others(): readonly DirectoryMember[] {
    const counted = membersOf(this.#configuration);
    const { members, leaving } = this.#directory;
    const stillCounted = leaving.filter(({ id }) => counted.includes(id));
    return [...members, ...stillCounted]
      .filter(({ id }) => id !== this.self)
      .map((member) => ({ ...member, name: member.name || member.id.toString(16) }));
  }

  /** In etcd's order. */
  members(): readonly Member[] {
    const { learners } = this.#configuration;
    return this.#directory.members
      .map((member) => ({ ...member, isLearner: learners.includes(member.id) }))
      .toSorted((left, right) => (firstUrlOf(left) < firstUrlOf(right) ? -1 : 1));
  }

  /** The directory with what its members say of themselves; null: it is in there already, or a change is under way. */
  corrected(said: ReadonlyMap<MemberId, SelfDescription>): Directory | null {
    if (isJoint(this.#configuration)) return null;
    let differs = this.#configuration.directory.length === 0;
    const members = this.#directory.members.map((member) => {
      const { name, clientUrls } = said.get(member.id) ?? member;
      if (name === member.name && sameTexts(clientUrls, member.clientUrls)) return member;
      differs = true;
      return { ...member, name, clientUrls };
    });
    return differs ? { ...this.#directory, members } : null;
  }

  #directoryOf(configuration: Configuration): Directory {
    if (configuration.directory.length === 0) return this.#fallback;
    const directory = decodeDirectory(configuration.directory);
    assert(directory !== null, 'the directory of members was written by this version or an older one');
    return directory;
  }
}
