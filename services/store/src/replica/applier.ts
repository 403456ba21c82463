import { strict as assert } from 'node:assert';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Journal } from '@raftsman/journal';
import {
  decodeConfiguration,
  type Configuration,
  type Entry,
  type LogIndex,
  type Term,
} from '@raftsman/raft';
import type { Logger } from '@raftsman/telemetry';
import type { Row, StateMachine } from '../contract.js';
import { storeLimits } from '../limits.js';
import { decodeEnvelope } from './envelope.js';
import type { Proposals } from './proposals.js';
import type { Reads } from './reads.js';

/** Takes committed entries to the state machine in slices between which the event loop runs, and tells those who wait. */
export class Applier {
  readonly #stateMachine: StateMachine | null;
  readonly #journal: Journal;
  readonly #proposals: Proposals;
  readonly #reads: Reads;
  readonly #logger: Logger;
  readonly #onConfiguration: (configuration: Configuration) => void;
  #configuration: Configuration;
  #index: LogIndex;
  #term: Term;

  constructor(options: {
    /** null: a witness, which keeps no data. */
    readonly stateMachine: StateMachine | null;
    readonly journal: Journal;
    readonly proposals: Proposals;
    readonly reads: Reads;
    readonly logger: Logger;
    /** One was applied; also with a snapshot. */
    readonly onConfiguration: (configuration: Configuration) => void;
  }) {
    this.#stateMachine = options.stateMachine;
    this.#journal = options.journal;
    this.#proposals = options.proposals;
    this.#reads = options.reads;
    this.#logger = options.logger;
    this.#onConfiguration = options.onConfiguration;
    const { index, term, configuration } = options.journal.durableState;
    this.#index = index;
    this.#term = term;
    this.#configuration = configuration;
  }

  get index(): LogIndex {
    return this.#index;
  }

  /** The journal knows that they are committed; it may be writing meanwhile. */
  async apply(entries: readonly Entry[]): Promise<void> {
    for (let next = 0; next < entries.length;) {
      next = this.#applySlice(entries, next);
      if (next < entries.length) await nextTurn();
    }
  }

  /** Between writes: rows that no write has carried for long do not gather without bound. */
  async flushIfDue(): Promise<void> {
    if (this.#journal.waitingBytes > storeLimits.waitingRowBytesMax) await this.#journal.flush();
  }

  /** The state machine holds what the journal installed. */
  async restore(): Promise<void> {
    await this.#stateMachine?.restore(this.#journal.rows());
    const { index, term, configuration } = this.#journal.durableState;
    this.#index = index;
    this.#term = term;
    this.#useConfiguration(configuration);
    this.#proposals.outcomesUnknown();
    this.#reads.applied(index);
  }

  /** Answers where to go on. */
  #applySlice(entries: readonly Entry[], from: number): number {
    const startedAtMs = performance.now();
    const rows: Row[] = [];
    let next = from;
    do {
      for (const entry of entries.slice(next, next + storeLimits.applyCheckEntries)) {
        this.#applyOne(entry, rows);
        next += 1;
      }
    } while (next < entries.length && performance.now() - startedAtMs < storeLimits.applySliceMs);
    this.#journal.recordApplied({
      index: this.#index,
      term: this.#term,
      configuration: this.#configuration,
      rows,
    });
    this.#reads.applied(this.#index);
    return next;
  }

  #useConfiguration(configuration: Configuration): void {
    this.#configuration = configuration;
    this.#onConfiguration(configuration);
  }

  #applyOne(entry: Entry, rows: Row[]): void {
    const { index, term } = entry;
    if (term > this.#term) this.#proposals.termReached(term);
    this.#index = index;
    this.#term = term;
    if (entry.type === 'configuration') this.#configure(entry);
    if (entry.type !== 'normal' || entry.data.length === 0 || this.#stateMachine === null) return;
    const envelope = decodeEnvelope(entry.data);
    if (envelope === null) {
      this.#logger.error({ index }, 'skipped a log entry that is no proposal of this version');
      return;
    }
    const { origin, incarnation, request, payload } = envelope;
    const applied = this.#stateMachine.apply({ index, term, data: payload });
    for (const row of applied.rows) rows.push(row);
    this.#proposals.applied(origin, incarnation, request, applied.result);
  }

  /** The core lets only such entries into a log whose data it can read. */
  #configure({ index, data }: Entry): void {
    const configuration = decodeConfiguration(data);
    assert(configuration !== null, `entry ${index} holds a configuration`);
    this.#useConfiguration(configuration);
  }
}
