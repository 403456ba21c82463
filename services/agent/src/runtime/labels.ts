import type { Labels } from './runtime.js';

/** The labels and annotations that kubelet puts on sandboxes and containers; `crictl` and other tools read them too. */
const podNameLabel = 'io.kubernetes.pod.name';
const podNamespaceLabel = 'io.kubernetes.pod.namespace';
export const podUidLabel = 'io.kubernetes.pod.uid';
export const containerNameLabel = 'io.kubernetes.container.name';

export const containerHashAnnotation = 'io.kubernetes.container.hash';
export const restartCountAnnotation = 'io.kubernetes.container.restartCount';
export const terminationMessagePathAnnotation = 'io.kubernetes.container.terminationMessagePath';
export const terminationMessagePolicyAnnotation = 'io.kubernetes.container.terminationMessagePolicy';
export const podGracePeriodAnnotation = 'io.kubernetes.pod.terminationGracePeriod';

/** What of a pod can be read back from the runtime when the API no longer knows it. */
export interface PodIdentity {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/** Undefined for what the agent did not start. */
export function podIdentityOf(labels: Labels): PodIdentity | undefined {
  const uid = labels[podUidLabel];
  const namespace = labels[podNamespaceLabel];
  const name = labels[podNameLabel];
  if (uid === undefined || namespace === undefined || name === undefined) return undefined;
  return { uid, namespace, name };
}

export const podLabels = (pod: PodIdentity): Labels => ({
  [podUidLabel]: pod.uid,
  [podNamespaceLabel]: pod.namespace,
  [podNameLabel]: pod.name,
});
