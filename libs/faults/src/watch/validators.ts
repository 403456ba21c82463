import { sameKeyValue } from '../kv/store-state.js';
import { sameEvent, type Replay } from '../kv/replay.js';
import { isInRange, type KvEvent } from '../kv/types.js';
import { faultLimits } from '../limits.js';
import type { Compaction, WatchedEvent, WatchRecord, WatchRequest } from './record.js';

/** etcd's promises of a watch (api_guarantees.md), under the names that its robustness tests give them. */
export const watchGuarantees = [
  'Filter',
  'Ordered',
  'Unique',
  'Atomic',
  'Reliable',
  'Resumable',
  'Bookmarkable',
  'PrevKV',
  'IsCreate',
] as const;
export type WatchGuarantee = (typeof watchGuarantees)[number];

export interface WatchViolation {
  readonly guarantee: WatchGuarantee;
  readonly watch: string;
  readonly message: string;
}

type Validator = (watch: WatchRecord, replay: Replay, compactions: readonly Compaction[]) => Iterable<string>;

/** What breaks a promise, at most `faultLimits.violationsMax` of each. `replay` must know all revisions that the watch was told events of. */
export function validateWatch(
  watch: WatchRecord,
  replay: Replay,
  compactions: readonly Compaction[] = [],
): readonly WatchViolation[] {
  return watchGuarantees.flatMap((guarantee) => {
    const violations: WatchViolation[] = [];
    for (const message of validators[guarantee](watch, replay, compactions)) {
      violations.push({ guarantee, watch: watch.id, message });
      if (violations.length >= faultLimits.violationsMax) break;
    }
    return violations;
  });
}

const validators: Readonly<Record<WatchGuarantee, Validator>> = {
  Filter: filter,
  Ordered: ordered,
  Unique: unique,
  Atomic: atomic,
  Reliable: reliable,
  Resumable: resumable,
  Bookmarkable: bookmarkable,
  PrevKV: prevKv,
  IsCreate: isCreate,
};

const describe = ({ type, kv }: KvEvent): string => `${type} of ${kv.key} at revision ${kv.modRevision}`;

const eventsOf = (watch: WatchRecord): readonly WatchedEvent[] =>
  watch.responses.flatMap((response) => (response.kind === 'events' ? response.events : []));

const matches = (request: WatchRequest, { type, kv }: KvEvent): boolean =>
  isInRange(kv.key, request.key, request.end) &&
  !(type === 'PUT' ? request.noPut === true : request.noDelete === true);

/** Only what was asked for. */
function* filter(watch: WatchRecord): Iterable<string> {
  for (const event of eventsOf(watch))
    if (!matches(watch.request, event)) yield `${describe(event)} was not asked for`;
}

/** Revisions never fall. */
function* ordered(watch: WatchRecord): Iterable<string> {
  let last = 0;
  for (const event of eventsOf(watch)) {
    if (event.kv.modRevision < last) yield `${describe(event)} came after revision ${last}`;
    last = Math.max(last, event.kv.modRevision);
  }
}

/** No event twice. */
function* unique(watch: WatchRecord): Iterable<string> {
  const seen = new Set<string>();
  for (const event of eventsOf(watch)) {
    const identity = `${event.kv.modRevision} ${event.kv.key}`;
    if (seen.has(identity)) yield `${describe(event)} came twice`;
    seen.add(identity);
  }
}

/** A revision's events come in one response. */
function* atomic(watch: WatchRecord): Iterable<string> {
  const complete = new Set<number>();
  for (const response of watch.responses) {
    if (response.kind !== 'events') continue;
    const revisions = new Set(response.events.map(({ kv }) => kv.modRevision));
    for (const revision of revisions)
      if (complete.has(revision)) yield `events of revision ${revision} came in two responses`;
    for (const revision of revisions) complete.add(revision);
  }
}

/** The first revision that the watch has to tell of; null: it was never created. */
export function firstRevisionOf(watch: WatchRecord): number | null {
  if (watch.request.startRevision > 0) return watch.request.startRevision;
  const created = watch.responses.find(({ kind }) => kind === 'created');
  return created?.kind === 'created' ? created.revision + 1 : null;
}

/** The last revision up to which the watch claimed to have told all. */
function lastRevisionOf(watch: WatchRecord): number {
  return watch.responses.reduce((last, response) => {
    if (response.kind === 'progress') return Math.max(last, response.revision);
    if (response.kind !== 'events') return last;
    return response.events.reduce((highest, { kv }) => Math.max(highest, kv.modRevision), last);
  }, 0);
}

/** Between its first event and the last that it claimed, a watch leaves nothing out, and tells what happened. */
function* reliable(watch: WatchRecord, replay: Replay): Iterable<string> {
  const events = eventsOf(watch);
  const told = new Map(events.map((event) => [`${event.kv.modRevision} ${event.kv.key}`, event]));
  for (const event of events) {
    const happened = replay.at(event.kv.modRevision).some((other) => sameEvent(event, other));
    if (replay.knows(event.kv.modRevision) && event.kv.modRevision > replay.base.revision && !happened)
      yield `${describe(event)} is not what happened`;
  }
  const first = events[0]?.kv.modRevision ?? firstRevisionOf(watch);
  if (first === null) return;
  const last = Math.min(lastRevisionOf(watch), replay.revision);
  for (let revision = Math.max(first, replay.base.revision + 1); revision <= last; revision += 1)
    for (const event of replay.at(revision))
      if (matches(watch.request, event) && !told.has(`${revision} ${event.kv.key}`))
        yield `${describe(event)} is missing`;
}

/** A watch begins with the first event at or after its start revision, and not before. */
function* resumable(watch: WatchRecord, replay: Replay): Iterable<string> {
  const start = firstRevisionOf(watch);
  if (start === null) return;
  const events = eventsOf(watch);
  const early = events.find(({ kv }) => kv.modRevision < start);
  if (early !== undefined) yield `${describe(early)} is older than the start revision ${start}`;
  const first = events[0]?.kv.modRevision;
  if (first === undefined || start <= replay.base.revision) return;
  for (let revision = start; revision < Math.min(first, replay.revision + 1); revision += 1)
    for (const event of replay.at(revision))
      if (matches(watch.request, event)) yield `it began at revision ${first}, after ${describe(event)}`;
}

/** After a notification of progress at R, nothing at or below R; and it never promises less than what came already. */
function* bookmarkable(watch: WatchRecord): Iterable<string> {
  let bookmark = 0;
  let last = 0;
  for (const response of watch.responses) {
    if (response.kind === 'progress') {
      if (response.revision < Math.max(last, bookmark))
        yield `progress at ${response.revision} after revision ${Math.max(last, bookmark)}`;
      bookmark = Math.max(bookmark, response.revision);
    }
    if (response.kind !== 'events') continue;
    for (const event of response.events) {
      if (event.kv.modRevision <= bookmark) yield `${describe(event)} came after progress at ${bookmark}`;
      last = Math.max(last, event.kv.modRevision);
    }
  }
}

/** The previous key-value, where it was asked for, is what was there before; none only if it may be compacted away. */
function* prevKv(watch: WatchRecord, replay: Replay, compactions: readonly Compaction[]): Iterable<string> {
  if (watch.request.prevKv !== true) return;
  for (const response of watch.responses) {
    if (response.kind !== 'events') continue;
    for (const event of response.events) {
      const { modRevision, key } = event.kv;
      const replayed = replay.at(modRevision).find(({ kv }) => kv.key === key);
      if (replayed === undefined) continue;
      const { previous } = replayed;
      if (event.previous === null) {
        const isExcused = compactions.some(
          (compaction) => compaction.startMs <= response.atMs && compaction.revision >= modRevision,
        );
        if (previous !== null && !isExcused) yield `${describe(event)} came without what was before it`;
      } else if (previous === null || !sameKeyValue(event.previous, previous))
        yield `${describe(event)} came with ${JSON.stringify(event.previous)} before it, not ${JSON.stringify(previous)}`;
    }
  }
}

/** A put that says it created its key did, and no other did. */
function* isCreate(watch: WatchRecord, replay: Replay): Iterable<string> {
  for (const event of eventsOf(watch)) {
    const replayed = replay.at(event.kv.modRevision).find(({ kv }) => kv.key === event.kv.key);
    if (replayed === undefined) continue;
    const created = event.type === 'PUT' && replayed.previous === null;
    if (event.isCreate !== created)
      yield `${describe(event)} says that it ${event.isCreate ? 'created' : 'did not create'} the key`;
  }
}
