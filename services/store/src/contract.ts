import type { LogIndex, MemberId, Role, Term } from '@raftsman/raft';

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
  readonly rows: readonly Row[];
  /** What the proposer gets; stays in this process. */
  readonly result: unknown;
}

/** Deterministic: the same entries in the same order give the same rows and results on every member. */
export interface StateMachine {
  /** `data` is what some member proposed (empty ones are left out). Never throws for a well-formed log: a refusal is a result. */
  apply(entry: { readonly index: LogIndex; readonly term: Term; readonly data: Uint8Array }): AppliedEntry;
  /** Replaces everything by the rows of a snapshot or of the disk, which come in key order. */
  restore(rows: AsyncIterable<Row & { readonly value: Uint8Array }>): Promise<void>;
}

/** Why a proposal or a read was not answered. After `timeout` the proposal may still take effect. */
export type ReplicaErrorCode = 'no-leader' | 'timeout' | 'too-many-requests' | 'stopped' | 'leader-changed';

export class ReplicaError extends Error {
  readonly code: ReplicaErrorCode;
  constructor(code: ReplicaErrorCode) {
    super(code);
    this.name = 'ReplicaError';
    this.code = code;
  }
}

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
}

export interface Member {
  readonly id: MemberId;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

export interface Replica {
  /** Resolves with `AppliedEntry.result` once the proposal is durable on a majority and applied here. Rejects with ReplicaError. */
  propose(data: Uint8Array): Promise<unknown>;
  /** Resolves once this member has applied everything that was acknowledged anywhere before the call. Rejects with ReplicaError. */
  readIndex(): Promise<void>;
  status(): ReplicaStatus;
  members(): readonly Member[];
  /** Called at once with the present state, then at each change of role, leader or term. Answers how to stop. */
  onStatusChange(listener: (status: ReplicaStatus) => void): () => void;
}
