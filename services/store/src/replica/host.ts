import type { Journal, StagedSnapshot } from '@raftsman/journal';
import type { Configuration, MemberId, Message, Raft, Ready, SnapshotMeta } from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import {
  ReplicaError,
  type ForwardedCall,
  type Member,
  type MemberChange,
  type Replica,
  type ReplicaStatus,
  type Standing,
  type StateView,
} from '../contract.js';
import { LostDataError, RemovedError } from '../errors.js';
import { storeLimits } from '../limits.js';
import { countDurableCommitted, type Applier } from './applier.js';
import { Forwards } from './forwards.js';
import type { LogKeeper } from './log-keeper.js';
import { createLogSyncHistogram, type ReplicaMeasurements } from './measurements.js';
import type { Membership, SelfDescription } from './members/membership.js';
import type { Reconfigurer } from './members/reconfigurer.js';
import type { PeerEvents } from './peers/client.js';
import type { LogPosition } from './peers/exchange.js';
import { removedLine } from './peers/hello.js';
import type { PeerTransport } from './peers/transport.js';
import type { Proposals } from './proposals.js';
import type { Reads } from './reads.js';
import { Snapshots } from './snapshots.js';
import { StateViews } from './state-views.js';
import { StatusBoard } from './status.js';
import { successorOf } from './successor.js';
import { WriteWatch } from './write-watch.js';

export interface HostParts {
  readonly raft: Raft;
  readonly journal: Journal;
  readonly logKeeper: LogKeeper;
  readonly applier: Applier;
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly transport: Pick<PeerTransport, 'send' | 'sendSnapshot' | 'setPeers' | 'forward'>;
  readonly membership: Membership;
  readonly reconfigurer: Reconfigurer;
  readonly clusterId: number;
  readonly self: MemberId;
  readonly tickMs: number;
  readonly electionTimeoutMs: number;
  readonly logger: Logger;
}

/**
 * Drives the consensus core: events go in (ticks, messages, proposals, reads), and each Ready is carried out in the order that its type
 * prescribes, one at a time. While the disk is busy the core goes on answering its peers; proposals gather and become the next group.
 *
 * Whatever fails in here (a write, an invariant) is final: `failed` rejects and the process must end.
 */
export class ReplicaHost implements Replica, PeerEvents {
  /** Never resolves. */
  readonly failed: Promise<never>;
  readonly #parts: HostParts;
  readonly #board: StatusBoard;
  #fail!: (error: unknown) => void;
  #timer: NodeJS.Timeout | null = null;
  #lastTickMs = 0;
  #turn: NodeJS.Immediate | null = null;
  /** The run of the loop that goes on now. */
  #running: Promise<void> | null = null;
  #stopped = false;
  readonly #snapshots: Snapshots;
  readonly #forwards: Forwards;
  readonly #views = new StateViews();
  readonly #writes: WriteWatch;
  #removal: NodeJS.Timeout | null = null;
  readonly #measured = { lateHeartbeats: 0, logSyncSeconds: createLogSyncHistogram() };

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#snapshots = new Snapshots(parts);
    this.#writes = new WriteWatch(parts);
    this.#forwards = new Forwards(this, parts.transport, parts.self);
    this.#board = new StatusBoard(this.status());
    this.failed = new Promise((_resolve, reject) => (this.#fail = reject));
    this.failed.catch(() => undefined); // Whoever runs the replica looks at it; until then it is no unhandled rejection.
  }

  start(): void {
    this.#lastTickMs = performance.now();
    this.#parts.transport.setPeers(this.#parts.membership.others());
    this.#timer = setInterval(() => this.#tick(), this.#parts.tickMs);
    this.#wake();
  }

  propose(data: Uint8Array, { ahead = false } = {}): Promise<unknown> {
    if (this.#stopped) return Promise.reject(new ReplicaError('stopped'));
    const answer = this.#parts.proposals.add(data, performance.now(), ahead);
    this.#wake();
    return answer;
  }

  readIndex(): Promise<void> {
    if (this.#stopped) return Promise.reject(new ReplicaError('stopped'));
    const answer = this.#parts.reads.add(performance.now());
    this.#wake();
    return answer;
  }

  openStateView(): Promise<StateView> {
    if (this.#stopped) return Promise.reject(new ReplicaError('stopped'));
    const view = this.#views.ask();
    this.#wake();
    return view;
  }

  async defragment(): Promise<void> {
    if (this.#stopped) throw new ReplicaError('stopped');
    await this.#parts.journal.defragment();
  }

  status(): ReplicaStatus {
    const { raft, applier, journal, clusterId, self } = this.#parts;
    const { role, leader, term: currentTerm, commit } = raft;
    const { isLearner, isWitness } = this.#parts.membership;
    return {
      id: self,
      clusterId,
      role,
      leader,
      term: currentTerm,
      commit,
      applied: applier.index,
      dataSizeBytes: journal.sizeBytes(),
      diskLow: journal.space().low,
      isLearner,
      isWitness,
    };
  }

  get standing(): Standing {
    const { isLearner, isWitness } = this.#parts.membership;
    if (isWitness) return 'witness';
    return isLearner ? 'learner' : 'voter';
  }

  members(): readonly Member[] {
    return this.#parts.membership.members();
  }

  async changeMembers(change: MemberChange): Promise<Member> {
    const { raft, reconfigurer, self } = this.#parts;
    if (this.#stopped) throw new ReplicaError('stopped');
    if (raft.role !== 'leader') throw new ReplicaError('not-leader');
    if (change.kind === 'remove' && change.id === self) {
      reconfigurer.check(change);
      await this.handOver();
    }
    const answer = reconfigurer.add(change, performance.now());
    this.#wake();
    return answer;
  }

  /** Rejects with ReplicaError: not-leader, timeout, stopped. */
  async transferLeadership(to: MemberId): Promise<void> {
    const { raft, electionTimeoutMs } = this.#parts;
    if (this.#stopped) throw new ReplicaError('stopped');
    if (raft.role !== 'leader') throw new ReplicaError('not-leader');
    raft.transferLeadership(to);
    this.#wake();
    const leads = await this.#board.reaches(({ leader }) => leader === to, 2 * electionTimeoutMs);
    if (!leads) throw new ReplicaError('timeout');
  }

  forward = (call: ForwardedCall, timeoutMs: number) => this.#forwards.forward(call, timeoutMs);
  answerForwarded = (answer: PeerEvents['forwarded']) => this.#forwards.answerWith(answer);
  /** From a peer. */
  forwarded = (call: ForwardedCall) => this.#forwards.answer(call);

  onStatusChange(listener: (status: ReplicaStatus) => void): () => void {
    return this.#board.listen(listener, this.status());
  }

  measurements(): ReplicaMeasurements {
    const { proposals, reads, journal, applier } = this.#parts;
    return {
      ...this.#measured,
      proposalsPending: proposals.size,
      proposalsFailed: proposals.refused,
      readIndexesFailed: reads.counts.refused,
      slowReadIndexes: reads.counts.repeatedRounds,
      slowApplies: applier.slowCount,
      snapshotsInProgress: this.#snapshots.incomingCount,
      logBytesWritten: journal.logBytesWritten,
    };
  }

  messages(messages: readonly Message[]): void {
    if (this.#stopped) return;
    for (const message of messages) this.#parts.raft.step(message);
    this.#wake();
  }

  unreachable(peer: MemberId): void {
    if (this.#stopped) return;
    this.#parts.raft.reportUnreachable(peer);
    this.#wake();
  }

  greeted(peer: MemberId, said: SelfDescription): void {
    if (this.#stopped) return;
    this.#parts.reconfigurer.heard(peer, said);
    this.#parts.raft.reportReachable();
    this.#wake();
  }

  /** Told by a peer. */
  removed(): void {
    this.#die(new RemovedError(removedLine));
  }

  /** From the applier. */
  configurationApplied(configuration: Configuration): void {
    const { membership, reconfigurer, transport, self } = this.#parts;
    membership.applied(configuration);
    transport.setPeers(membership.others());
    reconfigurer.applied(configuration);
    if (!membership.isRemoved(self) || this.#removal !== null) return;
    // Whoever asked for it may be waiting for this member's answer.
    this.#removal = setTimeout(() => this.removed(), storeLimits.removedGraceMs);
  }

  disowned(reason: string): void {
    this.#die(new LostDataError(reason));
  }

  position(): LogPosition {
    const { term: currentTerm, lastIndex } = this.#parts.raft.status();
    return { term: currentTerm, lastLogIndex: lastIndex };
  }

  snapshot(from: MemberId, messageTerm: number, staged: StagedSnapshot): Promise<boolean> {
    if (this.#stopped) return Promise.reject(new ReplicaError('stopped'));
    const answer = this.#snapshots.offer(from, messageTerm, staged);
    this.#wake();
    return answer;
  }

  /** Hands leadership to the member that is furthest, if there is one that answers; waits for that at most an election timeout. */
  async handOver(): Promise<void> {
    const { raft, electionTimeoutMs } = this.#parts;
    const successor = successorOf(raft.status());
    if (successor === null || this.#stopped) return;
    raft.transferLeadership(successor);
    this.#wake();
    await this.#board.reaches(({ role }) => role !== 'leader', electionTimeoutMs);
  }

  /** Refuses whoever waits, and resolves when the loop has come to rest, also after a failure. The journal can be closed then. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#turn !== null) clearImmediate(this.#turn);
    if (this.#removal !== null) clearTimeout(this.#removal);
    await this.#running;
    this.#parts.proposals.stop();
    this.#parts.reads.stop();
    this.#views.stop();
    this.#parts.reconfigurer.stop();
    await this.#snapshots.stop();
  }

  #tick(): void {
    const nowMs = performance.now();
    const lateMs = nowMs - this.#lastTickMs - this.#parts.tickMs;
    this.#lastTickMs = nowMs;
    // A stalled process counts one tick, however long it stood: its peers' messages of that time are still to be read.
    if (lateMs > this.#parts.tickMs && this.#parts.raft.role === 'leader') this.#measured.lateHeartbeats += 1;
    if (lateMs > this.#parts.electionTimeoutMs * storeLimits.lateTickElectionTimeouts)
      this.#parts.logger.warn({ lateMs: Math.round(lateMs) }, 'the process stood still: tick came late');
    this.#parts.raft.tick();
    this.#writes.tick();
    this.#parts.proposals.expire(nowMs);
    this.#parts.reads.expire(nowMs);
    this.#parts.reconfigurer.expire(nowMs);
    this.#wake();
  }

  /** At the end of this turn of the event loop, so that what comes in one turn goes out together. */
  #wake(): void {
    if (this.#turn !== null || this.#stopped) return;
    this.#turn = setImmediate(() => {
      this.#turn = null;
      if (this.#running !== null) this.#answerEarly();
      else {
        this.#running = this.#run()
          .catch((error: unknown) => this.#die(error))
          .finally(() => (this.#running = null));
      }
    });
  }

  /** The disk is busy with a Ready: what waits for no write goes out meanwhile. */
  #answerEarly(): void {
    const { raft, reads, applier } = this.#parts;
    try {
      reads.ask(raft, performance.now());
      for (const answer of raft.takeReadStates()) reads.answered(answer, applier.index);
      this.#send(raft.takeMessages());
    } catch (error) {
      this.#die(error);
    }
  }

  async #run(): Promise<void> {
    const { raft, proposals, reads, reconfigurer } = this.#parts;
    while (!this.#stopped) {
      reconfigurer.handOver();
      proposals.handOver(raft);
      reads.ask(raft, performance.now());
      if (this.#views.asked) await this.#views.open(this.#parts.journal);
      this.#followConfiguration();
      if (!raft.hasReady()) break;
      const ready = raft.ready();
      await this.#carryOut(ready);
      reconfigurer.persisted();
      raft.advance(ready);
      this.#tellStatus();
    }
    this.#tellStatus();
  }

  /** A member uses the newest configuration of its log, committed or not: who is new in it must be reached. */
  #followConfiguration(): void {
    const { raft, membership, transport } = this.#parts;
    const { configuration } = raft;
    if (configuration === membership.configuration) return;
    membership.use(configuration);
    transport.setPeers(membership.others());
  }

  /** Readers that asked an earlier leader ask the new one. */
  #tellStatus(): void {
    const { raft, reads } = this.#parts;
    if (!this.#board.isNews(raft)) return;
    reads.askAgain();
    if (raft.role !== 'leader') void this.#snapshots.forget();
    this.#board.update(this.status());
  }

  async #carryOut(ready: Ready): Promise<void> {
    const { applier, logKeeper, membership, raft, reads } = this.#parts;
    this.#send(ready.messages);
    const earlyCount = countDurableCommitted(ready);
    const persisted = this.#persist(ready).then(() => this.#send(ready.messagesAfterPersist));
    const applied = applier.apply(ready.committedEntries.slice(0, earlyCount));
    for (const answer of ready.readStates) reads.answered(answer, applier.index);
    // Both come to rest before either's failure is told: the journal is closed only then.
    const outcomes = await Promise.allSettled([persisted, applied]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    if (ready.snapshot !== null) await this.#restore(ready.snapshot);
    await applier.apply(ready.committedEntries.slice(earlyCount));
    await applier.flushIfDue();
    if (membership.isWitness) logKeeper.forget(applier.index, raft);
    else logKeeper.compactIfDue(applier.index, raft);
  }

  async #persist({ entries, hardState, snapshot, mustSync }: Ready): Promise<void> {
    const { journal, logKeeper } = this.#parts;
    const install = snapshot === null ? null : await this.#snapshots.toInstall(snapshot);
    if (entries.length === 0 && hardState === null && install === null) return;
    const startedMs = performance.now();
    await this.#writes.watch(journal.write({ entries, hardState, install, sync: mustSync }));
    if (mustSync) this.#measured.logSyncSeconds.observe((performance.now() - startedMs) / 1000);
    if (install !== null) logKeeper.restore(install.meta);
    logKeeper.append(entries);
  }

  async #restore(meta: SnapshotMeta): Promise<void> {
    await this.#parts.applier.restore();
    this.#snapshots.installed(meta);
  }

  #send(messages: readonly Message[]): void {
    for (const message of messages)
      if (message.kind === 'snapshot-request') void this.#sendSnapshot(message.to, message.term);
    this.#parts.transport.send(messages);
  }

  async #sendSnapshot(to: MemberId, messageTerm: number): Promise<void> {
    await this.#snapshots.send(to, messageTerm);
    this.#wake();
  }

  #die(error: unknown): void {
    this.#stopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#fail(error);
  }
}
