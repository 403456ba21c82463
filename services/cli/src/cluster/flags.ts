import { join } from 'node:path';
import type { ClusterConfig, MasterConfig, StoreMachineConfig, WorkerConfig } from '@raftsman/config';
import { containerdPaths } from '@raftsman/rack';
import { certFile, keyFile, type StatePaths } from './paths.js';

/** The command line of every service of a cluster. Pure: configuration in, words out. */

const hosts = (list: readonly { readonly host: string; readonly port: number }[]): string =>
  list.map(({ host, port }) => `${host}:${port}`).join(',');

const natsServers = (cluster: ClusterConfig): string =>
  cluster.nats === null
    ? hosts(cluster.masters.map((m) => ({ host: m.address, port: m.natsPort })))
    : hosts([{ host: cluster.nats.address, port: cluster.nats.port }]);

const apiClient = (cluster: ClusterConfig, paths: StatePaths, identity: string): readonly string[] => [
  `--apiservers=${hosts(cluster.masters.map((m) => ({ host: m.address, port: m.apiserverGrpcPort })))}`,
  `--client-certificate=${certFile(paths, identity)}`,
  `--client-key=${keyFile(paths, identity)}`,
  `--certificate-authority=${certFile(paths, 'ca')}`,
];

const storeClientUrl = (m: StoreMachineConfig): string => `https://${m.address}:${m.storeClientPort}`;
const storePeerUrl = (m: StoreMachineConfig): string => `https://${m.address}:${m.storePeerPort}`;

/** `existing`: the master lost its disk and is to be rebuilt from the others. */
export type InitialClusterState = 'new' | 'existing';

export function storeFlags(
  cluster: ClusterConfig,
  master: StoreMachineConfig,
  paths: StatePaths,
  state: InitialClusterState,
): readonly string[] {
  return [
    `--name=${master.name}`,
    `--data-dir=${join(paths.data, master.name, 'store')}`,
    `--listen-client-urls=${storeClientUrl(master)}`,
    `--advertise-client-urls=${storeClientUrl(master)}`,
    `--listen-peer-urls=${storePeerUrl(master)}`,
    `--initial-advertise-peer-urls=${storePeerUrl(master)}`,
    `--initial-cluster=${[...cluster.masters, ...cluster.witnesses].map((m) => `${m.name}=${storePeerUrl(m)}`).join(',')}`,
    ...(cluster.witnesses.length === 0
      ? []
      : [`--initial-cluster-witnesses=${cluster.witnesses.map(({ name }) => name).join(',')}`]),
    `--initial-cluster-state=${state}`,
    `--initial-cluster-token=${cluster.name}`,
    `--cert-file=${certFile(paths, `store-${master.name}`)}`,
    `--key-file=${keyFile(paths, `store-${master.name}`)}`,
    `--trusted-ca-file=${certFile(paths, 'etcd-ca')}`,
    '--client-cert-auth',
    `--peer-cert-file=${certFile(paths, `peer-${master.name}`)}`,
    `--peer-key-file=${keyFile(paths, `peer-${master.name}`)}`,
    `--peer-trusted-ca-file=${certFile(paths, 'peer-ca')}`,
    '--peer-client-cert-auth',
  ];
}

export function apiserverFlags(
  cluster: ClusterConfig,
  master: MasterConfig,
  paths: StatePaths,
): readonly string[] {
  return [
    `--etcd-servers=${cluster.masters.map(storeClientUrl).join(',')}`,
    `--etcd-cafile=${certFile(paths, 'ca')}`,
    `--etcd-certfile=${certFile(paths, 'apiserver-etcd-client')}`,
    `--etcd-keyfile=${keyFile(paths, 'apiserver-etcd-client')}`,
    `--bind-address=${master.address}`,
    `--advertise-address=${master.address}`,
    `--secure-port=${master.apiserverPort}`,
    `--grpc-port=${master.apiserverGrpcPort}`,
    `--tls-cert-file=${certFile(paths, `apiserver-${master.name}`)}`,
    `--tls-private-key-file=${keyFile(paths, `apiserver-${master.name}`)}`,
    `--client-ca-file=${certFile(paths, 'api-ca')}`,
    `--service-cluster-ip-range=${cluster.serviceCIDR}`,
    `--kubelet-client-certificate=${certFile(paths, 'apiserver-kubelet-client')}`,
    `--kubelet-client-key=${keyFile(paths, 'apiserver-kubelet-client')}`,
    `--kubelet-certificate-authority=${certFile(paths, 'ca')}`,
    `--masters=${cluster.masters.map((m) => `${m.name}=https://${m.address}:${m.apiserverPort}`).join(',')}`,
    // Longer than the gateway's health interval, so that it sends nobody here any more when the server stops.
    '--shutdown-delay-duration=2s',
  ];
}

export function schedulerFlags(
  cluster: ClusterConfig,
  master: MasterConfig,
  paths: StatePaths,
): readonly string[] {
  return [
    ...apiClient(cluster, paths, 'scheduler'),
    `--leader-elect-candidate=${master.name}`,
    `--nats-servers=${natsServers(cluster)}`,
  ];
}

export function controllerManagerFlags(
  cluster: ClusterConfig,
  master: MasterConfig,
  paths: StatePaths,
): readonly string[] {
  return [
    ...apiClient(cluster, paths, 'controller-manager'),
    `--leader-elect-candidate=${master.name}`,
    `--nats-servers=${natsServers(cluster)}`,
    `--cluster-cidr=${cluster.podCIDR}`,
    `--node-monitor-grace-period=${cluster.nodeMonitorGracePeriod}`,
    `--root-ca-file=${certFile(paths, 'api-ca')}`,
  ];
}

export function agentFlags(
  cluster: ClusterConfig,
  worker: WorkerConfig,
  paths: StatePaths,
): readonly string[] {
  const root = join(paths.data, worker.name);
  const labels = Object.entries(worker.labels).map(([key, value]) => `${key}=${value}`);
  return [
    ...apiClient(cluster, paths, worker.name),
    `--node-name=${worker.name}`,
    `--node-ip=${worker.address}`,
    `--port=${worker.agentPort}`,
    `--root-dir=${join(root, 'agent')}`,
    `--container-runtime-endpoint=${runtimeEndpoint(cluster, worker, root)}`,
    `--heartbeat-interval=${cluster.heartbeatInterval}`,
    `--nats-servers=${natsServers(cluster)}`,
    `--tls-cert-file=${certFile(paths, worker.name)}`,
    `--tls-private-key-file=${keyFile(paths, worker.name)}`,
    `--client-ca-file=${certFile(paths, 'api-ca')}`,
    ...(labels.length === 0 ? [] : [`--node-labels=${labels.join(',')}`]),
    ...(cluster.kind === 'rack'
      ? [
          `--cni-conf-dir=${containerdPaths(root, cluster.name, worker.name).cniConfDir}`,
          '--node-routes=true',
        ]
      : []),
  ];
}

/** A rack's machines have a containerd each; a real machine has Debian's. */
function runtimeEndpoint(cluster: ClusterConfig, worker: WorkerConfig, root: string): string {
  if (cluster.runtime === 'process') return 'process';
  const rack = cluster.kind === 'rack';
  return `unix://${rack ? containerdPaths(root, cluster.name, worker.name).socket : '/run/containerd/containerd.sock'}`;
}

export function proxyFlags(
  cluster: ClusterConfig,
  worker: WorkerConfig,
  paths: StatePaths,
): readonly string[] {
  return [
    ...apiClient(cluster, paths, 'proxy'),
    `--hostname-override=${worker.name}`,
    `--proxy-mode=${cluster.runtime === 'process' ? 'userspace' : 'nftables'}`,
    `--cluster-cidr=${cluster.podCIDR}`,
  ];
}

export function gatewayFlags(cluster: ClusterConfig, paths: StatePaths): readonly string[] {
  const { address, httpsPort, grpcPort } = cluster.gateway;
  return [
    `--https-listen=${address}:${httpsPort}`,
    `--grpc-listen=${address}:${grpcPort}`,
    `--https-backends=${hosts(cluster.masters.map((m) => ({ host: m.address, port: m.apiserverPort })))}`,
    `--grpc-backends=${hosts(cluster.masters.map((m) => ({ host: m.address, port: m.apiserverGrpcPort })))}`,
    `--certificate-authority=${certFile(paths, 'ca')}`,
  ];
}
