import type { Container, Pod } from '@raftsman/api';
import { quantityValue } from '../quantity.js';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const counted = ['cpu', 'memory'] as const;

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ */
export function qosClassOf(pod: Pod): QosClass {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const values = containers.flatMap(({ resources }) =>
    counted.flatMap((name) => [resources?.requests?.[name], resources?.limits?.[name]]),
  );
  if (values.every((value) => quantityValue(value) === 0)) return 'BestEffort';
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

const isGuaranteed = ({ resources }: Container): boolean =>
  counted.every((name) => {
    const limit = quantityValue(resources?.limits?.[name]);
    return limit > 0 && quantityValue(resources?.requests?.[name] ?? limit) === limit;
  });
