import type { ClusterConfig } from '@raftsman/config';

/** One machine of a cluster, and what it must be given: no key that is not its own. */
export interface MachineFiles {
  readonly machine: string;
  readonly role: 'master' | 'witness' | 'worker' | 'gateway';
  /** Authorities' certificates, without their keys. */
  readonly authorities: readonly string[];
  /** Certificates with their keys. */
  readonly identities: readonly string[];
  readonly natsServer: boolean;
}

/** What each machine of a cluster needs of its pki folder. Pure. */
export function machineFiles(cluster: ClusterConfig): readonly MachineFiles[] {
  const masters = cluster.masters.map(({ name }): MachineFiles => ({
    machine: name,
    role: 'master',
    authorities: ['ca', 'api-ca', 'etcd-ca', 'peer-ca'],
    identities: [
      `store-${name}`,
      `peer-${name}`,
      `apiserver-${name}`,
      `nats-${name}`,
      'apiserver-etcd-client',
      'apiserver-kubelet-client',
      'scheduler',
      'controller-manager',
    ],
    natsServer: true,
  }));
  const witnesses = cluster.witnesses.map(({ name }): MachineFiles => ({
    machine: name,
    role: 'witness',
    authorities: ['ca', 'etcd-ca', 'peer-ca'],
    identities: [`store-${name}`, `peer-${name}`],
    natsServer: false,
  }));
  const workers = cluster.workers.map(({ name }): MachineFiles => ({
    machine: name,
    role: 'worker',
    authorities: ['ca', 'api-ca'],
    identities: [name, 'proxy'],
    natsServer: false,
  }));
  return [
    ...masters,
    ...witnesses,
    ...workers,
    { machine: 'gateway', role: 'gateway', authorities: ['ca'], identities: [], natsServer: false },
  ];
}
