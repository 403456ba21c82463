import {
  badRequest,
  expired,
  invalid,
  invalidValue,
  tooLargeResourceVersion,
  type KubeObject,
} from '@raftsman/api';
import type { Matcher } from '../../cacher/watch-event.js';
import { decodeContinue, encodeContinue, type ContinueToken } from '../../storage/continue-token.js';
import { listPrefix } from '../../storage/keys.js';
import { StorageError } from '../../storage/storage-error.js';
import type { Stored } from '../../storage/storage.js';
import { limits } from '../../limits.js';
import type { CoreContext, ListResult } from '../core.js';
import { matcherOf } from '../selection.js';
import type { ListOptions, Target } from '../target.js';
import { parseRevision } from './get.js';

/**
 * Which state a list shows: https://kubernetes.io/docs/reference/using-api/api-concepts/#the-resourceversion-parameter
 */
type Reading =
  /** Whatever the cache holds, if it holds `atLeast`. */
  | { readonly kind: 'cache'; readonly atLeast: number }
  | { readonly kind: 'newest'; readonly atLeast: number }
  | { readonly kind: 'exact'; readonly revision: number; readonly startKey?: string };

export async function listObjects(
  context: CoreContext,
  target: Target,
  options: ListOptions,
): Promise<ListResult> {
  const matches = matcherOf(target, options);
  if (target.resource.plural === 'componentstatuses') {
    const items = (await context.componentStatuses()).filter(matches);
    return { items, resourceVersion: '', continueToken: '', remainingItemCount: undefined };
  }
  const reading = readingOf(options);
  if (reading.kind === 'cache') {
    const cacher = context.cacher(target.resource);
    await cacher.ready();
    if (cacher.revision >= reading.atLeast) {
      const { items, revision } = cacher.list(prefixOf(context, target));
      return whole(items, revision, matches);
    }
  }
  return listFromStore(context, target, options, reading, matches);
}

const prefixOf = (context: CoreContext, target: Target): string =>
  listPrefix(context.keyPrefix, target.resource, target.namespace);

function readingOf(options: ListOptions): Reading {
  const { resourceVersionMatch: match, resourceVersion } = options;
  if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
    throw invalidOption('resourceVersionMatch', match, 'supported values: "Exact", "NotOlderThan", ""');
  }
  if (match !== '' && resourceVersion === '') {
    throw invalidOption(
      'resourceVersionMatch',
      match,
      'resourceVersionMatch is forbidden unless resourceVersion is provided',
    );
  }
  if (options.continueToken !== '') return continued(options);
  const revision = parseRevision(resourceVersion);
  if (match === 'Exact') {
    if (revision === 0)
      throw invalidOption(
        'resourceVersionMatch',
        match,
        'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
      );
    return { kind: 'exact', revision };
  }
  if (resourceVersion === '') return { kind: 'newest', atLeast: 0 };
  // A page must be continued at its revision, which only the store can do.
  if (options.limit > 0 && revision > 0) {
    return match === '' ? { kind: 'exact', revision } : { kind: 'newest', atLeast: revision };
  }
  return { kind: 'cache', atLeast: revision };
}

function continued(options: ListOptions): Reading {
  if (options.resourceVersion !== '' && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const token: ContinueToken | null = decodeContinue(options.continueToken);
  if (token === null) throw badRequest('continue key is not valid: it was not made by this server');
  return { kind: 'exact', revision: token.revision, startKey: token.startKey };
}

function invalidOption(field: string, value: string, detail: string): Error {
  return invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [invalidValue(field, value, detail)]);
}

function whole(items: readonly Stored[], revision: number, matches: Matcher): ListResult {
  return {
    items: items.map(({ object }) => object).filter(matches),
    resourceVersion: String(revision),
    continueToken: '',
    remainingItemCount: undefined,
  };
}

async function listFromStore(
  context: CoreContext,
  target: Target,
  options: ListOptions,
  reading: Reading,
  matches: Matcher,
): Promise<ListResult> {
  const prefix = prefixOf(context, target);
  const known = context.cacher(target.resource).known;
  const found: KubeObject[] = [];
  let revision = reading.kind === 'exact' ? reading.revision : 0;
  let startKey = prefix + (reading.kind === 'exact' ? (reading.startKey ?? '') : '');
  for (;;) {
    const listed = await readPage(context, prefix, {
      limit: options.limit === 0 ? 0 : Math.min(options.limit, limits.etcdPageKeys),
      startKey,
      known,
      ...(revision === 0 ? {} : { revision }),
    });
    revision ||= listed.revision;
    if (reading.kind !== 'exact' && revision < reading.atLeast) {
      throw tooLargeResourceVersion(String(reading.atLeast), String(revision), 1);
    }
    const wanted = options.limit === 0 ? Infinity : options.limit - found.length;
    const { taken, next } = take(listed.items, matches, wanted);
    found.push(...taken);
    const left = listed.remaining + (listed.items.length - next);
    if (left === 0 || taken.length >= wanted) {
      return page(found, revision, left, listed.items[next - 1]?.key, prefix, options);
    }
    startKey = `${listed.items[listed.items.length - 1]!.key}\0`;
  }
}

/** The first `wanted` matches, and how many items were looked at for them. */
function take(
  items: readonly Stored[],
  matches: Matcher,
  wanted: number,
): { readonly taken: readonly KubeObject[]; readonly next: number } {
  const taken: KubeObject[] = [];
  let next = 0;
  for (; next < items.length && taken.length < wanted; next += 1) {
    const { object } = items[next]!;
    if (matches(object)) taken.push(object);
  }
  return { taken, next };
}

function page(
  items: readonly KubeObject[],
  revision: number,
  left: number,
  lastKey: string | undefined,
  prefix: string,
  options: ListOptions,
): ListResult {
  const more = left > 0 && lastKey !== undefined;
  const selective = options.labelSelector !== '' || options.fieldSelector !== '';
  return {
    items,
    resourceVersion: String(revision),
    continueToken: more ? encodeContinue({ revision, startKey: `${lastKey.slice(prefix.length)}\0` }) : '',
    remainingItemCount: more && !selective ? left : undefined,
  };
}

async function readPage(
  context: CoreContext,
  prefix: string,
  options: Parameters<CoreContext['storage']['list']>[1],
): ReturnType<CoreContext['storage']['list']> {
  try {
    return await context.storage.list(prefix, options);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.code === 'compacted') {
      throw expired(
        options.startKey === prefix
          ? 'The resourceVersion for the provided list is too old.'
          : 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
      );
    }
    if (error.code === 'future') {
      throw tooLargeResourceVersion(String(options.revision), 'the newest', 1);
    }
    throw error;
  }
}
