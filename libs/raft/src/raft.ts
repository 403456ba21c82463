import { assert } from './assert.js';
import { ConfigurationHistory } from './configuration-history.js';
import { campaign, checkQuorum, startElection } from './election.js';
import { broadcastHeartbeat } from './heartbeat.js';
import { checkState } from './invariants.js';
import { isPromised, promiseAfterRestart } from './lease.js';
import { unreachableTicksMax } from './limits.js';
import { RaftLog } from './log.js';
import { isChanging, proposeConfiguration } from './membership.js';
import { propose } from './proposals.js';
import type { Proposal } from './proposals.js';
import { requestRead } from './read-index.js';
import { advance, hasReady, makeReady, settle, takeOutbox, takeReads } from './ready.js';
import { offerSnapshot, reportSnapshot, transferLeadership } from './replication.js';
import { thesisRules } from './rules.js';
import type { Rules } from './rules.js';
import { RaftState } from './state.js';
import { step } from './step.js';
import { logIndex } from './types.js';
import type {
  Configuration,
  HardState,
  LogIndex,
  LogReader,
  MemberId,
  MemberProgress,
  Message,
  ProposedConfiguration,
  Raft,
  RaftConfig,
  RaftStatus,
  ReadState,
  Ready,
  Rebuild,
  Refusal,
  Role,
  SnapshotMeta,
  Term,
} from './types.js';
import { assertConfig, assertRestored, isWellFormed } from './validate.js';
import { heldByAll, wakeIfNeeded, watchDataVoters } from './witness.js';

export interface InitialState {
  readonly hardState: HardState;
  /** That of the state machine, at `applied`; the core finds later ones in the log. Of a member that is to join: without anybody. */
  readonly configuration: Configuration;
  /** What the state machine holds, a witness: where its log begins. Not before the log's compactedIndex. */
  readonly applied: LogIndex;
  /** It neither votes nor stands for election at first: see RaftState.mayElect. */
  readonly rebuild?: Rebuild;
}

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
  const configurations = ConfigurationHistory.ofLog(log, applied, configuration);
  const state = new RaftState(config, rules, hardState, configurations, new RaftLog(log, commit, applied));
  state.rebuild = initial.rebuild ?? null;
  promiseAfterRestart(state);
  return new RaftCore(state);
}

/** The branching; what each branch does stands in the file of its subject. */
class RaftCore implements Raft {
  readonly #state: RaftState;
  #outstanding: Ready | null = null;

  constructor(state: RaftState) {
    this.#state = state;
  }

  get role(): Role {
    return this.#state.role;
  }

  get term(): Term {
    return this.#state.term;
  }

  get leader(): MemberId | null {
    return this.#state.leader;
  }

  get commit(): LogIndex {
    return logIndex(this.#state.log.commit);
  }

  get configuration(): Configuration {
    return this.#state.configuration;
  }

  tick(): void {
    const state = this.#state;
    state.nowTick += 1;
    state.electionElapsedTicks += 1;
    if (state.role === 'leader') {
      this.#tickLeader();
      return;
    }
    if (state.nowTick % state.config.electionTicks === 0) {
      state.reads.expireForwarded(state.nowTick - 2 * state.config.electionTicks);
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
    for (const [member, { leavesAtTick }] of state.progress) {
      if (leavesAtTick !== null && leavesAtTick <= state.nowTick) state.progress.delete(member);
    }
    watchDataVoters(state);
    state.heartbeatElapsedTicks += 1;
    if (state.heartbeatElapsedTicks < state.config.heartbeatTicks) return;
    state.heartbeatElapsedTicks = 0;
    broadcastHeartbeat(state);
  }

  step(message: Message): void {
    step(this.#state, message);
  }

  propose(entries: readonly Proposal[]): Refusal | null {
    return propose(this.#state, entries);
  }

  proposeConfiguration(proposed: ProposedConfiguration): Refusal | null {
    return proposeConfiguration(this.#state, proposed);
  }

  readIndex(requestId: number): Refusal | null {
    return requestRead(this.#state, requestId);
  }

  reportUnreachable(peer: MemberId): void {
    const state = this.#state;
    const progress = state.progress.get(peer);
    if (progress !== undefined) {
      progress.unreachable = true;
      if (progress.mode.kind === 'replicate') progress.probeFrom(progress.match + 1);
      wakeIfNeeded(state);
    }
    // What was acknowledged may be lost with it: the leader asks again.
    state.acknowledgedIndex = 0;
    // Without pre-vote, running would disturb a leader that only we have lost.
    if (state.role !== 'follower' || state.leader !== peer || !state.config.preVote) return;
    state.loseLeader();
    const delayTicks = hurriedTicks(state);
    if (delayTicks === 0 && !isPromised(state)) campaign(state, 'pre-vote');
    else state.hastenElection(delayTicks);
  }

  reportReachable(): void {
    const state = this.#state;
    const waits = state.role === 'follower' || state.role === 'pre-candidate';
    // Who gave its vote waits for what comes of it: the candidate may be syncing its own.
    const gaveVote = state.nowTick - state.votedAtTick < state.config.electionTicks;
    if (!waits || gaveVote || state.leader !== null || !state.config.preVote) return;
    state.hastenElection(hurriedTicks(state));
  }

  reportSnapshot(peer: MemberId, outcome: 'delivered' | 'failed'): void {
    reportSnapshot(this.#state, peer, outcome);
  }

  offerSnapshot(from: MemberId, messageTerm: Term, meta: SnapshotMeta): boolean {
    const state = this.#state;
    const message = { kind: 'snapshot-request', from, to: state.id, term: messageTerm, meta } as const;
    if (!isWellFormed(message, state.id) || state.isWitness) return false;
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
    settle(this.#state);
    return hasReady(this.#state);
  }

  ready(): Ready {
    assert(this.#outstanding === null, 'a Ready is outstanding');
    settle(this.#state);
    this.#outstanding = makeReady(this.#state);
    return this.#outstanding;
  }

  advance(ready: Ready): void {
    assert(this.#outstanding === ready, 'not the Ready that is outstanding');
    this.#outstanding = null;
    advance(this.#state, ready);
  }

  takeMessages(): readonly Message[] {
    settle(this.#state);
    return takeOutbox(this.#state);
  }

  takeReadStates(): readonly ReadState[] {
    settle(this.#state);
    return takeReads(this.#state);
  }

  status(): RaftStatus {
    const state = this.#state;
    const { id, role, leader, log, configuration, term, refusedMessages } = state;
    return {
      id,
      role,
      term,
      leader,
      commit: logIndex(log.commit),
      applied: logIndex(log.applied),
      lastIndex: log.lastIndex,
      configuration,
      configurationInProgress: isChanging(state),
      heldByAll: heldByAll(state),
      progress: role === 'leader' ? progressOf(state) : null,
      refusedMessages,
    };
  }

  checkInvariants(): void {
    checkState(this.#state);
  }
}

/** Spreads the candidates; witnesses come last. */
const hurriedTicks = ({ config, isWitness }: RaftState): number =>
  config.random(unreachableTicksMax + 1) + (isWitness ? unreachableTicksMax + 1 : 0);

function progressOf({ progress, config, nowTick }: RaftState): ReadonlyMap<MemberId, MemberProgress> {
  const told = new Map<MemberId, MemberProgress>();
  for (const [member, each] of progress) {
    const recentlyActive = member === config.id || each.heardWithin(config.electionTicks, nowTick);
    told.set(member, { match: logIndex(each.match), next: logIndex(each.next), recentlyActive });
  }
  return told;
}
