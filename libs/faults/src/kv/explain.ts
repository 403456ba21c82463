import { isAnswered, type Operation } from '../history/operation.js';
import type { Replay, ReplayedEvent } from './replay.js';
import { isInRange, type KvInput, type KvOutput, type StepInput } from './types.js';

type KvOperation = Operation<KvInput, KvOutput>;

export interface ExplainOptions {
  readonly replay: Replay;
  /** What clients did while the replayed revisions came to be. */
  readonly operations: readonly KvOperation[];
  /** Operations of before whose answer was lost: they may take effect any time. */
  readonly unknownBefore: readonly KvOperation[];
  /** When a revision was first seen by somebody, by the recorder's clock. */
  readonly seenMs: (revision: number) => number;
}

export interface Explained {
  /** The answered operations, and an effect for each revision that none of them was answered: what the store model judges without guessing. */
  readonly operations: readonly KvOperation[];
  /** Acknowledged writes that are not in the sequence, changes that nobody asked for, changes that happened twice. */
  readonly anomalies: readonly string[];
  /** Operations without an answer that have certainly happened: they cannot once more. */
  readonly spent: ReadonlySet<KvOperation>;
}

/**
 * Brings what clients were told and what watchers saw together. Values identify their writes, so that the fate of a write whose answer was lost
 * is known: it is an effect at the revision where it was seen, some time between its invocation and that moment, or it did not happen (yet).
 */
export function explain({ replay, operations, unknownBefore, seenMs }: ExplainOptions): Explained {
  const anomalies: string[] = [];
  const answered = operations.filter(isAnswered);
  const claimed = new Map<number, KvOperation>();
  for (const operation of answered) {
    const { revision } = operation.outcome.output;
    if (!hasWritten(operation.input, operation.outcome.output)) continue;
    const other = claimed.get(revision);
    if (other !== undefined)
      anomalies.push(
        `two writes were acknowledged with revision ${revision}: ${text(other)} and ${text(operation)}`,
      );
    claimed.set(revision, operation);
    if (!isDone(operation, replay.at(revision)))
      anomalies.push(
        `${text(operation)} was acknowledged with revision ${revision}, where ${eventsText(replay.at(revision))}`,
      );
  }
  const unanswered = [...unknownBefore, ...operations].filter(({ outcome }) => outcome.kind === 'unknown');
  const authors = new Map<number, readonly KvOperation[]>();
  const effects: KvOperation[] = [];
  for (let revision = replay.base.revision + 1; revision <= replay.revision; revision += 1) {
    if (claimed.has(revision)) continue;
    const [events, endMs] = [replay.at(revision), seenMs(revision)];
    const possible = authorsOf(events, unanswered, endMs);
    if (possible !== 'a lease') authors.set(revision, possible);
    const startMs =
      possible === 'a lease' ? -Infinity : Math.min(...possible.map((author) => author.startMs));
    effects.push({
      process: -1,
      startMs,
      input: { op: 'effect', revision, events },
      outcome: { kind: 'ok', endMs, output: { revision } },
    });
  }
  const { matched, unmatched } = match(authors);
  for (const revision of unmatched) {
    const why =
      authors.get(revision)!.length === 0 ? 'which nobody asked for' : 'more often than anybody asked for';
    anomalies.push(`at revision ${revision}, ${eventsText(replay.at(revision))}, ${why}`);
  }
  const spent = new Set([...matched].filter((author) => stepsOf(author).some((step) => step.op === 'put')));
  return { operations: [...answered, ...effects], anomalies, spent };
}

/** Gives each effect an author of its own, as far as that goes (augmenting paths): deletions do not say whose they are. */
function match(authors: ReadonlyMap<number, readonly KvOperation[]>): {
  readonly matched: ReadonlySet<KvOperation>;
  readonly unmatched: readonly number[];
} {
  const effectOf = new Map<KvOperation, number>();
  const settle = (revision: number, tried: Set<KvOperation>): boolean =>
    authors.get(revision)!.some((author) => {
      if (tried.has(author)) return false;
      tried.add(author);
      const other = effectOf.get(author);
      if (other !== undefined && !settle(other, tried)) return false;
      effectOf.set(author, revision);
      return true;
    });
  const unmatched = [...authors.keys()].filter((revision) => !settle(revision, new Set()));
  return { matched: new Set(effectOf.keys()), unmatched };
}

function hasWritten(input: KvInput, output: KvOutput): boolean {
  if (input.op === 'put') return true;
  if (input.op === 'delete') return 'deleted' in output && output.deleted > 0;
  if (input.op !== 'txn' || !('succeeded' in output)) return false;
  const steps = output.succeeded ? input.success : input.failure;
  return steps.some((step, i) => {
    const response = output.responses[i];
    return (
      step.op === 'put' ||
      (step.op === 'delete' && response !== undefined && 'deleted' in response && response.deleted > 0)
    );
  });
}

function stepsOf(operation: KvOperation): readonly StepInput[] {
  const { input, outcome } = operation;
  if (input.op === 'revoke' || input.op === 'effect') return [];
  if (input.op !== 'txn') return [input];
  if (outcome.kind !== 'ok') return [...input.success, ...input.failure];
  return 'succeeded' in outcome.output && outcome.output.succeeded ? input.success : input.failure;
}

/** All that it put is among the events, and they are all its own. */
function isDone(operation: KvOperation, events: readonly ReplayedEvent[]): boolean {
  const puts = stepsOf(operation).filter((step) => step.op === 'put');
  return (
    events.length > 0 &&
    events.every((event) => isOwn(operation, event)) &&
    puts.every((step) =>
      events.some(({ type, kv }) => type === 'PUT' && kv.key === step.key && kv.value === step.value),
    )
  );
}

const isOwn = (operation: KvOperation, { type, kv }: ReplayedEvent): boolean =>
  stepsOf(operation).some((step) => {
    if (step.op === 'put') return type === 'PUT' && kv.key === step.key && kv.value === step.value;
    return step.op === 'delete' && type === 'DELETE' && isInRange(kv.key, step.key, step.end);
  });

/** Who may have done it. The end of a lease needs no author: it may have run out, at any time (whether too early is judged elsewhere). */
function authorsOf(
  events: readonly ReplayedEvent[],
  unanswered: readonly KvOperation[],
  seenMs: number,
): readonly KvOperation[] | 'a lease' {
  const lease = events[0]?.previous?.lease ?? '0';
  const isOfLease = events.every(({ type, previous }) => type === 'DELETE' && previous?.lease === lease);
  if (lease !== '0' && isOfLease) return 'a lease';
  return unanswered.filter((operation) => operation.startMs <= seenMs && isDoneByEither(operation, events));
}

/** As `isDone`, but an unanswered transaction may have taken either branch. */
function isDoneByEither(operation: KvOperation, events: readonly ReplayedEvent[]): boolean {
  const { input } = operation;
  if (input.op !== 'txn') return isDone(operation, events);
  return [input.success, input.failure].some((steps) =>
    isDone({ ...operation, input: { op: 'txn', compares: [], success: steps, failure: [] } }, events),
  );
}

const text = ({ process, input }: KvOperation): string => `${JSON.stringify(input)} of client ${process}`;
const eventsText = (events: readonly ReplayedEvent[]): string =>
  events.length === 0
    ? 'nothing happened'
    : events.map(({ type, kv }) => `${type} ${kv.key} ${kv.value}`.trim()).join(', ') + ' happened';
