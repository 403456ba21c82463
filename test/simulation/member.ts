import { InvariantError, decodeConfiguration, logIndex } from '@raftsman/raft';
import type {
  Configuration,
  LogIndex,
  MemberId,
  Message,
  Raft,
  ReadState,
  RaftConfig,
  RaftStatus,
  Ready,
  Rebuild,
} from '@raftsman/raft';
import { createRaftWithRules } from '../../libs/raft/src/raft.js';
import { thesisRules } from '../../libs/raft/src/rules.js';
import { SimulatedDisk } from './disk.js';
import { Violation } from './oracle.js';
import type { LogView } from './oracle.js';
import type { World } from './world.js';

/** Ready after Ready without any event: far more than the longest log here is applied in. */
const readyRoundsMax = 10_000;

/** One member: the core, and the host loop of its documentation over a simulated disk and network. */
export class SimulatedMember {
  readonly id: MemberId;
  readonly disk: SimulatedDisk;
  readonly #world: World;
  readonly isWitness: boolean;
  /** Of the state machine, by the index from which on; the host keeps what it may come back to. */
  #configurations: { readonly index: number; readonly configuration: Configuration }[];
  /** With an empty disk. */
  readonly #initial: Configuration;
  readonly #clockRate: number;
  readonly #promises: boolean;
  #startedAtMs = 0;
  #ticks = 0;
  /** What is to be done when the process goes on; null: it runs. */
  #waiting: ((raft: Raft) => void)[] | null = null;
  #raft: Raft | null = null;
  /** Distinguishes lives: what an earlier one began does not end in this one. */
  #life = 0;
  #applied: LogIndex = logIndex(0);
  #view: LogView = [];
  #leads = false;
  #hasCommitted = false;
  #commit = 0;
  #uncheckedLead = false;
  /** Its disk is gone, and the others have not said yet how far it was. */
  #isLost = false;
  #isGone = false;
  #rebuild: Rebuild | null = null;

  constructor(id: MemberId, world: World, configuration: Configuration, isWitness: boolean) {
    this.id = id;
    this.#world = world;
    this.isWitness = isWitness;
    this.#initial = configuration;
    this.#configurations = [{ index: 0, configuration }];
    this.disk = new SimulatedDisk(configuration);
    const { random, plan } = world;
    this.#clockRate = 1 + plan.clockDrift * random.pick([-1, 0, 1]);
    this.#promises = random.chance(plan.promises);
  }

  get isUp(): boolean {
    return this.#raft !== null;
  }

  get isLeader(): boolean {
    return this.#raft?.role === 'leader';
  }

  get isPaused(): boolean {
    return this.#waiting !== null;
  }

  get applied(): LogIndex {
    return this.#applied;
  }

  status(): RaftStatus | null {
    return this.#raft?.status() ?? null;
  }

  start(): void {
    if (this.#isLost || this.#isGone) return;
    const { random, mutation, timeline } = this.#world;
    this.#startedAtMs = timeline.nowMs;
    this.#ticks = 0;
    this.#waiting = null;
    const { disk } = this;
    const hardState = disk.hardState();
    // Rows of the state machine became durable at some point up to the crash.
    const applied = logIndex(
      this.isWitness
        ? disk.durableApplied
        : random.between(disk.durableApplied, Math.max(this.#applied, disk.durableApplied)),
    );
    this.#applied = applied;
    this.#configurations = this.#configurations.filter(({ index }) => index <= applied);
    this.#view = [];
    for (let index = 1; index <= disk.log.lastIndex; index += 1) {
      const at = logIndex(index);
      this.#view[index] = disk.log.termAt(at) ?? this.#world.oracle.termAt(at) ?? 0;
    }
    this.#raft = createRaftWithRules(
      this.#config(),
      {
        hardState: mutation.forgetsVote === true ? { ...hardState, vote: null } : hardState,
        configuration: this.#configurationAt(applied),
        applied,
        ...(this.#rebuild !== null && { rebuild: this.#rebuild }),
      },
      disk.log,
      { ...thesisRules, ...mutation.rules },
    );
    this.#leads = false;
    this.#commit = this.#raft.commit;
    this.#life += 1;
    this.#scheduleTick(this.#life);
  }

  #config(): RaftConfig {
    const { plan, random } = this.#world;
    const config = { ...plan, id: this.id, witness: this.isWitness, random: random.below };
    if (!plan.leases) return config;
    const promiseMs = this.#promises ? plan.electionTicks * plan.tickMs : 0;
    return { ...config, readLease: { promiseMs, nowMs: () => this.#nowMs() } };
  }

  /** Runs on while the process stands still, faster or slower than others. It begins anew with each process. */
  #nowMs(): number {
    const { timeline, plan, mutation } = this.#world;
    if (mutation.countsTicks === true) return this.#ticks * plan.tickMs;
    return (timeline.nowMs - this.#startedAtMs) * this.#clockRate;
  }

  #configurationAt(index: number): Configuration {
    const found = this.#configurations.findLast((each) => each.index <= index) ?? this.#configurations[0];
    if (found === undefined) throw new Violation('core invariants', `${this.id} knows no configuration`);
    return found.configuration;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Switched off, and its disk is not read again. */
  destroy(): void {
    this.crash();
    this.#isGone = true;
  }

  loseDisk(): void {
    this.crash();
    this.#isLost = true;
  }

  /** Comes back with an empty disk: see services/store/src/replica/rebuild.ts. */
  rebuild(rebuild: Rebuild): void {
    this.#configurations = [{ index: 0, configuration: this.#initial }];
    this.disk.replace(this.#configurationAt(0), { term: rebuild.from, vote: null, commit: logIndex(0) });
    this.#applied = logIndex(0);
    this.#rebuild = rebuild;
    this.#isLost = false;
    this.start();
  }

  crash(): void {
    if (this.#raft === null) return;
    this.#raft = null;
    this.#life += 1;
    this.disk.crash(this.#world.random);
  }

  #scheduleTick(life: number): void {
    const { timeline, random, plan } = this.#world;
    // Clocks drift: no two members tick alike.
    timeline.after(plan.tickMs - 1 + random.below(3), () => {
      if (life !== this.#life) return;
      this.#scheduleTick(life);
      // However long a process stands, it counts one tick: see services/store/src/replica/host.ts.
      if (this.#waiting !== null) return;
      this.#ticks += 1;
      this.act((raft) => raft.tick());
    });
  }

  /** The process stands still, while time goes on; what comes meanwhile it finds when it goes on. */
  pause(forMs: number): void {
    if (this.#raft === null || this.#waiting !== null) return;
    this.#waiting = [];
    const life = this.#life;
    this.#world.timeline.after(forMs, () => {
      if (life === this.#life) this.resume();
    });
  }

  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const what of waiting) this.act(what);
  }

  /** Does something to the core, then all that the host does about it. */
  act(what: (raft: Raft) => void): void {
    const raft = this.#raft;
    if (raft === null) return;
    if (this.#waiting !== null) {
      this.#waiting.push(what);
      return;
    }
    try {
      what(raft);
      this.#watchCommit(raft);
      this.#watchLeadership(raft);
      this.#pump(raft);
      if (this.#world.mutation.skipsInvariants !== true) raft.checkInvariants();
    } catch (error) {
      if (error instanceof InvariantError)
        throw new Violation('core invariants', `${this.id}: ${error.message}`);
      throw error;
    }
  }

  /** After each event, so that the configuration is the one that was counted. */
  #watchCommit(raft: Raft): void {
    if (raft.commit === this.#commit) return;
    this.#commit = raft.commit;
    if (raft.role === 'leader') this.#world.oracle.committedByLeader(raft.status(), this.#view);
  }

  #watchLeadership(raft: Raft): void {
    const led = this.#leads;
    this.#leads = raft.role === 'leader';
    if (led || !this.#leads) return;
    this.#uncheckedLead = true;
    this.#hasCommitted = false;
    this.#world.oracle.becameLeader(raft.status());
    this.#world.leaderElected(this.id);
  }

  /** The host loop: see libs/raft/README.md. */
  #pump(raft: Raft): void {
    if (this.disk.busy) {
      this.#answer(raft.takeReadStates());
      this.#sendAll(raft.takeMessages());
    }
    for (let rounds = 0; !this.disk.busy && raft.hasReady(); rounds += 1) {
      if (rounds > readyRoundsMax) throw new Violation('liveness', `${this.id} is never done`);
      const ready = raft.ready();
      this.#observe(raft, ready);
      this.#sendAll(ready.messages);
      if (this.#world.mutation.promisesBeforePersist === true) this.#sendAll(ready.messagesAfterPersist);
      if (ready.mustSync) {
        // What precedes the entries of this Ready is on this disk already: it need not wait for them.
        if (ready.snapshot === null) this.#apply(ready, (ready.entries[0]?.index ?? Infinity) - 1);
        this.#sync(ready);
      } else {
        this.disk.writeWithoutSync(ready);
        this.#finish(raft, ready);
      }
    }
  }

  read(requestId: number): void {
    this.act((raft) => {
      if (raft.readIndex(requestId) !== null || raft.role !== 'leader') return;
      // What a lease answers is there at once, also while the disk is busy.
      const answered = raft.takeReadStates();
      this.#world.counts.leasedReads += answered.length;
      this.#answer(answered);
    });
  }

  #answer(readStates: readonly ReadState[]): void {
    for (const readState of readStates) {
      this.#world.oracle.readAnswered(this.id, readState);
      this.#world.counts.reads += 1;
    }
  }

  #observe(raft: Raft, ready: Ready): void {
    const { oracle } = this.#world;
    if (ready.snapshot !== null) oracle.restored(this.id, ready.snapshot, this.#view);
    oracle.appended(this.id, ready.entries, this.#view);
    if (this.#uncheckedLead) {
      if (raft.role === 'leader') oracle.checkLeaderLog(raft.status(), this.#view);
      this.#uncheckedLead = false;
    }
    this.#answer(ready.readStates);
  }

  #sync(ready: Ready): void {
    const life = this.#life;
    this.disk.startSync(ready);
    this.#world.timeline.after(this.#world.diskSyncMs(), () => {
      if (life !== this.#life) return;
      this.act((raft) => {
        this.disk.endSync(ready);
        this.#finish(raft, ready);
      });
    });
  }

  #finish(raft: Raft, ready: Ready): void {
    if (this.#world.mutation.promisesBeforePersist !== true) this.#sendAll(ready.messagesAfterPersist);
    if (ready.snapshot !== null) {
      const { index, configuration } = ready.snapshot;
      this.#applied = index;
      this.#configurations = [{ index, configuration }];
      this.#world.counts[this.isWitness ? 'witnessSnapshots' : 'snapshots'] += 1;
      if (this.isWitness) this.#world.oracle.witnessForgot();
    }
    this.#apply(ready, Infinity);
    if (this.#leads && ready.committedEntries.length > 0 && !this.#hasCommitted) {
      this.#hasCommitted = true;
      this.#world.leaderCommitted(this.id);
    }
    raft.advance(ready);
    this.#watchCommit(raft);
    this.#watchLeadership(raft);
    this.#compact(raft);
  }

  #apply(ready: Ready, to: number): void {
    for (const entry of ready.committedEntries) {
      if (entry.index <= this.#applied || entry.index > to) continue;
      this.#world.oracle.appliedBy(this.id, entry);
      this.#applied = entry.index;
      if (entry.type !== 'configuration') continue;
      const configuration = decodeConfiguration(entry.data);
      if (configuration === null)
        throw new Violation('core invariants', `${entry.index} holds no configuration`);
      this.#configurations.push({ index: entry.index, configuration });
      if (this.#leads) this.#world.counts.changes += 1;
    }
  }

  #compact(raft: Raft): void {
    const { plan, random } = this.#world;
    const { compactEvery, compactKeeps } = plan;
    if (this.isWitness) {
      if (random.chance(0.3)) this.#forget(raft);
      return;
    }
    if (this.#applied - this.disk.log.snapshotMeta().index < compactEvery) return;
    let to = this.#applied - compactKeeps;
    if (plan.holdsForWitnesses && (plan.witnessCount > 0 || plan.spareCount > 0))
      to = Math.min(to, this.#mayForget(raft));
    this.disk.compact(this.#applied, to, this.#configurationAt(this.#applied));
  }

  /** As a host does that wants any one voter to be lost without harm. */
  #mayForget(raft: Raft): number {
    const { heldByAll, configuration } = raft.status();
    return configuration.witnesses.length === 0 ? Infinity : heldByAll;
  }

  /** A witness has no state: its log is all there is, and it begins where the others need no more. */
  #forget(raft: Raft): void {
    const { heldByAll } = raft.status();
    const all = this.#world.mutation.witnessForgets === true;
    const to = logIndex(all ? this.#applied : Math.min(heldByAll, this.#applied));
    if (to <= this.disk.log.compactedIndex) return;
    this.disk.compact(to, to, this.#configurationAt(to));
    this.#world.oracle.witnessForgot();
  }

  #sendAll(messages: readonly Message[]): void {
    for (const message of messages) this.#world.send(message);
  }
}
