import { request } from 'node:https';
import { findResource, type KubeObject, type Lease } from '@raftsman/api';
import type { MasterAddress } from '../config.js';
import { limits } from '../limits.js';
import { objectKey } from '../storage/keys.js';
import { memberStatus, type EtcdMember } from '../storage/etcd-member.js';
import type { Storage } from '../storage/storage.js';

export interface Components {
  readonly members: readonly EtcdMember[];
  readonly masters: readonly MasterAddress[];
  /** The authority of the masters' certificates (PEM). */
  readonly ca: Buffer;
  readonly storage: Storage;
  readonly keyPrefix: string;
  readonly now: () => number;
}

interface Health {
  readonly healthy: boolean;
  readonly message: string;
}

/** The rows of `kubectl get componentstatuses`, probed now. */
export async function probeComponents(components: Components): Promise<readonly KubeObject[]> {
  const { members, masters } = components;
  const probes: readonly (readonly [string, Promise<Health>])[] = [
    ...['scheduler', 'controller-manager'].map(
      (name) => [name, leaderHealth(components, `kube-${name}`)] as const,
    ),
    ...members.map((member, at) => [`etcd-${at}`, memberHealth(member)] as const),
    ...masters.map((master) => [master.name, masterHealth(master, components.ca)] as const),
  ];
  return Promise.all(probes.map(async ([name, health]) => componentStatus(name, await health)));
}

function componentStatus(name: string, { healthy, message }: Health): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ComponentStatus',
    metadata: { name },
    conditions: [
      {
        type: 'Healthy',
        status: healthy ? 'True' : 'False',
        message,
        ...(healthy ? {} : { error: message }),
      },
    ],
  };
}

const unhealthy = (error: unknown): Health => ({
  healthy: false,
  message: error instanceof Error ? error.message : String(error),
});

async function memberHealth(member: EtcdMember): Promise<Health> {
  try {
    const { leader } = await memberStatus(member, limits.probeTimeoutMs);
    return leader === '0'
      ? { healthy: false, message: 'the member knows no leader' }
      : { healthy: true, message: 'ok' };
  } catch (error) {
    return unhealthy(error);
  }
}

/** Whether the one that leads renewed its Lease in time. */
async function leaderHealth({ storage, keyPrefix, now }: Components, name: string): Promise<Health> {
  try {
    const leases = findResource('coordination.k8s.io', 'v1', 'leases')!;
    const stored = await storage.get(objectKey(keyPrefix, leases, 'kube-system', name));
    if (stored === null) return { healthy: false, message: 'nobody leads yet' };
    const { spec } = stored.object as unknown as Lease;
    const ageMs = now() - Date.parse(spec.renewTime ?? '');
    const aliveMs = (spec.leaseDurationSeconds ?? 15) * 1_000;
    if ((spec.holderIdentity ?? '') !== '' && ageMs <= aliveMs) return { healthy: true, message: 'ok' };
    return { healthy: false, message: `nobody leads; ${spec.holderIdentity ?? 'nobody'} did last` };
  } catch (error) {
    return unhealthy(error);
  }
}

function masterHealth({ url }: MasterAddress, ca: Buffer): Promise<Health> {
  return new Promise((resolve) => {
    const probe = request(`${url}/readyz`, { ca, agent: false, timeout: limits.probeTimeoutMs }, (answer) => {
      answer.resume();
      resolve(
        answer.statusCode === 200
          ? { healthy: true, message: 'ok' }
          : { healthy: false, message: `/readyz answered ${answer.statusCode ?? 0}` },
      );
    });
    probe.once('timeout', () => probe.destroy(new Error('timeout')));
    probe.once('error', (error) => resolve(unhealthy(error)));
    probe.end();
  });
}
