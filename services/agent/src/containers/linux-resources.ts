import { qosClassOf, type Container, type Pod } from '@raftsman/api';
import { milliCores, wholeUnits } from '../quantity.js';
import type { ContainerResources } from '../runtime/runtime.js';

const periodUs = 100_000;
const quotaUsMin = 1_000;
const sharesMin = 2;
const sharesMax = 262_144;

/** Requests and limits in the kernel's units, by kubelet's rules. Pure. */
export function linuxResources(
  pod: Pod,
  container: Container,
  memoryCapacityBytes: number,
): ContainerResources {
  const { requests = {}, limits = {} } = container.resources ?? {};
  const cpuLimit = milliCores(limits.cpu);
  const cpuRequest = requests.cpu === undefined ? cpuLimit : milliCores(requests.cpu);
  const shares = Math.floor((cpuRequest * 1_024) / 1_000);
  return {
    cpuPeriodUs: cpuLimit > 0 ? periodUs : 0,
    cpuQuotaUs: cpuLimit > 0 ? Math.max(quotaUsMin, Math.floor((cpuLimit * periodUs) / 1_000)) : 0,
    cpuShares: Math.min(sharesMax, Math.max(sharesMin, shares)),
    memoryLimitBytes: wholeUnits(limits.memory),
    oomScoreAdj: oomScoreAdj(pod, wholeUnits(requests.memory), memoryCapacityBytes),
  };
}

/** Who dies first when memory runs out: the less was asked for, the sooner. */
function oomScoreAdj(pod: Pod, memoryRequestBytes: number, memoryCapacityBytes: number): number {
  switch (qosClassOf(pod.spec)) {
    case 'Guaranteed':
      return -997;
    case 'BestEffort':
      return 1_000;
    case 'Burstable': {
      const score = 1_000 - Math.floor((1_000 * memoryRequestBytes) / memoryCapacityBytes);
      return Math.min(999, Math.max(3, score));
    }
  }
}
