import { badRequest } from '../status/index.js';
import { isObject, ownProperty } from '../values.js';

/** How a merged list is put in order: https://github.com/kubernetes/design-proposals-archive/blob/main/cli/preserve-order-in-strategic-merge-patch.md */
export interface ElementOrder {
  /** The merged list. */
  readonly list: readonly unknown[];
  /** `$setElementOrder`: the client's full order, as primitives or as objects that hold the merge key. */
  readonly order: readonly unknown[];
  /** The patch's own list, whose items must come in that order. */
  readonly patched: unknown;
  /** The list before the patch, whose order counts among items that only the server knows. */
  readonly live: unknown;
  /** Undefined: a list of primitives. */
  readonly mergeKey: string | undefined;
}

/** What tells items apart. The type goes in, so that 1 and "1" differ. */
const identity = (item: unknown, mergeKey: string | undefined): string =>
  JSON.stringify(mergeKey === undefined ? item : isObject(item) ? ownProperty(item, mergeKey) : null) ?? '';

const positions = (items: unknown, mergeKey: string | undefined): ReadonlyMap<string, number> =>
  new Map(
    (Array.isArray(items) ? items : []).map((item: unknown, index) => [identity(item, mergeKey), index]),
  );

/**
 * Items that the client orders come in its order, the server's own in the live order, and the two sequences interleave by the
 * live order where it knows both heads; otherwise the client's goes first. Throws 400 if the patch's list contradicts the order.
 */
export const applyElementOrder = ({ list, order, patched, live, mergeKey }: ElementOrder): unknown[] => {
  const wanted = positions(order, mergeKey);
  const before = positions(live, mergeKey);
  checkPatchFollows(patched, wanted, mergeKey);
  const rank = (ranks: ReadonlyMap<string, number>, item: unknown): number =>
    ranks.get(identity(item, mergeKey)) ?? Number.POSITIVE_INFINITY;
  const byRank =
    (ranks: ReadonlyMap<string, number>) =>
    (left: unknown, right: unknown): number =>
      rank(ranks, left) === rank(ranks, right) ? 0 : rank(ranks, left) - rank(ranks, right);

  const clients = list.filter((item) => wanted.has(identity(item, mergeKey))).toSorted(byRank(wanted));
  const servers = list.filter((item) => !wanted.has(identity(item, mergeKey))).toSorted(byRank(before));
  const ordered: unknown[] = [];
  let server = 0;
  for (const item of clients) {
    const known = before.get(identity(item, mergeKey));
    while (known !== undefined && server < servers.length && rank(before, servers[server]) < known) {
      ordered.push(servers[server]);
      server += 1;
    }
    ordered.push(item);
  }
  return ordered.concat(servers.slice(server));
};

const checkPatchFollows = (
  patched: unknown,
  wanted: ReadonlyMap<string, number>,
  mergeKey: string | undefined,
): void => {
  if (!Array.isArray(patched)) return;
  let last = -1;
  for (const item of patched as unknown[]) {
    if (isObject(item) && Object.hasOwn(item, '$patch')) continue;
    const position = wanted.get(identity(item, mergeKey)) ?? -1;
    if (position <= last && !(position === last && position >= 0)) {
      throw badRequest(
        `invalid strategic merge patch: the order in the patch's list does not match $setElementOrder`,
      );
    }
    last = position;
  }
};
