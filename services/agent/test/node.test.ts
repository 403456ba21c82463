import type { Node } from '@raftsman/api';
import { describe, expect, it } from 'vitest';
import { missingLabels, newNode, nextNodeStatus, type NodeFacts } from '../src/node/node-object.js';
import { desiredRoutes, routeCommands } from '../src/node/routes.js';

describe('the Node', () => {
  const facts: NodeFacts = {
    name: 'n1',
    ip: '10.0.0.1',
    port: 10_250,
    maxPods: 110,
    labels: { zone: 'a' },
    machine: {
      cpus: 4,
      memoryBytes: 4 * 2 ** 30,
      diskBytes: 2 ** 40,
      hostname: 'h',
      architecture: 'arm64',
      kernelVersion: '6.1',
      osImage: 'Debian',
      machineId: 'm',
      systemUuid: 's',
      bootId: 'b',
    },
    headroom: { memoryBytes: 2 ** 30, diskFraction: 0.5, pidFraction: 0.9 },
    runtime: { name: 'containerd', version: '1.6.20' },
    runtimeConditions: [
      { type: 'RuntimeReady', status: true, reason: '', message: '' },
      { type: 'NetworkReady', status: true, reason: '', message: '' },
    ],
  };
  const ready = (node: Node): string | undefined =>
    node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const registered = (): Node => {
    const node = newNode(facts, [{ key: 'a', effect: 'NoSchedule' }]);
    return { ...node, status: nextNodeStatus(node, facts, 1_000)! };
  };

  it('is complete, and at rest writes nothing', () => {
    const node = registered();
    expect(ready(node)).toBe('True');
    expect(node.status?.capacity).toEqual({
      cpu: '4',
      memory: '4194304Ki',
      'ephemeral-storage': '1073741824Ki',
      pods: '110',
    });
    expect(node.metadata.labels).toMatchObject({
      'kubernetes.io/hostname': 'n1',
      'kubernetes.io/arch': 'arm64',
      zone: 'a',
    });
    expect(nextNodeStatus(node, facts, 999_000)).toBeUndefined();
    expect(missingLabels(node, facts)).toBeUndefined();
    expect(missingLabels(node, { ...facts, labels: { zone: 'b' } })).toMatchObject({ zone: 'b' });
  });
  it('contradicts who took it for dead, and keeps conditions that others own', () => {
    const node = registered();
    const conditions = node.status!.conditions!.map((each) =>
      each.type === 'Ready' ? { ...each, status: 'Unknown' as const, reason: 'NodeStatusUnknown' } : each,
    );
    const doubted = {
      ...node,
      status: { ...node.status, conditions: [...conditions, { type: 'Odd', status: 'True' as const }] },
    };
    const next = nextNodeStatus(doubted, facts, 61_000)!;
    expect(next.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'True',
      lastTransitionTime: '1970-01-01T00:01:01Z',
    });
    expect(next.conditions?.map(({ type }) => type)).toContain('Odd');
  });
  it('is not ready while its network is not, and says why', () => {
    const down = {
      type: 'NetworkReady' as const,
      status: false,
      reason: 'NetworkPluginNotReady',
      message: 'no podCIDR',
    };
    const status = nextNodeStatus(registered(), { ...facts, runtimeConditions: [down] }, 2_000)!;
    expect(status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'KubeletNotReady',
      message:
        'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:no podCIDR',
    });
    expect(
      nextNodeStatus(registered(), { ...facts, headroom: { ...facts.headroom, memoryBytes: 1 } }, 2_000)
        ?.conditions,
    ).toContainEqual(expect.objectContaining({ type: 'MemoryPressure', status: 'True' }));
  });
  it('routes to the others and takes stale routes away', () => {
    const other = (name: string, podCIDR: string, address: string): Node => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      spec: { podCIDR },
      status: { addresses: [{ type: 'InternalIP', address }] },
    });
    const desired = desiredRoutes(
      [other('n1', '10.1.0.0/24', '1.1.1.1'), other('n2', '10.2.0.0/24', '2.2.2.2')],
      'n1',
    );
    expect(desired).toEqual([{ to: '10.2.0.0/24', via: '2.2.2.2' }]);
    expect(routeCommands(desired, desired)).toEqual([]);
    expect(
      routeCommands(
        [
          { to: '10.9.0.0/24', via: '9.9.9.9' },
          { to: '10.2.0.0/24', via: '3.3.3.3' },
        ],
        desired,
      ),
    ).toEqual([
      ['route', 'del', '10.9.0.0/24', 'proto', '182'],
      ['route', 'replace', '10.2.0.0/24', 'via', '2.2.2.2', 'proto', '182'],
    ]);
  });
});
