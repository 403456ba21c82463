import { InvariantError, logIndex } from '@raftsman/raft';
import type {
  Configuration,
  LogIndex,
  MemberId,
  Message,
  Raft,
  RaftStatus,
  Ready,
  Term,
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
  readonly #configuration: Configuration;
  #raft: Raft | null = null;
  /** Distinguishes lives: what an earlier one began does not end in this one. */
  #life = 0;
  #applied: LogIndex = logIndex(0);
  #view: LogView = [];
  #leads = false;
  #hasCommitted = false;
  #uncheckedLead = false;
  /** Its disk is gone, and the others have not said yet how far it was. */
  #isLost = false;
  #rebuildUntil: LogIndex = logIndex(0);

  constructor(id: MemberId, world: World, configuration: Configuration) {
    this.id = id;
    this.#world = world;
    this.#configuration = configuration;
    this.disk = new SimulatedDisk(configuration);
  }

  get isUp(): boolean {
    return this.#raft !== null;
  }

  get isLeader(): boolean {
    return this.#raft?.role === 'leader';
  }

  get applied(): LogIndex {
    return this.#applied;
  }

  status(): RaftStatus | null {
    return this.#raft?.status() ?? null;
  }

  start(): void {
    if (this.#isLost) return;
    const { plan, random, mutation } = this.#world;
    const { disk } = this;
    const hardState = disk.hardState();
    // Rows of the state machine became durable at some point up to the crash.
    const applied = logIndex(
      random.between(disk.durableApplied, Math.max(this.#applied, disk.durableApplied)),
    );
    this.#applied = applied;
    this.#view = [];
    for (let index = 1; index <= disk.log.lastIndex; index += 1) {
      const at = logIndex(index);
      this.#view[index] = disk.log.termAt(at) ?? this.#world.oracle.termAt(at) ?? 0;
    }
    this.#raft = createRaftWithRules(
      { ...plan, id: this.id, random: random.below },
      {
        hardState: mutation.forgetsVote === true ? { ...hardState, vote: null } : hardState,
        configuration: this.#configuration,
        applied,
        rebuildUntil: this.#rebuildUntil,
      },
      disk.log,
      { ...thesisRules, ...mutation.rules },
    );
    this.#leads = false;
    this.#life += 1;
    this.#scheduleTick(this.#life);
  }

  loseDisk(): void {
    this.crash();
    this.#isLost = true;
  }

  /** Comes back with an empty disk: see services/store/src/replica/rebuild.ts. */
  rebuild(from: Term, until: LogIndex): void {
    this.disk.replace(this.#configuration, { term: from, vote: null, commit: logIndex(0) });
    this.#applied = logIndex(0);
    this.#rebuildUntil = until;
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
      this.act((raft) => raft.tick());
      this.#scheduleTick(life);
    });
  }

  /** Does something to the core, then all that the host does about it. */
  act(what: (raft: Raft) => void): void {
    const raft = this.#raft;
    if (raft === null) return;
    try {
      what(raft);
      this.#watchLeadership(raft);
      this.#pump(raft);
      if (this.#world.mutation.skipsInvariants !== true) raft.checkInvariants();
    } catch (error) {
      if (error instanceof InvariantError)
        throw new Violation('core invariants', `${this.id}: ${error.message}`);
      throw error;
    }
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
    if (this.disk.busy) this.#sendAll(raft.takeMessages());
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

  #observe(raft: Raft, ready: Ready): void {
    const { oracle } = this.#world;
    if (ready.snapshot !== null) oracle.restored(this.id, ready.snapshot, this.#view);
    oracle.appended(this.id, ready.entries, this.#view);
    if (this.#uncheckedLead) {
      if (raft.role === 'leader') oracle.checkLeaderLog(raft.status(), this.#view);
      this.#uncheckedLead = false;
    }
    for (const readState of ready.readStates) {
      oracle.readAnswered(this.id, readState);
      this.#world.counts.reads += 1;
    }
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
      this.#applied = ready.snapshot.index;
      this.#world.counts.snapshots += 1;
    }
    this.#apply(ready, Infinity);
    if (this.#leads && ready.committedEntries.length > 0 && !this.#hasCommitted) {
      this.#hasCommitted = true;
      this.#world.leaderCommitted(this.id);
    }
    raft.advance(ready);
    this.#watchLeadership(raft);
    this.#compact();
  }

  #apply(ready: Ready, to: number): void {
    for (const entry of ready.committedEntries) {
      if (entry.index <= this.#applied || entry.index > to) continue;
      this.#world.oracle.appliedBy(this.id, entry);
      this.#applied = entry.index;
    }
  }

  #compact(): void {
    const { compactEvery, compactKeeps } = this.#world.plan;
    if (this.#applied - this.disk.log.snapshotMeta().index < compactEvery) return;
    this.disk.compact(this.#applied, compactKeeps, this.#configuration);
  }

  #sendAll(messages: readonly Message[]): void {
    for (const message of messages) this.#world.send(message);
  }
}
