import { assert } from './assert.js';
import {
  campaign,
  checkQuorum,
  handleTimeoutNow,
  handleVoteRequest,
  handleVoteResponse,
  startElection,
} from './election.js';
import { broadcastHeartbeat, handleHeartbeatRequest, handleHeartbeatResponse } from './heartbeat.js';
import { checkState } from './invariants.js';
import { unreachableTicksMax } from './limits.js';
import { RaftLog, entrySizeBytes } from './log.js';
import { handleReadIndexRequest, handleReadIndexResponse, requestRead } from './read-index.js';
import { advance, hasReady, makeReady, settle, takeOutbox } from './ready.js';
import {
  handleAppendRequest,
  handleAppendResponse,
  offerSnapshot,
  propose,
  refuseStaleLeader,
  reportSnapshot,
  transferLeadership,
} from './replication.js';
import { thesisRules } from './rules.js';
import type { Rules } from './rules.js';
import { RaftState } from './state.js';
import { logIndex } from './types.js';
import type {
  Configuration,
  EntryType,
  HardState,
  LogIndex,
  LogReader,
  MemberId,
  Message,
  Raft,
  RaftConfig,
  RaftStatus,
  Ready,
  Refusal,
  Role,
  SnapshotMeta,
  Term,
} from './types.js';
import { assertConfig, assertRestored, isWellFormed } from './validate.js';

export interface InitialState {
  readonly hardState: HardState;
  readonly configuration: Configuration;
  /** What the state machine holds; not before the log's compactedIndex. */
  readonly applied: LogIndex;
  /** A member that lost its log and its vote neither votes nor stands for election before its commit index has reached this. */
  readonly rebuildUntil?: LogIndex;
}

type Proposal = { readonly type: EntryType; readonly data: Uint8Array };

/** Throws when `initial` and `log` contradict each other: the disk lost what this member had promised. */
export function createRaft(config: RaftConfig, initial: InitialState, log: LogReader): Raft {
  return createRaftWithRules(config, initial, log, thesisRules);
}

/** Not exported from the package: only the simulation plants other rules. */
export function createRaftWithRules(
  config: RaftConfig,
  initial: InitialState,
  log: LogReader,
  rules: Rules,
): Raft {
  assertConfig(config);
  const { hardState, configuration, applied } = initial;
  assertRestored(hardState, applied, configuration, log);
  // The host need not sync the commit index, so the state machine may be ahead of it.
  const commit = Math.max(hardState.commit, applied);
  const state = new RaftState(config, rules, hardState, configuration, new RaftLog(log, commit, applied));
  state.rebuildUntil = initial.rebuildUntil ?? 0;
  return new RaftCore(state);
}

/** The branching; what each branch does stands in the file of its subject. */
class RaftCore implements Raft {
  readonly #state: RaftState;
  #outstanding: Ready | null = null;
  #nowTick = 0;

  constructor(state: RaftState) {
    this.#state = state;
  }

  get role(): Role {
    return this.#state.role;
  }

  tick(): void {
    const state = this.#state;
    this.#nowTick += 1;
    state.electionElapsedTicks += 1;
    if (state.role === 'leader') {
      this.#tickLeader();
      return;
    }
    if (this.#nowTick % state.config.electionTicks === 0) {
      state.reads.expireForwarded(this.#nowTick - 2 * state.config.electionTicks);
    }
    if (state.electionElapsedTicks >= state.electionTimeoutTicks) startElection(state);
  }

  #tickLeader(): void {
    const state = this.#state;
    if (state.electionElapsedTicks >= state.config.electionTicks) {
      state.electionElapsedTicks = 0;
      state.transferee = null;
      if (state.config.checkQuorum) checkQuorum(state);
      if (state.role !== 'leader') return;
    }
    state.heartbeatElapsedTicks += 1;
    if (state.heartbeatElapsedTicks < state.config.heartbeatTicks) return;
    state.heartbeatElapsedTicks = 0;
    broadcastHeartbeat(state);
  }

  step(message: Message): void {
    const state = this.#state;
    if (!isWellFormed(message, state.id)) {
      state.refusedMessages += 1;
    } else if (message.term < state.term) {
      this.#answerEarlierTerm(message);
    } else if (message.term === state.term || this.#enterLaterTerm(message)) {
      this.#handle(message);
    }
  }

  /** §3.3: a later term is adopted, with three exceptions. Answers whether the message is still to be handled. */
  #enterLaterTerm(message: Message): boolean {
    const state = this.#state;
    switch (message.kind) {
      case 'vote-request':
        // §4.2.3: who hears a leader does not let anybody disturb it, unless that leader asked for it (§3.10).
        if (state.hearsLeader() && !message.leadershipTransfer) return false;
        // §9.6: the term of a pre-vote is only a question.
        if (!message.preVote) state.becomeFollower(message.term, null);
        return true;
      case 'vote-response':
        // A granted pre-vote answers in the term that was asked for.
        if (!(message.preVote && message.granted)) state.becomeFollower(message.term, null);
        return true;
      case 'append-request':
      case 'heartbeat-request':
      case 'snapshot-request':
        state.becomeFollower(message.term, message.from);
        return true;
      case 'append-response':
      case 'heartbeat-response':
      case 'propose-request':
      case 'read-index-request':
      case 'read-index-response':
      case 'timeout-now':
        state.becomeFollower(message.term, null);
        return true;
    }
  }

  /** The sender does not know our term yet. Those that would go on forever are told; the rest is void. */
  #answerEarlierTerm(message: Message): void {
    const state = this.#state;
    switch (message.kind) {
      case 'append-request':
      case 'heartbeat-request':
      case 'snapshot-request':
        refuseStaleLeader(state, message.from);
        return;
      case 'vote-request':
        state.send({ kind: 'vote-response', to: message.from, preVote: message.preVote, granted: false });
        return;
      case 'vote-response':
      case 'append-response':
      case 'heartbeat-response':
      case 'propose-request':
      case 'read-index-request':
      case 'read-index-response':
      case 'timeout-now':
        return;
    }
  }

  #handle(message: Message): void {
    const state = this.#state;
    switch (message.kind) {
      case 'vote-request':
        handleVoteRequest(state, message);
        return;
      case 'vote-response':
        handleVoteResponse(state, message);
        return;
      case 'append-request':
        if (this.#acceptLeader(message.from)) handleAppendRequest(state, message);
        return;
      case 'heartbeat-request':
        if (this.#acceptLeader(message.from)) handleHeartbeatRequest(state, message);
        return;
      case 'snapshot-request':
        // The snapshot itself comes through offerSnapshot when the host has all of it.
        this.#acceptLeader(message.from);
        return;
      case 'read-index-response':
        handleReadIndexResponse(state, message);
        return;
      case 'timeout-now':
        handleTimeoutNow(state, message.from);
        return;
      case 'append-response':
      case 'heartbeat-response':
      case 'propose-request':
      case 'read-index-request':
        if (state.role === 'leader') this.#handleAsLeader(message);
        return;
    }
  }

  #handleAsLeader(
    message: Extract<
      Message,
      { readonly kind: 'append-response' | 'heartbeat-response' | 'propose-request' | 'read-index-request' }
    >,
  ): void {
    const state = this.#state;
    switch (message.kind) {
      case 'append-response':
        handleAppendResponse(state, message);
        return;
      case 'heartbeat-response':
        handleHeartbeatResponse(state, message);
        return;
      case 'propose-request':
        // A refusal is not told: the follower's client times out, as if the message were lost.
        propose(state, message.entries);
        return;
      case 'read-index-request':
        handleReadIndexRequest(state, message);
        return;
    }
  }

  /** §3.4: a term has one leader, so a second one is a lie. */
  #acceptLeader(from: MemberId): boolean {
    const state = this.#state;
    if (state.leader !== null && state.leader !== from) {
      state.refusedMessages += 1;
      return false;
    }
    state.followLeader(from);
    return true;
  }

  propose(entries: readonly Proposal[]): Refusal | null {
    const state = this.#state;
    if (!state.isVoter) return 'not-a-member';
    if (state.leader === null) return 'no-leader';
    if (entries.length === 0) return null;
    if (state.role === 'leader') return propose(state, entries);
    let sizeBytes = 0;
    for (const entry of entries) sizeBytes += entrySizeBytes(entry);
    if (state.forwardedBytes > 0 && state.forwardedBytes + sizeBytes > state.config.uncommittedBytesMax) {
      return 'too-many-uncommitted';
    }
    state.forwardedBytes += sizeBytes;
    state.send({ kind: 'propose-request', to: state.leader, entries });
    return null;
  }

  readIndex(requestId: number): Refusal | null {
    return requestRead(this.#state, requestId);
  }

  reportUnreachable(peer: MemberId): void {
    const state = this.#state;
    const progress = state.progress.get(peer);
    if (progress?.mode.kind === 'replicate') progress.probeFrom(progress.match + 1);
    // Without pre-vote, running would disturb a leader that only we have lost.
    if (state.role !== 'follower' || state.leader !== peer || !state.config.preVote) return;
    state.leader = null;
    state.reads.clear();
    const delayTicks = state.config.random(unreachableTicksMax + 1);
    if (delayTicks === 0) campaign(state, 'pre-vote');
    else state.hastenElection(delayTicks);
  }

  reportSnapshot(peer: MemberId, outcome: 'delivered' | 'failed'): void {
    reportSnapshot(this.#state, peer, outcome);
  }

  offerSnapshot(from: MemberId, messageTerm: Term, meta: SnapshotMeta): boolean {
    const state = this.#state;
    const message = { kind: 'snapshot-request', from, to: state.id, term: messageTerm, meta } as const;
    if (!isWellFormed(message, state.id)) return false;
    this.step(message);
    // step has taken or refused the sender as the leader of its term.
    if (state.term !== messageTerm || state.leader !== from || state.role !== 'follower') return false;
    return offerSnapshot(state, message);
  }

  transferLeadership(to: MemberId): void {
    transferLeadership(this.#state, to);
  }

  hasReady(): boolean {
    if (this.#outstanding !== null) return false;
    settle(this.#state, this.#nowTick);
    return hasReady(this.#state);
  }

  ready(): Ready {
    assert(this.#outstanding === null, 'a Ready is outstanding');
    settle(this.#state, this.#nowTick);
    this.#outstanding = makeReady(this.#state);
    return this.#outstanding;
  }

  advance(ready: Ready): void {
    assert(this.#outstanding === ready, 'not the Ready that is outstanding');
    this.#outstanding = null;
    advance(this.#state, ready);
  }

  takeMessages(): readonly Message[] {
    settle(this.#state, this.#nowTick);
    return takeOutbox(this.#state);
  }

  status(): RaftStatus {
    const { id, role, leader, log, progress, term, refusedMessages } = this.#state;
    const ofMember = ([member, each]: [MemberId, { match: number; next: number; recentlyActive: boolean }]) =>
      [
        member,
        { match: logIndex(each.match), next: logIndex(each.next), recentlyActive: each.recentlyActive },
      ] as const;
    return {
      id,
      role,
      term,
      leader,
      commit: logIndex(log.commit),
      applied: logIndex(log.applied),
      lastIndex: log.lastIndex,
      progress: role === 'leader' ? new Map([...progress].map(ofMember)) : null,
      refusedMessages,
    };
  }

  checkInvariants(): void {
    checkState(this.#state);
  }
}
