import { writeFileSync } from 'node:fs';
import type { ClusterConfig } from '@raftsman/config';
import { openPkiFolder, PkiError, type CertificateRequest, type KeyPair } from '@raftsman/pki';
import { UserError } from '../errors.js';
import { certFile, type StatePaths } from './paths.js';

type AuthorityName = 'api-ca' | 'etcd-ca' | 'peer-ca';

/** One certificate of the plan: its file name, who signs it, what it says. */
export interface PlannedCertificate {
  readonly name: string;
  readonly authority: AuthorityName;
  readonly request: CertificateRequest;
}

/** The first address of a range: the `kubernetes` Service's. */
function firstAddress(cidr: string): string {
  const parts = cidr.split('/')[0]!.split('.').map(Number);
  return [...parts.slice(0, 3), parts[3]! + 1].join('.');
}

/**
 * Every certificate of a cluster. `api-ca` signs the API's servers and clients, `etcd-ca` the stores and their clients (so that no node's
 * certificate opens a store), `peer-ca` the stores among themselves. `ca.crt` holds the first two: what a client checks any server against.
 */
function plannedCertificates(cluster: ClusterConfig): readonly PlannedCertificate[] {
  const client = (
    name: string,
    commonName: string,
    organizations: readonly string[] = [],
  ): PlannedCertificate => ({
    name,
    authority: 'api-ca',
    request: { commonName, organizations, usages: ['client'] },
  });
  return [
    client('admin', 'admin', ['system:masters']),
    client('apiserver-kubelet-client', 'system:kube-apiserver', ['system:masters']),
    client('scheduler', 'system:kube-scheduler'),
    client('controller-manager', 'system:kube-controller-manager'),
    client('proxy', 'system:kube-proxy'),
    { name: 'etcd-client', authority: 'etcd-ca', request: { commonName: 'root', usages: ['client'] } },
    {
      name: 'apiserver-etcd-client',
      authority: 'etcd-ca',
      request: { commonName: 'kube-apiserver', usages: ['client'] },
    },
    {
      name: 'nats',
      authority: 'api-ca',
      request: {
        commonName: 'nats',
        dnsNames: ['localhost'],
        ipAddresses: [...new Set(['127.0.0.1', cluster.nats?.address ?? '127.0.0.1'])],
        usages: ['server', 'client'],
      },
    },
    ...cluster.masters.flatMap((master) => ofMaster(master, cluster)),
    ...cluster.witnesses.flatMap(ofWitness),
    ...cluster.workers.map(ofWorker),
  ];
}

/** The names that a machine's servers are asked by, on itself and from others. */
const namesOf = ({ name, address }: { readonly name: string; readonly address: string }) => ({
  dnsNames: ['localhost', name],
  ipAddresses: [...new Set(['127.0.0.1', address])],
});

/** Towards clients. No store is one: what it asks another goes over the peer port. */
const storeOf = (machine: { readonly name: string; readonly address: string }): PlannedCertificate => ({
  name: `store-${machine.name}`,
  authority: 'etcd-ca',
  request: { commonName: machine.name, ...namesOf(machine), usages: ['server'] },
});

function ofMaster(
  master: ClusterConfig['masters'][number],
  { gateway, serviceCIDR }: ClusterConfig,
): readonly PlannedCertificate[] {
  const { name } = master;
  const here = namesOf(master);
  const usages = ['server', 'client'] as const;
  return [
    storeOf(master),
    { name: `nats-${name}`, authority: 'api-ca', request: { commonName: `nats-${name}`, ...here, usages } },
    { name: `peer-${name}`, authority: 'peer-ca', request: { commonName: name, ...here, usages } },
    {
      name: `apiserver-${name}`,
      authority: 'api-ca',
      request: {
        commonName: 'kube-apiserver',
        usages: ['server'],
        dnsNames: [
          ...here.dnsNames,
          'kubernetes',
          'kubernetes.default',
          'kubernetes.default.svc',
          'kubernetes.default.svc.cluster.local',
        ],
        ipAddresses: [...new Set([...here.ipAddresses, gateway.address, firstAddress(serviceCIDR)])],
      },
    },
  ];
}

function ofWitness(witness: ClusterConfig['witnesses'][number]): readonly PlannedCertificate[] {
  const { name } = witness;
  return [
    storeOf(witness),
    {
      name: `peer-${name}`,
      authority: 'peer-ca',
      request: { commonName: name, ...namesOf(witness), usages: ['server', 'client'] },
    },
  ];
}

const ofWorker = (worker: ClusterConfig['workers'][number]): PlannedCertificate => ({
  name: worker.name,
  authority: 'api-ca',
  request: {
    commonName: `system:node:${worker.name}`,
    organizations: ['system:nodes'],
    ...namesOf(worker),
    usages: ['server', 'client'],
  },
});

/** Makes what is missing in the cluster's pki folder. Rejects with UserError if an authority in it is damaged. */
export async function ensureCertificates(cluster: ClusterConfig, paths: StatePaths): Promise<void> {
  const folder = openPkiFolder(paths.pki);
  const authority = async (name: AuthorityName): Promise<KeyPair> => {
    try {
      return await folder.authority(name, `${cluster.name}-${name}`);
    } catch (error) {
      throw error instanceof PkiError ? new UserError(error.message) : error;
    }
  };
  const authorities = {
    'api-ca': await authority('api-ca'),
    'etcd-ca': await authority('etcd-ca'),
    'peer-ca': await authority('peer-ca'),
  };
  writeFileSync(certFile(paths, 'ca'), authorities['api-ca'].certPem + authorities['etcd-ca'].certPem);
  for (const planned of plannedCertificates(cluster)) {
    await folder.certificate(planned.name, authorities[planned.authority], planned.request);
  }
}
