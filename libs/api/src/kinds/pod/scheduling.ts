import { type Infer, atomicList, int32, int64, oneOf, opt, req, str } from '../../schema.js';
import { coreV1 } from '../define.js';
import { labelSelector } from '../meta.js';

export const toleration = coreV1('Toleration', {
  effect: opt(oneOf(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])),
  key: opt(str()),
  operator: opt(oneOf(['Exists', 'Equal'])),
  tolerationSeconds: opt(int64()),
  value: opt(str()),
});
export type Toleration = Infer<typeof toleration>;

export const topologySpreadConstraint = coreV1('TopologySpreadConstraint', {
  maxSkew: req(int32()),
  topologyKey: req(str()),
  whenUnsatisfiable: req(oneOf(['DoNotSchedule', 'ScheduleAnyway'])),
  labelSelector: opt(labelSelector),
  matchLabelKeys: opt(atomicList(str())),
  minDomains: opt(int32()),
  nodeAffinityPolicy: opt(oneOf(['Honor', 'Ignore'])),
  nodeTaintsPolicy: opt(oneOf(['Honor', 'Ignore'])),
});
export type TopologySpreadConstraint = Infer<typeof topologySpreadConstraint>;

export const podSchedulingGate = coreV1('PodSchedulingGate', {
  name: req(str()),
});
export type PodSchedulingGate = Infer<typeof podSchedulingGate>;

export const podSchedulingGroup = coreV1('PodSchedulingGroup', {
  podGroupName: opt(str()),
});
export type PodSchedulingGroup = Infer<typeof podSchedulingGroup>;

export const podReadinessGate = coreV1('PodReadinessGate', {
  conditionType: req(str()),
});
export type PodReadinessGate = Infer<typeof podReadinessGate>;
