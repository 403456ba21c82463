import { join } from 'node:path';
import { type ClusterConfig, type MasterConfig } from '@raftsman/config';
import { UserError } from '../errors.js';
import { findProgram, type ProcessSpec } from '../process/spawn.js';
import { apiserverFlags, gatewayFlags, storeFlags, type InitialClusterState } from './flags.js';
import type { StatePaths } from './paths.js';

/** Where a cluster is described and what it leaves on disk; absolute paths, repeated on every process' command line. */
export interface ClusterAt {
  readonly cluster: ClusterConfig;
  readonly configFile: string;
  readonly paths: StatePaths;
}

/** A member that is started by itself: a whole machine, or something that stands alone. */
export interface Member extends ProcessSpec {
  /** Which machine of the rack it runs on. */
  readonly machine: string;
  /** TCP ports that it will take. */
  readonly listens: readonly { readonly address: string; readonly port: number }[];
}

const where = (at: ClusterAt): readonly string[] => [
  `--config=${at.configFile}`,
  `--state-dir=${at.paths.root}`,
];

/** Everything that `raftsman up` starts, in order. `rebuilt`: the master whose store starts without its disk. */
export function clusterMembers(at: ClusterAt, rebuilt: string | null = null): readonly Member[] {
  const { cluster, paths } = at;
  const masters = cluster.masters.map((m): Member => ({
    member: m.name,
    machine: m.name,
    program: 'raftsman',
    words: [
      'master',
      ...where(at),
      `--name=${m.name}`,
      ...(m.name === rebuilt ? ['--initial-cluster-state=existing'] : []),
    ],
    listens: [
      m.storeClientPort,
      m.storePeerPort,
      m.apiserverPort,
      m.apiserverGrpcPort,
      ...(cluster.nats === null ? [m.natsPort, m.natsRoutePort] : []),
    ].map((port) => ({ address: m.address, port })),
  }));
  const witnesses = cluster.witnesses.map((w): Member => ({
    member: w.name,
    machine: w.name,
    program: 'raftsman',
    words: ['store', ...storeFlags(cluster, w, paths, 'new')],
    listens: [w.storeClientPort, w.storePeerPort].map((port) => ({ address: w.address, port })),
  }));
  const workers = cluster.workers.map((w): Member => ({
    member: w.name,
    machine: w.name,
    program: 'raftsman',
    words: ['worker', ...where(at), `--name=${w.name}`],
    listens: [{ address: w.address, port: w.agentPort }],
  }));
  const gateway: Member = {
    member: 'gateway',
    machine: 'gateway',
    program: 'raftsman',
    words: ['gateway', ...gatewayFlags(cluster, paths)],
    listens: [cluster.gateway.httpsPort, cluster.gateway.grpcPort].map((port) => ({
      address: cluster.gateway.address,
      port,
    })),
  };
  const nats: readonly Member[] =
    cluster.nats === null
      ? []
      : [
          {
            ...natsProcess(paths, 'nats'),
            machine: 'nats',
            listens: [{ address: cluster.nats.address, port: cluster.nats.port }],
          },
        ];
  return [...nats, ...masters, ...witnesses, gateway, ...workers];
}

/** What `raftsman master` supervises, in the order of starting. */
export function masterProcesses(
  at: ClusterAt,
  master: MasterConfig,
  state: InitialClusterState,
): readonly ProcessSpec[] {
  const { cluster, paths } = at;
  const n = suffix(master.name);
  return [
    ...(cluster.nats === null ? [natsProcess(paths, `nats-${n}`, master.name)] : []),
    {
      member: `store-${n}`,
      program: 'raftsman',
      words: ['store', ...storeFlags(cluster, master, paths, state)],
    },
    {
      member: `apiserver-${n}`,
      program: 'raftsman',
      words: ['apiserver', ...apiserverFlags(cluster, master, paths)],
    },
    {
      member: `controllers-${n}`,
      program: 'raftsman',
      words: ['controllers', ...where(at), `--name=${master.name}`],
    },
  ];
}

/** "1" of "master-1", so that its store is "store-1". */
const suffix = (name: string): string => /^master-(.+)$/.exec(name)?.[1] ?? name;

export const natsConfFile = (paths: StatePaths, owner: string): string =>
  join(paths.conf, `nats-${owner}.conf`);

function natsProcess(paths: StatePaths, member: string, owner = 'cluster'): ProcessSpec {
  const path = findProgram('nats-server');
  if (path === null) throw new UserError('nats-server is missing; install it: apt-get install nats-server');
  return { member, program: { path }, words: ['-c', natsConfFile(paths, owner)] };
}
