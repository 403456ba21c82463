import { invalid, invalidValue, tooManyRequests, watchTooOld } from '@raftsman/api';
import { TooOldError, type WatchStart } from '../../cacher/cacher.js';
import type { Watcher } from '../../cacher/watcher.js';
import { limits } from '../../limits.js';
import { listPrefix } from '../../storage/keys.js';
import type { CoreContext } from '../core.js';
import { matcherOf } from '../selection.js';
import type { Target, WatchOptions } from '../target.js';
import { parseRevision } from './get.js';

/**
 * Where a watch starts: https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-watch
 * and, with sendInitialEvents, #streaming-lists.
 */
export async function watchObjects(
  context: CoreContext,
  target: Target,
  options: WatchOptions,
): Promise<Watcher> {
  const cacher = context.cacher(target.resource);
  const matches = matcherOf(target, options);
  checkStreaming(options);
  const revision = parseRevision(options.resourceVersion);
  await cacher.ready(options.sendInitialEvents === true ? 0 : revision);
  if (cacher.watchers >= limits.watchersPerResource) {
    throw tooManyRequests('too many watches of this resource, please try again later', 1);
  }
  const prefix = listPrefix(context.keyPrefix, target.resource, target.namespace);
  const start = await startOf(context, target, options, revision, prefix);
  try {
    return cacher.watch({
      prefix,
      matches,
      start,
      bookmarks: options.allowBookmarks,
      markInitialEnd: options.sendInitialEvents === true && options.allowBookmarks,
    });
  } catch (error) {
    if (error instanceof TooOldError) throw watchTooOld(options.resourceVersion, String(error.oldest));
    throw error;
  }
}

async function startOf(
  context: CoreContext,
  target: Target,
  options: WatchOptions,
  revision: number,
  prefix: string,
): Promise<WatchStart> {
  const cacher = context.cacher(target.resource);
  const initial = options.sendInitialEvents ?? revision === 0;
  if (!initial) return { kind: 'after', revision: revision === 0 ? cacher.revision : revision };
  if (options.resourceVersion === '0' || (revision > 0 && cacher.revision >= revision))
    return { kind: 'cached' };
  const listed = await context.storage.list(prefix, { limit: 0, known: cacher.known });
  return { kind: 'listed', items: listed.items, revision: listed.revision };
}

function checkStreaming(options: WatchOptions): void {
  const refuse = (field: string, value: unknown, detail: string): never => {
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [invalidValue(field, value, detail)]);
  };
  const { resourceVersionMatch: match } = options;
  if (options.sendInitialEvents === undefined) {
    if (match !== '')
      refuse(
        'resourceVersionMatch',
        match,
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      );
    return;
  }
  if (match !== 'NotOlderThan') {
    refuse(
      'resourceVersionMatch',
      match,
      'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    );
  }
}
