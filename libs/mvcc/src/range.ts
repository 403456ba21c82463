import { keyRange } from './key-range.js';
import type { KeySpace } from './key-space.js';
import type { RangeRequest, RangeResult, SortTarget } from './requests.js';
import { revision, type KeyValue, type Revision } from './types.js';

/**
 * Answers a range as etcd does. `current`: the revision that the reader stands at. Throws MvccError.
 *
 * Filters and an explicit order look at the whole range; a sort target without an order sorts only what the limit
 * left (etcd's applyV3.Range).
 */
export function evaluateRange(space: KeySpace, request: RangeRequest, current: Revision): RangeResult {
  const at = space.readRevision(request.revision, current);
  const { limit } = request;
  const whole = request.sortOrder !== 'NONE' || isFiltered(request);
  const fetch = request.countOnly ? 0 : limit > 0 && !whole ? limit + 1 : Infinity;
  const selection = space.select(keyRange(request.key, request.rangeEnd), revision(at), fetch);
  let kvs = selection.kvs;
  if (isFiltered(request)) kvs = kvs.filter((kv) => passes(request, kv));
  kvs = sorted(kvs, request);
  const more = limit > 0 && kvs.length > limit;
  return {
    kind: 'range',
    revision: current,
    kvs: more ? kvs.slice(0, limit) : kvs,
    keysOnly: request.keysOnly,
    more,
    count: selection.count,
  };
}

/** Whether it asks for revisions. */
export function isFiltered(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  );
}

function passes(request: RangeRequest, kv: KeyValue): boolean {
  return (
    (request.maxModRevision === 0 || kv.modRevision <= request.maxModRevision) &&
    (request.minModRevision === 0 || kv.modRevision >= request.minModRevision) &&
    (request.maxCreateRevision === 0 || kv.createRevision <= request.maxCreateRevision) &&
    (request.minCreateRevision === 0 || kv.createRevision >= request.minCreateRevision)
  );
}

function sorted(kvs: readonly KeyValue[], request: RangeRequest): readonly KeyValue[] {
  const { sortOrder, sortTarget } = request;
  // The index answers in ascending key order.
  if (sortTarget === 'KEY' && sortOrder !== 'DESCEND') return kvs;
  const compare = comparators[sortTarget];
  return kvs.toSorted(sortOrder === 'DESCEND' ? (a, b) => compare(b, a) : compare);
}

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const comparators: Record<SortTarget, (a: KeyValue, b: KeyValue) => number> = {
  KEY: (a, b) => byBytes(a.key, b.key),
  VERSION: (a, b) => a.version - b.version,
  CREATE: (a, b) => a.createRevision - b.createRevision,
  MOD: (a, b) => a.modRevision - b.modRevision,
  VALUE: (a, b) => byBytes(a.value, b.value),
};
