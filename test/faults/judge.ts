import {
  checkLinearizability,
  explain,
  firstRevisionOf,
  Replay,
  storeModel,
  validateWatch,
  type Compaction,
  type KvInput,
  type KvOutput,
  type Operation,
  type StoreState,
  type WatchRecord,
} from '@raftsman/faults';
import type { LeaseBook } from './leases.js';
import { judgeStaleRead, type StaleRead } from './stale-reads.js';
import type { Truth } from './truth.js';

type KvOperation = Operation<KvInput, KvOutput>;

/** All that was recorded of one phase. */
export interface Evidence {
  readonly operations: readonly KvOperation[];
  readonly staleReads: readonly StaleRead[];
  readonly watches: readonly WatchRecord[];
  readonly compactions: readonly Compaction[];
  /** Up to which all events are known. */
  readonly endRevision: number;
  /** Why the phase has no quiet end: then more may have happened than `endRevision`, and it is judged up to there. Null: it ended quietly, and that is all. */
  readonly brokeOff: string | null;
}

export interface Judgement {
  readonly anomalies: readonly string[];
  /** The checker did not decide: the harness's own failure. */
  readonly isUndecided: boolean;
  readonly revisions: number;
  readonly checkMs: number;
}

/** Judges one phase after the other, with what the last one left. */
export class Judge {
  readonly #truth: Truth;
  readonly #leases: LeaseBook;
  #before: Replay;
  #state: StoreState;
  #unknown: readonly KvOperation[];

  /** `unknown`: operations of before whose answer was lost. */
  constructor(truth: Truth, leases: LeaseBook, initial: StoreState, unknown: readonly KvOperation[] = []) {
    this.#unknown = unknown;
    this.#truth = truth;
    this.#leases = leases;
    this.#state = initial;
    this.#before = new Replay(initial);
  }

  /** Operations whose answer was lost and that have not been seen to happen. */
  get unknown(): readonly KvOperation[] {
    return this.#unknown;
  }

  /** The store as the last phase left it. */
  get state(): StoreState {
    return this.#state;
  }

  judge(evidence: Evidence): Judgement {
    const { operations, staleReads, watches, compactions, endRevision } = asFarAsKnown(evidence);
    const startMs = performance.now();
    const anomalies: string[] = [];
    const replay = new Replay(this.#state);
    // Watches and stale reads reach back into the last phase.
    const wide = new Replay(this.#before.base);
    for (let revision = wide.base.revision + 1; revision <= this.#before.revision; revision += 1)
      wide.append(this.#before.at(revision));
    for (let revision = replay.base.revision + 1; revision <= endRevision; revision += 1) {
      const events = this.#truth.events(revision);
      if (events === null)
        return this.#broken(`no observer was told of revision ${revision} (of ${endRevision})`, startMs);
      anomalies.push(...replay.append(events));
      wide.append(events);
    }
    const explained = explain({
      replay,
      operations,
      unknownBefore: this.#unknown,
      seenMs: (revision) => this.#truth.seenMs(revision),
    });
    anomalies.push(...explained.anomalies);
    const verdict = checkLinearizability(storeModel(this.#state), explained.operations, {
      now: () => performance.now(),
    });
    if (verdict.kind === 'not-linearizable')
      anomalies.push(`not linearizable; none of these fits next: ${JSON.stringify(verdict.stuck)}`);
    for (const watch of watches) anomalies.push(...judgeWatch(watch, wide, compactions));
    for (const read of staleReads) {
      const anomaly = judgeStaleRead(read, wide, compactions);
      if (anomaly !== null) anomalies.push(anomaly);
    }
    anomalies.push(...this.#earlyEnds(replay));
    this.#unknown = [
      ...this.#unknown,
      ...operations.filter(({ outcome, input }) => outcome.kind === 'unknown' && input.op !== 'range'),
    ].filter((operation) => !explained.spent.has(operation));
    this.#state = replay.state;
    this.#before = replay;
    this.#truth.forgetBelow(replay.base.revision);
    return {
      anomalies,
      isUndecided: verdict.kind === 'unknown',
      revisions: replay.revision - replay.base.revision,
      checkMs: performance.now() - startMs,
    };
  }

  #earlyEnds(replay: Replay): readonly string[] {
    const found: string[] = [];
    for (let revision = replay.base.revision + 1; revision <= replay.revision; revision += 1)
      for (const event of replay.at(revision)) {
        const isWhole = replay.at(revision).every(({ type }) => type === 'DELETE');
        const early = isWhole ? this.#leases.tooEarly(event, this.#truth.seenMs(revision)) : null;
        if (early !== null) found.push(`revision ${revision}: ${early}`);
      }
    return found;
  }

  #broken(anomaly: string, startMs: number): Judgement {
    return { anomalies: [anomaly], isUndecided: true, revisions: 0, checkMs: performance.now() - startMs };
  }
}

/**
 * Without what was answered with a later revision than is known: that happened after all the rest, so that a right history without it is right too.
 * Watches are compared with what is known only, as they are.
 */
function asFarAsKnown(evidence: Evidence): Evidence {
  const { operations, staleReads, endRevision, brokeOff } = evidence;
  if (brokeOff === null) return evidence;
  return {
    ...evidence,
    operations: operations.filter(
      ({ outcome }) => outcome.kind !== 'ok' || outcome.output.revision <= endRevision,
    ),
    staleReads: staleReads.filter(
      ({ outcome }) => outcome.kind !== 'ok' || outcome.output.revision <= endRevision,
    ),
  };
}

function judgeWatch(
  watch: WatchRecord,
  replay: Replay,
  compactions: readonly Compaction[],
): readonly string[] {
  const found = validateWatch(watch, replay, compactions).map(
    ({ guarantee, message }) =>
      `watch ${watch.id} (${JSON.stringify(watch.request)}): ${guarantee}: ${message}`,
  );
  const start = firstRevisionOf(watch) ?? 0;
  for (const response of watch.responses) {
    if (response.kind !== 'canceled') continue;
    const { compactRevision, atMs, reason } = response;
    const isDue = compactions.some(
      ({ revision, startMs }) => startMs <= atMs && revision >= compactRevision && revision > start,
    );
    if (compactRevision === 0 || !isDue)
      found.push(`watch ${watch.id}: canceled without need (compacted ${compactRevision}, "${reason}")`);
  }
  return found;
}
