import { strict as assert } from 'node:assert';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Journal } from '@raftsman/journal';
import {
  decodeConfiguration,
  type Configuration,
  type Entry,
  type LogIndex,
  type Ready,
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
  /** Of what was applied, those that the journal does not have yet. */
  #rows: Iterator<Row> = [].values();
  #slowCount = 0;

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

  /** Since the start: how often some entries, applyCheckEntries at most, took longer than slowApplyMs. */
  get slowCount(): number {
    return this.#slowCount;
  }

  /** The journal knows that they are committed; it may be writing meanwhile. */
  async apply(entries: readonly Entry[]): Promise<void> {
    for (let next = 0; next < entries.length;) {
      next = this.#applySlice(entries, next);
      while (!this.#recordSlice()) await nextTurn();
      if (next < entries.length) await nextTurn();
    }
  }

  /** Between writes: rows that no write has carried for long do not gather without bound. */
  async flushIfDue(): Promise<void> {
    if (this.#journal.waitingBytes > storeLimits.waitingRowBytesMax) await this.#journal.flush();
  }

  /** The state machine holds what the journal installed. */
  async restore(): Promise<void> {
    await this.#stateMachine?.restore(this.#journal.rowBatches());
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
    const rows: Iterable<Row>[] = [];
    let next = from;
    let nowMs = startedAtMs;
    do {
      for (const entry of entries.slice(next, next + storeLimits.applyCheckEntries)) {
        const changed = this.#applyOne(entry);
        if (changed !== null) rows.push(changed);
        next += 1;
      }
      const beforeMs = nowMs;
      nowMs = performance.now();
      if (nowMs - beforeMs > storeLimits.slowApplyMs) this.#slowCount += 1;
    } while (next < entries.length && nowMs - startedAtMs < storeLimits.applySliceMs);
    this.#rows = allOf(rows);
    this.#reads.applied(this.#index);
    return next;
  }

  /** Hands the journal some rows of what was applied; with the last ones it learns how far that is. Answers whether these were the last. */
  #recordSlice(): boolean {
    const rows: Row[] = [];
    while (rows.length < storeLimits.recordRowsPerSlice) {
      const { done, value } = this.#rows.next();
      if (done) {
        const configuration = this.#configuration;
        this.#journal.recordApplied({ index: this.#index, term: this.#term, configuration, rows });
        return true;
      }
      rows.push(value);
    }
    this.#journal.recordSome(rows);
    return false;
  }

  #useConfiguration(configuration: Configuration): void {
    this.#configuration = configuration;
    this.#onConfiguration(configuration);
  }

  /** Answers what changed in the durable form; null: nothing. */
  #applyOne(entry: Entry): Iterable<Row> | null {
    const { index, term } = entry;
    if (term > this.#term) this.#proposals.termReached(term);
    this.#index = index;
    this.#term = term;
    if (entry.type === 'configuration') this.#configure(entry);
    if (entry.type !== 'normal' || entry.data.length === 0 || this.#stateMachine === null) return null;
    const envelope = decodeEnvelope(entry.data);
    if (envelope === null) {
      this.#logger.error({ index }, 'skipped a log entry that is no proposal of this version');
      return null;
    }
    const { origin, incarnation, request, payload } = envelope;
    const applied = this.#stateMachine.apply({ index, term, data: payload });
    this.#proposals.applied(origin, incarnation, request, applied.result);
    return applied.rows;
  }

  /** The core lets only such entries into a log whose data it can read. */
  #configure({ index, data }: Entry): void {
    const configuration = decodeConfiguration(data);
    assert(configuration !== null, `entry ${index} holds a configuration`);
    this.#useConfiguration(configuration);
  }
}

function* allOf(rows: readonly Iterable<Row>[]): Generator<Row> {
  for (const each of rows) yield* each;
}

/**
 * How many of the committed entries come before those that this Ready makes durable. They are on this disk already, so that whoever waits for
 * them need not wait for the write of what came later.
 */
export function countDurableCommitted({ committedEntries, entries, snapshot }: Ready): number {
  if (snapshot !== null) return 0;
  const firstUnwritten = entries[0]?.index ?? Infinity;
  const beyond = committedEntries.findIndex(({ index }) => index >= firstUnwritten);
  return beyond === -1 ? committedEntries.length : beyond;
}
