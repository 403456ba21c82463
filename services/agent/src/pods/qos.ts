import type { Container, Pod } from '@raftsman/api';
import { nanoUnits } from '../quantity.js';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const counted = ['cpu', 'memory'] as const;

/** https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/ */
export function qosClassOf(pod: Pod): QosClass {
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const values = containers.flatMap(({ resources }) =>
    counted.flatMap((name) => [resources?.requests?.[name], resources?.limits?.[name]]),
  );
  if (values.every((value) => nanoUnits(value) === 0n)) return 'BestEffort';
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

const isGuaranteed = ({ resources }: Container): boolean =>
  counted.every((name) => {
    const limit = nanoUnits(resources?.limits?.[name]);
    return limit > 0n && nanoUnits(resources?.requests?.[name] ?? resources?.limits?.[name]) === limit;
  });
