import type { RaftLog } from './log.js';
import { membersOf } from './configuration.js';
import type { ConfigurationHistory } from './configuration-history.js';
import { electionSpreadTicks, witnessDelayTicks } from './limits.js';
import { isVoter } from './quorum.js';
import { Progress } from './progress.js';
import { ReadQueue } from './read-queue.js';
import { DataVoterWatch } from './data-voter-watch.js';
import type { Rules } from './rules.js';
import { term } from './types.js';
import type {
  Configuration,
  Entry,
  HardState,
  MemberId,
  Message,
  MessageKind,
  RaftConfig,
  ReadState,
  Rebuild,
  Role,
  SnapshotMeta,
  Term,
} from './types.js';

type WithoutSender<M> = M extends Message ? Omit<M, 'from' | 'term'> & { readonly term?: Term } : never;
/** A message as a handler writes it, fresh; `send` takes it over and fills in sender and term. */
export type Outgoing = WithoutSender<Message>;

/** These promise what a write makes durable: a vote, or entries (figure 3.1). */
const promises: ReadonlySet<MessageKind> = new Set(['vote-request', 'vote-response', 'append-response']);

/**
 * All that one member knows. The handlers (election.ts, replication.ts, ...) are functions over it.
 *
 * 1. role `leader` means leader === id; `candidate` and `pre-candidate` mean leader === null.
 * 2. `progress` is filled exactly while role is `leader`: one for itself, each member, and those that were removed a moment ago.
 * 3. A message whose term is not durable yet waits in `afterPersist`.
 */
export class RaftState {
  readonly id: MemberId;
  readonly config: RaftConfig;
  readonly rules: Rules;
  readonly log: RaftLog;
  readonly configurations: ConfigurationHistory;

  role: Role = 'follower';
  term: Term;
  vote: MemberId | null;
  leader: MemberId | null = null;
  /** What the host made durable, and what the newest Ready handed to it. */
  durable: HardState;
  handedOut: HardState;

  readonly votes = new Map<MemberId, boolean>();
  readonly progress = new Map<MemberId, Progress>();
  readonly reads: ReadQueue;
  /** Whether witnesses are sent entries: see witness.ts. */
  readonly watch = new DataVoterWatch();
  /** See RaftStatus. */
  heldByAll = 0;
  /** The candidate was asked to run by a leader that keeps data (§3.10): nobody is missing. */
  runsForTransfer = false;
  /** By this member's clock: see lease.ts. */
  promisedUntilMs = 0;
  /** The highest index that it acknowledged in this term. */
  acknowledgedIndex = 0;
  /** This leader asked another to take over, in this term. */
  handedOver = false;
  /** On a leader, where its log ended when it won. */
  wonAtIndex = 0;
  transferee: MemberId | null = null;
  uncommittedBytes = 0;

  /** null: nothing was lost. */
  rebuild: Rebuild | null = null;

  nowTick = 0;
  /** When it voted for another member, not only before a vote. */
  votedAtTick = -Infinity;
  electionElapsedTicks = 0;
  electionTimeoutTicks = 0;
  heartbeatElapsedTicks = 0;

  outbox: Message[] = [];
  afterPersist: Message[] = [];
  readStates: ReadState[] = [];
  /** Bytes of proposals in `outbox` on their way to the leader. */
  forwardedBytes = 0;
  /** Messages that no honest member sends. */
  refusedMessages = 0;

  constructor(
    config: RaftConfig,
    rules: Rules,
    hardState: HardState,
    configurations: ConfigurationHistory,
    log: RaftLog,
  ) {
    this.id = config.id;
    this.config = config;
    this.rules = rules;
    this.configurations = configurations;
    this.log = log;
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.durable = hardState;
    this.handedOut = hardState;
    this.reads = new ReadQueue(config.random);
    this.drawElectionTimeout();
  }

  get hardState(): HardState {
    const { vote } = this;
    return { term: this.term, vote, commit: this.log.commit as HardState['commit'] };
  }

  /** In force: see ConfigurationHistory. */
  get configuration(): Configuration {
    return this.configurations.current;
  }

  get isWitness(): boolean {
    return this.config.witness === true;
  }

  /** Whose copies and votes count. */
  get counted(): Configuration {
    return this.rules.counted(this.configuration);
  }

  get isVoter(): boolean {
    return isVoter(this.counted, this.id);
  }

  /** Who was removed may still be needed until that is committed: perhaps nobody else holds the newest entry (§4.2.2). */
  get mayCampaign(): boolean {
    return this.isVoter || isVoter(this.configurations.at(this.log.commit), this.id);
  }

  /**
   * false: committed entries that this member had acknowledged may be missing from its log, so that its vote proves nothing. What it had acknowledged
   * ends at `until`. Or a leader of `from` or a later term has committed an entry of its own: it was elected by a majority without this member,
   * whose vote in such a term nobody ever got, so that of all who acknowledged a committed entry another one was asked; and its own entry comes after those.
   * Without the second, a member of a cluster in which nobody writes may wait for ever: the longest log may have ended in what is gone.
   */
  get mayElect(): boolean {
    const { rebuild, log } = this;
    if (rebuild === null || log.commit >= rebuild.until) return true;
    return (log.termAt(log.commit) ?? 0) >= rebuild.from;
  }

  send(message: Outgoing): void {
    const fields = message as { from?: MemberId; term?: Term };
    fields.from = this.id;
    fields.term ??= this.term;
    const complete = message as Message;
    const waits = promises.has(complete.kind) && !(complete.kind === 'vote-request' && complete.preVote);
    if (waits || this.term > this.durable.term) this.afterPersist.push(complete);
    else this.outbox.push(complete);
  }

  /** §3.4: drawn anew for each wait, so that candidates rarely collide. Witnesses let those go first that can serve. */
  drawElectionTimeout(): void {
    const { electionTicks, preVote, random } = this.config;
    this.electionTimeoutTicks = electionTicks + random(electionSpreadTicks(electionTicks, preVote) + 1);
    if (this.isWitness) this.electionTimeoutTicks += witnessDelayTicks(electionTicks);
  }

  /**
   * A live leader was heard within the shortest election timeout, and it is not the one that asks (§4.2.3): a leader that wants to be elected in a
   * later term leads no more.
   */
  hearsLeaderBesides(asking: MemberId): boolean {
    const { checkQuorum, preVote, electionTicks } = this.config;
    const { leader, electionElapsedTicks } = this;
    return (
      (checkQuorum || preVote) && leader !== null && leader !== asking && electionElapsedTicks < electionTicks
    );
  }

  /** Leaves whatever role there was. The vote survives within its term. */
  becomeFollower(newTerm: number, leader: MemberId | null): void {
    const waited = this.role === 'follower' && leader === null;
    this.#leaveRole();
    this.#enterTerm(newTerm);
    this.role = 'follower';
    this.leader = leader;
    if (!waited) this.restartElectionTimer();
  }

  /** §9.6: asks whether it could win before it disturbs anybody. Neither term nor vote changes. */
  becomePreCandidate(): void {
    this.#leaveRole();
    this.role = 'pre-candidate';
    this.votes.set(this.id, true);
    this.restartElectionTimer();
  }

  /** §3.4. Its own vote counts once it is durable: see ready.ts. */
  becomeCandidate(forTransfer: boolean): void {
    this.#leaveRole();
    this.#enterTerm(this.term + 1);
    this.role = 'candidate';
    this.vote = this.id;
    this.runsForTransfer = forTransfer;
    this.restartElectionTimer();
  }

  becomeLeader(): void {
    this.#leaveRole();
    this.role = 'leader';
    this.leader = this.id;
    this.restartElectionTimer();
    this.heartbeatElapsedTicks = 0;
    this.wonAtIndex = this.log.lastIndex;
    this.#followMembers(-Infinity);
  }

  /** Puts contiguous entries after entries[0].index - 1; a configuration among them is in force from now on (§4.1). */
  append(entries: readonly Entry[]): void {
    this.log.append(entries);
    if (!this.configurations.append(entries)) return;
    this.configurations.forgetBefore(this.log.compactedIndex);
    this.#configurationChanged();
  }

  restore(snapshot: SnapshotMeta): void {
    this.log.restore(snapshot);
    this.configurations.restore(snapshot);
    this.#configurationChanged();
  }

  #configurationChanged(): void {
    // The next witness may come when others are members, who hold less.
    if (this.configuration.witnesses.length === 0) this.heldByAll = 0;
    if (this.role === 'leader') this.#followMembers(this.nowTick);
  }

  /** A member that was removed hears of it: for a while it is sent the log. */
  #followMembers(addedAtTick: number): void {
    const members = membersOf(this.configuration);
    for (const member of [this.id, ...members]) {
      const progress = this.progress.get(member);
      if (progress === undefined)
        this.progress.set(member, new Progress(this.log.lastIndex + 1, addedAtTick));
      else progress.leavesAtTick = null;
    }
    const leavesAtTick = this.nowTick + 2 * this.config.electionTicks;
    for (const [member, progress] of this.progress) {
      if (member !== this.id && !members.includes(member)) progress.leavesAtTick ??= leavesAtTick;
    }
  }

  /** The leader was heard: the lease starts anew. */
  followLeader(leader: MemberId): void {
    if (this.role !== 'follower' || this.leader !== leader) this.becomeFollower(this.term, leader);
    else this.electionElapsedTicks = 0;
  }

  /** A follower does not know who leads. Its vote in this term, given or not, stays what it is. */
  loseLeader(): void {
    this.leader = null;
    this.reads.clear();
  }

  restartElectionTimer(): void {
    this.electionElapsedTicks = 0;
    this.drawElectionTimeout();
  }

  /** No longer counts on a leader; an election begins within `delayTicks`. */
  hastenElection(delayTicks: number): void {
    this.electionTimeoutTicks = Math.min(this.electionTimeoutTicks, this.electionElapsedTicks + delayTicks);
  }

  /** Of a leader's own entries, so many bytes are committed. */
  releaseUncommitted(committed: readonly Entry[], sizeBytesOf: (entry: Entry) => number): void {
    if (this.role !== 'leader') return;
    for (const entry of committed) if (entry.term === this.term) this.uncommittedBytes -= sizeBytesOf(entry);
  }

  #leaveRole(): void {
    this.leader = null;
    this.votes.clear();
    this.progress.clear();
    this.reads.clear();
    this.transferee = null;
    this.handedOver = false;
    this.uncommittedBytes = 0;
  }

  #enterTerm(newTerm: number): void {
    if (newTerm === this.term) return;
    this.term = term(newTerm);
    this.vote = null;
    this.acknowledgedIndex = 0;
  }
}
