import type { Taint, Toleration } from '@raftsman/api';

export function tolerates(
  { key, operator = 'Equal', value = '', effect }: Toleration,
  taint: Taint,
): boolean {
  if (effect !== undefined && effect !== taint.effect) return false;
  if (key !== undefined && key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || ((key ?? '') !== '' && value === (taint.value ?? ''));
}

/** The first taint of the given effects that nothing tolerates. */
export const untolerated = (
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  ...effects: readonly Taint['effect'][]
): Taint | undefined =>
  taints.find(
    (taint) => effects.includes(taint.effect) && !tolerations.some((each) => tolerates(each, taint)),
  );
