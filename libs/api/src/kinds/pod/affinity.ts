import { type Infer, atomicList, int32, oneOf, opt, req, str } from '../../schema.js';
import { coreV1 } from '../define.js';
import { labelSelector } from '../meta.js';

export const nodeSelectorRequirement = coreV1('NodeSelectorRequirement', {
  key: req(str()),
  operator: req(oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'])),
  values: opt(atomicList(str())),
});
export type NodeSelectorRequirement = Infer<typeof nodeSelectorRequirement>;

export const nodeSelectorTerm = coreV1(
  'NodeSelectorTerm',
  {
    matchExpressions: opt(atomicList(nodeSelectorRequirement)),
    matchFields: opt(atomicList(nodeSelectorRequirement)),
  },
  { atomic: true },
);
export type NodeSelectorTerm = Infer<typeof nodeSelectorTerm>;

export const nodeSelector = coreV1(
  'NodeSelector',
  {
    nodeSelectorTerms: req(atomicList(nodeSelectorTerm)),
  },
  { atomic: true },
);
export type NodeSelector = Infer<typeof nodeSelector>;

export const preferredSchedulingTerm = coreV1('PreferredSchedulingTerm', {
  preference: req(nodeSelectorTerm),
  weight: req(int32()),
});
export type PreferredSchedulingTerm = Infer<typeof preferredSchedulingTerm>;

export const nodeAffinity = coreV1('NodeAffinity', {
  preferredDuringSchedulingIgnoredDuringExecution: opt(atomicList(preferredSchedulingTerm)),
  requiredDuringSchedulingIgnoredDuringExecution: opt(nodeSelector),
});
export type NodeAffinity = Infer<typeof nodeAffinity>;

export const podAffinityTerm = coreV1('PodAffinityTerm', {
  topologyKey: req(str()),
  labelSelector: opt(labelSelector),
  matchLabelKeys: opt(atomicList(str())),
  mismatchLabelKeys: opt(atomicList(str())),
  namespaceSelector: opt(labelSelector),
  namespaces: opt(atomicList(str())),
});
export type PodAffinityTerm = Infer<typeof podAffinityTerm>;

export const weightedPodAffinityTerm = coreV1('WeightedPodAffinityTerm', {
  podAffinityTerm: req(podAffinityTerm),
  weight: req(int32()),
});
export type WeightedPodAffinityTerm = Infer<typeof weightedPodAffinityTerm>;

export const podAffinity = coreV1('PodAffinity', {
  preferredDuringSchedulingIgnoredDuringExecution: opt(atomicList(weightedPodAffinityTerm)),
  requiredDuringSchedulingIgnoredDuringExecution: opt(atomicList(podAffinityTerm)),
});
export type PodAffinity = Infer<typeof podAffinity>;

export const podAntiAffinity = coreV1('PodAntiAffinity', {
  preferredDuringSchedulingIgnoredDuringExecution: opt(atomicList(weightedPodAffinityTerm)),
  requiredDuringSchedulingIgnoredDuringExecution: opt(atomicList(podAffinityTerm)),
});
export type PodAntiAffinity = Infer<typeof podAntiAffinity>;

export const affinity = coreV1('Affinity', {
  nodeAffinity: opt(nodeAffinity),
  podAffinity: opt(podAffinity),
  podAntiAffinity: opt(podAntiAffinity),
});
export type Affinity = Infer<typeof affinity>;
