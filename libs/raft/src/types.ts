/**
 * The vocabulary of the consensus core. Section numbers are those of Ongaro's thesis
 * ("Consensus: Bridging Theory and Practice", 2014).
 */

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** A member, never 0. Whole numbers below 2^53. */
export type MemberId = Branded<number, 'MemberId'>;
/** An election term (§3.3). 0 before the first election. */
export type Term = Branded<number, 'Term'>;
/** A position in the log (§3.5). The first entry is 1; 0 stands before it. */
export type LogIndex = Branded<number, 'LogIndex'>;

export const memberId = (value: number): MemberId => value as MemberId;
export const term = (value: number): Term => value as Term;
export const logIndex = (value: number): LogIndex => value as LogIndex;

/** `normal` with empty data is what a new leader commits first (§6.4). */
export type EntryType = 'normal' | 'configuration';

export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/** What must survive a restart besides the log (figure 3.1, "persistent state"). */
export interface HardState {
  readonly term: Term;
  /** Whom this member voted for in `term`; null: nobody. */
  readonly vote: MemberId | null;
  readonly commit: LogIndex;
}

/** A member that lost its log and its vote, with what all others knew when it began anew. */
export interface Rebuild {
  /** Where the longest of their logs ended. */
  readonly until: LogIndex;
  /** Later than the term of any of them. */
  readonly from: Term;
}

/**
 * Who the members are (chapter 4). A member uses the newest one of its log, committed or not (§4.1).
 *
 * 1. No list names anybody twice; learners are in neither `voters` nor `outgoing`.
 * 2. Every majority, of `voters` as of `outgoing`, has somebody that is no witness.
 * 3. `outgoing` is empty unless there are `voters`.
 */
export interface Configuration {
  /** Of the newest configuration. */
  readonly voters: readonly MemberId[];
  /** The voters of the configuration that is being left (§4.3, C_old); empty unless joint. */
  readonly outgoing: readonly MemberId[];
  /** Get the log, do not vote (§4.2.1). */
  readonly learners: readonly MemberId[];
  /** Those of `voters` and `outgoing` that vote and keep no data. */
  readonly witnesses: readonly MemberId[];
  /** The host's own: what the members are called and where they are. Opaque to the core. */
  readonly directory: Uint8Array;
}

/** Where a snapshot stands; its content is the host's own (rows of the state machine). */
export interface SnapshotMeta {
  readonly index: LogIndex;
  readonly term: Term;
  readonly configuration: Configuration;
}

/** Unused fields are left out per kind; every message carries its sender's term. */
interface MessageBase {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly term: Term;
}

export type Message = MessageBase &
  (
    | {
        /** §9.6 (`preVote`) and §3.4. */
        readonly kind: 'vote-request';
        readonly preVote: boolean;
        readonly lastLogIndex: LogIndex;
        readonly lastLogTerm: Term;
        /** Set by a leadership transfer: voters ignore their own leader lease (§4.2.3). */
        readonly leadershipTransfer: boolean;
      }
    | { readonly kind: 'vote-response'; readonly preVote: boolean; readonly granted: boolean }
    | {
        /** §3.5. Without entries it is a probe, or tells the commit index. */
        readonly kind: 'append-request';
        readonly prevLogIndex: LogIndex;
        readonly prevLogTerm: Term;
        readonly entries: readonly Entry[];
        readonly commit: LogIndex;
        /** Up to here all voters that keep data hold the log: a witness may forget it. 0 in a cluster without witnesses. */
        readonly heldByAll: LogIndex;
      }
    | {
        readonly kind: 'append-response';
        /** false: the log does not hold prevLogIndex/prevLogTerm; the hint says where to go on. */
        readonly success: boolean;
        /** On success the last index known to match; on failure the refused prevLogIndex. */
        readonly index: LogIndex;
        /** On failure: the last index that may match, and its term, to skip a whole term at once. */
        readonly hintIndex: LogIndex;
        readonly hintTerm: Term;
      }
    | {
        readonly kind: 'heartbeat-request';
        readonly commit: LogIndex;
        /** Nonzero: confirms leadership for the reads registered under this number (§6.4). */
        readonly readContext: number;
        /** As in an append-request. */
        readonly heldByAll: LogIndex;
        /** By the leader's clock, for the answer to repeat; 0: the leader uses no read lease, and asks for no promise. */
        readonly sentAtMs: number;
      }
    | {
        readonly kind: 'heartbeat-response';
        readonly readContext: number;
        /** Of the heartbeat that this answers. */
        readonly sentAtMs: number;
        /** The sender will help nobody else to be elected for so long, counted from the receipt of that heartbeat; 0: no promise. */
        readonly promiseMs: number;
      }
    | {
        /** The host streams the state itself and hands `meta` to the receiver's core when it is durable. */
        readonly kind: 'snapshot-request';
        readonly meta: SnapshotMeta;
      }
    | {
        /** To a witness: its log begins after `meta`. There is no state to stream. */
        readonly kind: 'witness-snapshot';
        readonly meta: SnapshotMeta;
      }
    | {
        /** A follower's proposals, for the leader. May be lost; the host times out. */
        readonly kind: 'propose-request';
        readonly entries: readonly { readonly type: EntryType; readonly data: Uint8Array }[];
      }
    | { readonly kind: 'read-index-request'; readonly requestId: number }
    | { readonly kind: 'read-index-response'; readonly requestId: number; readonly index: LogIndex }
    | { readonly kind: 'timeout-now' }
  );

export type MessageKind = Message['kind'];

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** Answers one `readIndex(requestId)`: the read may be served once the state machine has applied `index`. */
export interface ReadState {
  readonly requestId: number;
  readonly index: LogIndex;
}

/**
 * The effects that the core asks for. The host must, in this order:
 *
 * 1. send `messages` (at once, also while step 2 runs: thesis §10.2.1 lets a leader replicate before its own write is durable),
 * 2. make `snapshot`, `entries` and `hardState` durable in one synchronous write (only if `mustSync`; else it may skip the sync),
 * 3. send `messagesAfterPersist` (votes and acknowledgements promise what step 2 made durable),
 * 4. apply `committedEntries` to the state machine in order (without a `snapshot`, those before `entries` are on this disk already and may be
 *    applied while step 2 runs),
 * 5. call `advance(ready)`.
 *
 * One Ready is outstanding at a time. Between `ready()` and `advance()` the core still takes `step`, `tick` and `propose`.
 * Messages that those produce and that wait for no write can be had early through `takeMessages()`.
 *
 * Invariants: entries are contiguous and follow the last ones persisted (or overwrite an uncommitted tail);
 * committedEntries are contiguous, follow the last ones applied, and each of them is durable on a majority.
 */
export interface Ready {
  readonly messages: readonly Message[];
  /** null: unchanged since the last Ready. */
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  /** A snapshot, received whole by the host, that replaces the log up to its index. */
  readonly snapshot: SnapshotMeta | null;
  readonly mustSync: boolean;
  readonly messagesAfterPersist: readonly Message[];
  readonly committedEntries: readonly Entry[];
  readonly readStates: readonly ReadState[];
}

/** What the core needs of the log that the host made durable. Synchronous: the host keeps the unsnapshotted tail in memory. */
export interface LogReader {
  /** The index before the first entry that is still there: that of the last compaction or snapshot. */
  readonly compactedIndex: LogIndex;
  readonly compactedTerm: Term;
  readonly lastIndex: LogIndex;
  /** undefined: compacted away, or beyond the end. */
  termAt(index: LogIndex): Term | undefined;
  /** Entries from..to (to excluded), cut after about `maxBytes` but never empty when there is one. */
  slice(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[];
  /** The newest state that can be sent to a member whose next entry is compacted away. */
  snapshotMeta(): SnapshotMeta;
}

export interface ReadLease {
  /**
   * Milliseconds of a clock that never goes back and goes on while the process stands still. Two members' clocks may differ in speed by
   * leaseMarginShare.
   */
  readonly nowMs: () => number;
  /**
   * For how long a member that answers a heartbeat helps nobody else to be elected: whole, at most an election timeout. Also after a restart;
   * before it is made shorter or left out a member must be down for as long as it was.
   */
  readonly promiseMs: number;
}

export interface RaftConfig {
  readonly id: MemberId;
  /** An election starts after this many ticks without a leader, plus up to electionSpreadTicks, drawn from `random`. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly preVote: boolean;
  /** A leader that hears from no majority for an election timeout steps down, and voters refuse while they hear a leader (§6.2, §4.2.3). */
  readonly checkQuorum: boolean;
  /**
   * This member votes and keeps no data: no state machine, no reads, no proposals. It must be named among the witnesses of the
   * configurations that it is in.
   */
  readonly witness?: boolean;
  /** Left out: reads are confirmed by a round, and nothing is promised (docs/decisions/0012). */
  readonly readLease?: ReadLease;
  /** One append's entries, in bytes. */
  readonly appendBytesMax: number;
  /** Appends on their way to one follower. */
  readonly inflightAppendsMax: number;
  /** Entries proposed and not yet committed, in bytes; more are refused. */
  readonly uncommittedBytesMax: number;
  /** Committed entries handed out in one Ready, in bytes. */
  readonly committedBytesMax: number;
  /** Seeded by the host: a whole number in [0, below). */
  readonly random: (below: number) => number;
}

/** What a leader knows of a member. */
export interface MemberProgress {
  /** Its log is known to be durable up to here. */
  readonly match: LogIndex;
  readonly next: LogIndex;
  /** It was heard within an election timeout. */
  readonly recentlyActive: boolean;
}

export interface RaftStatus {
  readonly id: MemberId;
  readonly role: Role;
  readonly term: Term;
  readonly leader: MemberId | null;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  readonly lastIndex: LogIndex;
  /** In force here: the newest of the log, committed or not. */
  readonly configuration: Configuration;
  /** A change is under way: the configuration in force is joint, or not known to be committed. */
  readonly configurationInProgress: boolean;
  /**
   * Up to here all voters that keep data hold the log, as far as this member knows; 0 without witnesses. A witness compacts up to there
   * (not beyond `applied`). Who keeps data should not compact beyond it, within reason: what it drops a witness drops too.
   */
  readonly heldByAll: LogIndex;
  /** Only on the leader: of each member, learners too, and for a while of members that were removed. */
  readonly progress: ReadonlyMap<MemberId, MemberProgress> | null;
  /** Messages dropped since the start because no correct member sends them. */
  readonly refusedMessages: number;
}

/** Why a proposal or a read was not taken; the host answers its client or tries again. */
export type Refusal =
  | 'no-leader'
  | 'too-many-uncommitted'
  | 'too-many-reads'
  /** Of a member that does not vote: a learner, one that was removed, or that does not know yet that it was added. */
  | 'not-a-member'
  /** It keeps no data. */
  | 'witness'
  | ConfigurationRefusal;

export type ConfigurationRefusal =
  /** The change before this one is not done. */
  | 'configuration-in-progress'
  /** The leader has not committed anything in its term yet. */
  | 'leader-not-ready'
  /** A learner that is to vote has too little of the log; or, beside witnesses, is to vote without having been a learner. */
  | 'learner-not-ready'
  /** No configuration, or none that can follow the present one: a voter becomes a learner, a witness keeps data or the reverse. */
  | 'unfitting-configuration';

/** What a host asks for: see Configuration. */
export type ProposedConfiguration = Omit<Configuration, 'outgoing'>;

/** The core, as the host drives it. Made by `createRaft` in raft.ts. */
export interface Raft {
  /** As in `status()`, without its cost. */
  readonly role: Role;
  readonly term: Term;
  readonly leader: MemberId | null;
  readonly commit: LogIndex;
  readonly configuration: Configuration;
  /** One unit of time passes. */
  tick(): void;
  /** A message came from a peer. Takes anything whose fields have these shapes; never throws on hostile values. */
  step(message: Message): void;
  /** On a follower the proposal goes to the leader. */
  propose(entries: readonly { readonly type: EntryType; readonly data: Uint8Array }[]): Refusal | null;
  /**
   * On the leader. A change of voters goes through the joint configuration, which the leader leaves by itself; any other is one entry.
   * While a joint configuration is committed and cannot be left yet, its outgoing voters may be proposed: that takes the change back.
   */
  proposeConfiguration(proposed: ProposedConfiguration): Refusal | null;
  /** Asks for a linearizable read point (§6.4); answered by a ReadState, or never (the host times out and asks again). */
  readIndex(requestId: number): Refusal | null;
  /** The host saw the connection to `peer` break. If it was the leader, pre-vote at once instead of waiting for the timeout. */
  reportUnreachable(peer: MemberId): void;
  /** The host saw a connection open. Without a leader pre-vote soon: perhaps only that peer was missing. */
  reportReachable(): void;
  /** The stream of a snapshot to `peer` ended. */
  reportSnapshot(peer: MemberId, outcome: 'delivered' | 'failed'): void;
  /** A snapshot received whole and staged by the host; the core takes it into the next Ready or refuses it (stale). */
  offerSnapshot(from: MemberId, messageTerm: Term, meta: SnapshotMeta): boolean;
  /** Only to a voter that keeps data; anything else changes nothing. */
  transferLeadership(to: MemberId): void;
  hasReady(): boolean;
  ready(): Ready;
  advance(ready: Ready): void;
  takeMessages(): readonly Message[];
  /** Like takeMessages: reads that are answered while a Ready is being carried out. */
  takeReadStates(): readonly ReadState[];
  status(): RaftStatus;
  /** Throws on a broken invariant: a bug, and the process must die. */
  checkInvariants(): void;
}
