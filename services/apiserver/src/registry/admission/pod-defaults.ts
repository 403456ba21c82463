import type { Pod } from '@raftsman/api';

/** The ServiceAccount admission controller's default. Tokens follow with token authentication. */
export function defaultServiceAccount(pod: Pod): void {
  if ((pod.spec.serviceAccountName ?? '') === '') pod.spec.serviceAccountName = 'default';
  pod.spec.serviceAccount = pod.spec.serviceAccountName ?? 'default';
}

/**
 * How long a pod stays bound to a node that is not ready or out of reach, unless it says so itself:
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#defaulttolerationseconds
 */
export function defaultTolerations(
  pod: Pod,
  seconds: { readonly notReadySeconds: number; readonly unreachableSeconds: number },
): void {
  const tolerations = (pod.spec.tolerations ??= []);
  const wanted = [
    { key: 'node.kubernetes.io/not-ready', tolerationSeconds: seconds.notReadySeconds },
    { key: 'node.kubernetes.io/unreachable', tolerationSeconds: seconds.unreachableSeconds },
  ];
  for (const { key, tolerationSeconds } of wanted) {
    const tolerated = tolerations.some(
      (each) =>
        ((each.key ?? '') === '' || each.key === key) &&
        ((each.effect ?? '') === '' || (each.effect as string) === 'NoExecute'),
    );
    if (!tolerated) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds });
  }
}
