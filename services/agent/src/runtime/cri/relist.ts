import { podUidLabel } from '../labels.js';
import type { ContainerSummary, PodSandboxSummary } from '../runtime.js';

/** What a runtime's lists say of each pod, in a form that can be compared: uid → state. */
export type Listed = ReadonlyMap<string, string>;

/** Pure: one line per pod, which changes whenever a sandbox or container of it appears, changes state or goes. */
export function summarise(
  sandboxes: readonly PodSandboxSummary[],
  containers: readonly ContainerSummary[],
): Listed {
  const parts = new Map<string, string[]>();
  const add = (uid: string | undefined, part: string): void => {
    if (uid === undefined) return;
    const known = parts.get(uid);
    if (known === undefined) parts.set(uid, [part]);
    else known.push(part);
  };
  for (const { id, ready, labels } of sandboxes) add(labels[podUidLabel], `${id}=${ready}`);
  for (const { id, state, labels } of containers) add(labels[podUidLabel], `${id}=${state}`);
  return new Map([...parts].map(([uid, lines]) => [uid, lines.toSorted().join()]));
}

/** Pure: the pods that differ between two looks. */
export function changedPods(before: Listed, after: Listed): readonly string[] {
  const changed = [...after].filter(([uid, line]) => before.get(uid) !== line).map(([uid]) => uid);
  return [...changed, ...[...before.keys()].filter((uid) => !after.has(uid))];
}
