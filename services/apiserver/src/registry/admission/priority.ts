import { forbidden, type Pod } from '@raftsman/api';

/** The classes that every cluster has; PriorityClass as a kind follows. */
const priorityOfClass: ReadonlyMap<string, number> = new Map([
  ['system-cluster-critical', 2_000_000_000],
  ['system-node-critical', 2_000_001_000],
]);

/** Sets spec.priority from the class, as the Priority admission controller does. Throws 403. */
export function admitPriority(pod: Pod): void {
  const refuse = (why: string): never => {
    throw forbidden({ group: '', plural: 'pods' }, pod.metadata.name ?? '', why);
  };
  const className = pod.spec.priorityClassName ?? '';
  const priority = className === '' ? 0 : priorityOfClass.get(className);
  if (priority === undefined) return refuse(`no PriorityClass with name ${className} was found`);
  if (pod.spec.priority !== undefined && pod.spec.priority !== priority) {
    return refuse(
      `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
    );
  }
  pod.spec.priority = priority;
  pod.spec.preemptionPolicy ??= 'PreemptLowerPriority';
}
