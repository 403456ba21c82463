import { isDeepStrictEqual } from 'node:util';
import type { Node, NodeCondition, NodeStatus, Taint } from '@raftsman/api';
import { agentLimits } from '../limits.js';
import { rfc3339 } from '../pods/container-statuses.js';
import type { RuntimeCondition, RuntimeVersion } from '../runtime/runtime.js';
import type { Headroom, Machine } from './machine.js';

/** The Kubernetes version whose node API this agent speaks. */
export const kubeletVersion = 'v1.35.0-raftsman';

/** What a Node says of this machine. */
export interface NodeFacts {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly maxPods: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly machine: Machine;
  readonly headroom: Headroom;
  readonly runtime: RuntimeVersion;
  /** Empty: the runtime does not answer. */
  readonly runtimeConditions: readonly RuntimeCondition[];
}

export function nodeLabels(facts: NodeFacts): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': facts.machine.architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': facts.machine.architecture,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/hostname': facts.name,
    ...facts.labels,
  };
}

/** A Node that is not there yet. Pure, as all in this file. */
export const newNode = (facts: NodeFacts, taints: readonly Taint[]): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: facts.name, labels: nodeLabels(facts) },
  spec: taints.length === 0 ? {} : { taints: [...taints] },
});

/** The labels that a Node must get; undefined: it has them. Others' labels stay. */
export function missingLabels(node: Node, facts: NodeFacts): Record<string, string> | undefined {
  const labels = { ...node.metadata.labels, ...nodeLabels(facts) };
  return isDeepStrictEqual(labels, node.metadata.labels ?? {}) ? undefined : labels;
}

/**
 * The status that a Node must get; undefined: it has it. Conditions of other owners stay; times move only when something
 * else does, so that a node at rest writes nothing.
 */
export function nextNodeStatus(node: Node, facts: NodeFacts, nowMs: number): NodeStatus | undefined {
  const before = node.status ?? {};
  const own = ownConditions(facts);
  const changed = own.filter((condition) => !sameCondition(condition, before.conditions));
  const fixed = fixedStatus(facts);
  const same = Object.entries(fixed).every(([key, value]) =>
    isDeepStrictEqual(before[key as keyof NodeStatus], value),
  );
  if (same && changed.length === 0) return undefined;
  const others = (before.conditions ?? []).filter(
    ({ type }) => !own.some((condition) => condition.type === type),
  );
  const now = rfc3339(nowMs);
  const conditions = own.map((condition): NodeCondition => {
    const old = before.conditions?.find(({ type }) => type === condition.type);
    const turned = old?.status !== condition.status;
    return {
      ...condition,
      lastHeartbeatTime: now,
      lastTransitionTime: turned ? now : (old.lastTransitionTime ?? now),
    };
  });
  return { ...before, ...fixed, conditions: [...others, ...conditions] };
}

function sameCondition(condition: NodeCondition, before: readonly NodeCondition[] | undefined): boolean {
  const old = before?.find(({ type }) => type === condition.type);
  return (
    old !== undefined &&
    old.status === condition.status &&
    old.reason === condition.reason &&
    old.message === condition.message
  );
}

function fixedStatus(
  facts: NodeFacts,
): Required<Pick<NodeStatus, 'capacity' | 'allocatable' | 'addresses' | 'daemonEndpoints' | 'nodeInfo'>> {
  const { machine } = facts;
  const resources = {
    cpu: String(machine.cpus),
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    'ephemeral-storage': `${Math.floor(machine.diskBytes / 1024)}Ki`,
    pods: String(facts.maxPods),
  };
  return {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address: facts.ip },
      { type: 'Hostname', address: facts.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.port } },
    nodeInfo: {
      architecture: machine.architecture,
      bootID: machine.bootId,
      containerRuntimeVersion: `${facts.runtime.name}://${facts.runtime.version}`,
      kernelVersion: machine.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion,
      machineID: machine.machineId,
      operatingSystem: 'linux',
      osImage: machine.osImage,
      systemUUID: machine.systemUuid,
    },
  };
}

function ownConditions({ headroom, runtimeConditions }: NodeFacts): readonly NodeCondition[] {
  const pressure = (
    type: string,
    high: boolean,
    calm: readonly [string, string],
    words: readonly [string, string],
  ): NodeCondition => {
    const [reason, message] = high ? words : calm;
    return { type, status: high ? 'True' : 'False', reason, message };
  };
  return [
    pressure(
      'MemoryPressure',
      headroom.memoryBytes < agentLimits.memoryPressureBytes,
      ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
      ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
    ),
    pressure(
      'DiskPressure',
      headroom.diskFraction < agentLimits.diskPressureFraction,
      ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
      ['KubeletHasDiskPressure', 'kubelet has disk pressure'],
    ),
    pressure(
      'PIDPressure',
      headroom.pidFraction < agentLimits.pidPressureFraction,
      ['KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
      ['KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
    ),
    readyCondition(runtimeConditions),
  ];
}

function readyCondition(conditions: readonly RuntimeCondition[]): NodeCondition {
  const problems = conditions
    .filter(({ status }) => !status)
    .map(({ type, reason, message }) => {
      const what =
        type === 'NetworkReady' ? 'container runtime network not ready' : 'container runtime not ready';
      return `${what}: ${type}=false reason:${reason} message:${message}`;
    });
  if (conditions.length === 0) problems.push('container runtime is down');
  return problems.length === 0
    ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
    : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: problems.join(', ') };
}
