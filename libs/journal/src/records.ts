import { emptyDirectory, type Configuration, type LogIndex, type Term } from '@raftsman/raft';

/** The last entry that is no longer in the log. */
export interface CompactedRecord {
  readonly index: LogIndex;
  readonly term: Term;
}

/** Where the state rows of the present generation stand. */
export interface StateRecord {
  readonly generation: number;
  readonly index: LogIndex;
  readonly term: Term;
  readonly configuration: Configuration;
}

/** Whose data directory this is. */
export interface Identity {
  readonly memberId: number;
  readonly clusterId: number;
  /** etcd's --name, for messages. */
  readonly name: string;
}

export interface IdentityRecord extends Identity {
  readonly format: number;
  /** Drawn when the directory was new: tells it from a later one of the same member. */
  readonly dataId: number;
  /** Its log is still to be made: nothing was ever promised from here. */
  readonly isNew: boolean;
  /** What its log begins with. */
  readonly rebuild: RebuildRecord | null;
}

/** This member lost what it had promised. It votes again once its commit index reaches `until`; null: that is still to be asked for. */
export interface RebuildRecord {
  readonly until: LogIndex | null;
  /** Or once an entry of this term, with which it began anew, or a later one is committed. Left out by earlier versions. */
  readonly from?: Term;
  /** It may as well be new: whether anybody has met it with another data directory is still to be asked for. */
  readonly joining?: boolean;
}

/** A state record in JSON. */
export interface WrittenState extends Omit<StateRecord, 'configuration'> {
  readonly configuration: Omit<Configuration, 'directory'> & {
    /** Base64. */
    readonly directory: string;
  };
}

export function stateToJson({ generation, index, term, configuration }: StateRecord): WrittenState {
  const directory = Buffer.from(configuration.directory).toString('base64');
  return { generation, index, term, configuration: { ...configuration, directory } };
}

export function stateFromJson({ configuration, ...state }: WrittenState): StateRecord {
  const { directory: written } = configuration;
  const directory = written === '' ? emptyDirectory : new Uint8Array(Buffer.from(written, 'base64'));
  return { ...state, configuration: { ...configuration, directory } };
}
