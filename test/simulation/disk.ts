import { MemoryLog, logIndex, term } from '@raftsman/raft';
import type { Configuration, Entry, HardState, LogIndex, Ready } from '@raftsman/raft';
import type { Random } from './random.js';

/**
 * What a member finds after a crash. `log` and `synced` are durable; `unsynced` is the newest hard state that was written
 * without a sync; a write in progress may be lost, torn or complete.
 */
export class SimulatedDisk {
  log: MemoryLog;
  /** The state machine as of this index is durable; its rows stand in the oracle's history. */
  durableApplied: LogIndex = logIndex(0);
  #synced: HardState = { term: term(0), vote: null, commit: logIndex(0) };
  #unsynced: HardState = this.#synced;
  #writing: Ready | null = null;

  constructor(configuration: Configuration) {
    this.log = MemoryLog.empty(configuration);
  }

  get busy(): boolean {
    return this.#writing !== null;
  }

  startSync(ready: Ready): void {
    this.#writing = ready;
  }

  endSync(ready: Ready): void {
    this.#writing = null;
    this.#write(ready, ready.entries);
    this.#synced = this.#unsynced;
  }

  writeWithoutSync(ready: Ready): void {
    if (ready.hardState !== null) this.#unsynced = ready.hardState;
  }

  /** The power goes: what no sync has finished is kept, torn or lost. */
  crash(random: Random): void {
    if (random.chance(0.5)) this.#unsynced = this.#synced;
    else this.#synced = this.#unsynced;
    const writing = this.#writing;
    this.#writing = null;
    if (writing === null || random.chance(0.4)) return;
    if (writing.snapshot !== null || random.chance(0.4)) {
      this.#write(writing, writing.entries);
    } else {
      // Torn: term and vote, then some of the entries. The commit index is written last.
      const hardState = writing.hardState ?? this.#unsynced;
      const torn = { ...hardState, commit: this.#unsynced.commit };
      this.#write(
        { ...writing, hardState: torn },
        writing.entries.slice(0, random.below(writing.entries.length + 1)),
      );
    }
    this.#synced = this.#unsynced;
  }

  #write(ready: Ready, entries: readonly Entry[]): void {
    if (ready.snapshot !== null) {
      this.log.restore(ready.snapshot);
      this.durableApplied = ready.snapshot.index;
    }
    this.log.append(entries);
    if (ready.hardState !== null) this.#unsynced = ready.hardState;
  }

  /** An empty one takes its place, on which only `hardState` stands. */
  replace(configuration: Configuration, hardState: HardState): void {
    this.log = MemoryLog.empty(configuration);
    this.durableApplied = logIndex(0);
    this.#writing = null;
    this.#synced = hardState;
    this.#unsynced = hardState;
  }

  /** What a restart reads. */
  hardState(): HardState {
    return this.#synced;
  }

  /** The state at `applied` is durable; the log begins after `to`. */
  compact(applied: LogIndex, to: number, configuration: Configuration): void {
    const appliedTerm = this.log.termAt(applied);
    if (appliedTerm === undefined || applied <= this.log.snapshotMeta().index) return;
    this.durableApplied = applied;
    this.log.snapshotTaken({ index: applied, term: appliedTerm, configuration });
    this.log.compact(logIndex(Math.max(0, to)));
  }
}
