import type { LogIndex, MemberId, Role, SnapshotMeta, Term } from '@raftsman/raft';

/**
 * Where consensus (replica/) and the etcd face (etcd/) meet. The replica knows nothing of keys and values;
 * the state machine knows nothing of disks, peers and elections.
 */

/** A piece of the state machine's durable form; ordered by `key` as bytes. value null: the row goes. */
export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

export interface AppliedEntry {
  /** What changed in the durable form. Written with the applied index in one batch, before the log is compacted past this entry. */
  readonly rows: Iterable<Row>;
  /** What the proposer gets; stays in this process. */
  readonly result: unknown;
}

/** Deterministic: the same entries in the same order give the same rows and results on every member. */
export interface StateMachine {
  /** `data` is what some member proposed (empty ones are left out). Never throws for a well-formed log: a refusal is a result. */
  apply(entry: { readonly index: LogIndex; readonly term: Term; readonly data: Uint8Array }): AppliedEntry;
  /** Replaces everything by the rows of a snapshot or of the disk, which come in key order and in batches of bounded work. */
  restore(batches: AsyncIterable<readonly (Row & { readonly value: Uint8Array })[]>): Promise<void>;
}

/** Why a proposal or a read was not answered. After `timeout` the proposal may still take effect. */
export type ReplicaErrorCode =
  | 'no-leader'
  | 'not-leader'
  | 'timeout'
  | 'too-many-requests'
  | 'stopped'
  | 'leader-changed'
  /** A learner, or a witness, has no state that it may answer from. Nor has a member that does not know yet that it was added. */
  | 'not-capable';

export class ReplicaError extends Error {
  readonly code: ReplicaErrorCode;
  constructor(code: ReplicaErrorCode) {
    super(code);
    this.name = 'ReplicaError';
    this.code = code;
  }
}

/** A call that was passed on to the leader ended with a gRPC status that is no answer: it may have been done, and would end so again. */
export class ForwardError extends Error {
  readonly code: number;
  readonly details: string;
  constructor(code: number, details: string) {
    super(details);
    this.name = 'ForwardError';
    this.code = code;
    this.details = details;
  }
}

/** Why the members stay as they are. */
export type MembershipErrorCode =
  | 'peer-url-exists'
  | 'bad-urls'
  | 'not-found'
  /** Promotion of a voter. */
  | 'not-learner'
  /** Its log is too far behind the leader's for a vote. */
  | 'learner-not-ready'
  | 'too-many-learners'
  | 'too-many-members'
  /** Beside a witness, a voter must have been a learner: else the two could be a majority that knows too little. */
  | 'learner-first'
  /** Fewer voters than a majority would have been seen yet. */
  | 'not-enough-started'
  /** Some voter does not answer the leader. */
  | 'unhealthy';

export class MembershipError extends Error {
  readonly code: MembershipErrorCode;
  constructor(code: MembershipErrorCode) {
    super(code);
    this.name = 'MembershipError';
    this.code = code;
  }
}

export type MemberChange =
  | {
      readonly kind: 'add';
      readonly peerUrls: readonly string[];
      readonly isLearner: boolean;
      readonly isWitness: boolean;
    }
  | { readonly kind: 'remove'; readonly id: MemberId }
  /** New peer URLs. */
  | { readonly kind: 'update'; readonly id: MemberId; readonly peerUrls: readonly string[] }
  /** A learner becomes a voter. */
  | { readonly kind: 'promote'; readonly id: MemberId };

/** A learner does not vote yet, a witness votes and has no data. */
export type Standing = 'voter' | 'learner' | 'witness';

export interface ReplicaStatus {
  readonly id: MemberId;
  readonly clusterId: number;
  readonly role: Role;
  readonly leader: MemberId | null;
  readonly term: Term;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  /** Bytes of the data directory. */
  readonly dataSizeBytes: number;
  /** The disk is nearly full: what makes the state grow is to be refused (NOSPACE). */
  readonly diskLow: boolean;
  /** Gets the log and does not vote. */
  readonly isLearner: boolean;
  /** Votes and keeps no data. */
  readonly isWitness: boolean;
}

export interface Member {
  readonly id: MemberId;
  /** Empty until it was started for the first time; so are its client URLs. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
  readonly isWitness: boolean;
}

/** The whole state as it was at one moment, whatever is written meanwhile. The disk keeps what it needs until it is closed. */
export interface StateView {
  readonly meta: SnapshotMeta;
  /** In key order; can be read more than once. */
  rows(): AsyncIterable<Row & { readonly value: Uint8Array }>;
  close(): Promise<void>;
}

/** A call that only the leader can answer, of a client of the member that passes it on. It means nothing to consensus. */
export interface ForwardedCall {
  /** `/etcdserverpb.Lease/LeaseKeepAlive` */
  readonly path: string;
  readonly request: Uint8Array;
  /** Who asks, as that member found; empty: nobody has said. */
  readonly user: string;
  /** The auth revision at which that was so; 0: authentication is off there. */
  readonly authRevision: number;
}

export type ForwardedAnswer =
  | { readonly kind: 'response'; readonly response: Uint8Array }
  /** A gRPC status other than OK. */
  | { readonly kind: 'refusal'; readonly code: number; readonly details: string }
  /** Who was asked does not lead, and has done nothing. */
  | { readonly kind: 'not-leader' };

export interface Replica {
  /**
   * Resolves with `AppliedEntry.result` once the proposal is durable on a majority and applied here. `ahead`: of all that wait on this member,
   * however many they are; for what the member itself must say. Rejects with ReplicaError.
   */
  propose(data: Uint8Array, options?: { readonly ahead?: boolean }): Promise<unknown>;
  /** Resolves once this member has applied everything that was acknowledged anywhere before the call. Rejects with ReplicaError. */
  readIndex(): Promise<void>;
  /** With everything that is applied here. Rejects with ReplicaError: `no-leader` if nothing ever was, `stopped`. */
  openStateView(): Promise<StateView>;
  /** Lets the disk go of what was overwritten and deleted, while everything else goes on. Rejects with ReplicaError (`stopped`). */
  defragment(): Promise<void>;
  status(): ReplicaStatus;
  /** As in `status()`, without its cost: what this member is in the newest configuration of its log. */
  readonly standing: Standing;
  /** Those of the newest configuration of this member's log. */
  members(): readonly Member[];
  /**
   * On the leader only. Resolves with the changed member (the removed one as it was) once the new configuration alone counts and is applied
   * here; when a second member is added to one that is alone, once it is on its disk. The leader itself is not removed: it hands leadership
   * over and rejects with `not-leader`, so that the next one does it. Rejects with MembershipError (nothing has changed) or ReplicaError (after `timeout` the change may still take effect).
   */
  changeMembers(change: MemberChange): Promise<Member>;
  /** On the leader only. Resolves when `to` leads; rejects with ReplicaError: `timeout` when it does not within two election timeouts. */
  transferLeadership(to: MemberId): Promise<void>;
  /**
   * Asks the leader of this moment. Rejects with ReplicaError: `no-leader`, `too-many-requests` (nobody was asked); `leader-changed` as soon as
   * another one leads or it cannot be reached, `timeout`, `stopped` (it may have done it). Or with ForwardError.
   */
  forward(call: ForwardedCall, timeoutMs: number): Promise<ForwardedAnswer>;
  /**
   * Who answers what other members pass on to this one; until then nobody leads here. Answers how to stop. `answer` may reject with ReplicaError:
   * nobody knows what became of the call.
   */
  answerForwarded(answer: (call: ForwardedCall) => Promise<ForwardedAnswer>): () => void;
  /** Called at once with the present state, then at each change of role, leader or term. Answers how to stop. */
  onStatusChange(listener: (status: ReplicaStatus) => void): () => void;
}
