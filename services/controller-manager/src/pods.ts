import { labelSelectorMatches, type LabelSelector, type Pod, type PodCondition } from '@raftsman/api';
import type { Stored } from '@raftsman/client';

/** What controllers ask about pods. Pure. */

type PodLike = Pick<Pod, 'status'>;

export const isTerminal = ({ status }: PodLike): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed';

export const isTerminating = (object: Pick<Stored<Pod>, 'metadata'>): boolean =>
  object.metadata.deletionTimestamp !== undefined;

/** Counts towards a controller's replicas. */
export const isActive = (pod: Stored<Pod>): boolean => !isTerminal(pod) && !isTerminating(pod);

export const podCondition = ({ status }: PodLike, type: string): PodCondition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);

export const isReady = (pod: PodLike): boolean => podCondition(pod, 'Ready')?.status === 'True';

/** When the pod has been ready for `minReadySeconds`; undefined if it is not ready. Milliseconds since 1970. */
export function availableAtMs(pod: PodLike, minReadySeconds: number): number | undefined {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  return Date.parse(ready.lastTransitionTime ?? '') + minReadySeconds * 1_000 || undefined;
}

/** An empty selector matches everything. */
export const matchesSelector = labelSelectorMatches;

export const isEmptySelector = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;

/** RFC 3339 with seconds, as Kubernetes writes times. */
export const timestamp = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, 19)}Z`;

/** Letters that make no words and are not mistaken for each other: those of Kubernetes' generated names. */
const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

export function randomSuffix(random: () => number, length = 5): string {
  return Array.from({ length }, () => nameAlphabet[Math.floor(random() * nameAlphabet.length)]!).join('');
}

/** Kubernetes' SafeEncodeString: a number's digits in the same alphabet. */
export function safeEncode(value: number): string {
  const letters = Array.from(
    String(value),
    (digit) => nameAlphabet[digit.charCodeAt(0) % nameAlphabet.length]!,
  );
  return letters.join('');
}
