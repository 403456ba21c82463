import { type Infer, atomicList, bool, oneOf, opt, req, setList, str, time } from '../../schema.js';
import { coreV1 } from '../define.js';

export const taint = coreV1('Taint', {
  effect: req(oneOf(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])),
  key: req(str()),
  timeAdded: opt(time()),
  value: opt(str()),
});
export type Taint = Infer<typeof taint>;

export const configMapNodeConfigSource = coreV1('ConfigMapNodeConfigSource', {
  kubeletConfigKey: req(str()),
  name: req(str()),
  namespace: req(str()),
  resourceVersion: opt(str()),
  uid: opt(str()),
});
export type ConfigMapNodeConfigSource = Infer<typeof configMapNodeConfigSource>;

export const nodeConfigSource = coreV1('NodeConfigSource', {
  configMap: opt(configMapNodeConfigSource),
});
export type NodeConfigSource = Infer<typeof nodeConfigSource>;

export const nodeSpec = coreV1('NodeSpec', {
  configSource: opt(nodeConfigSource),
  externalID: opt(str()),
  podCIDR: opt(str()),
  podCIDRs: opt(setList(str(), { patchStrategy: 'merge' })),
  providerID: opt(str()),
  taints: opt(atomicList(taint)),
  unschedulable: opt(bool()),
});
export type NodeSpec = Infer<typeof nodeSpec>;
