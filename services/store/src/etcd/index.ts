import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { InProcessServices, serviceDefinition, type GrpcService } from '@raftsman/wire';
import { createAuth } from './auth.js';
import { AutoCompactor } from './auto-compactor.js';
import { createCluster } from './cluster.js';
import type { Concurrency } from './concurrency.js';
import { boundsTxn } from './bounded-txn.js';
import type { Context } from './context.js';
import { CorruptionKeeper } from './corruption.js';
import { takesEncoded } from './encoded.js';
import { createElection } from './election.js';
import { guarded, guards } from './guards.js';
import { createKv } from './kv.js';
import { LeaderCalls } from './leader-calls.js';
import { Leadership } from './leadership.js';
import { createLease } from './lease.js';
import { LeaseKeeper } from './lease-keeper.js';
import { etcdLimits } from './limits.js';
import { createLock } from './lock.js';
import { createMaintenance } from './maintenance.js';
import { Passwords } from './passwords.js';
import { RangeStreams } from './range-stream.js';
import { SpaceKeeper } from './space.js';
import { asStanding } from './standing.js';
import { Waiters } from './waiters.js';
import { WatchPump } from './watch-pump.js';
import { createWatch } from './watch.js';

export type { AutoCompaction } from './compaction-schedule.js';
export { defaultEtcdFaceConfig, type EtcdFaceConfig } from './config.js';
export { etcdVersion } from './maintenance.js';
export { createStateMachine, type EtcdStateMachine } from './state-machine.js';

export interface EtcdFace {
  /** KV, Watch, Lease, Cluster, Maintenance, Auth, Lock, Election: for createGrpcServer. */
  readonly services: readonly GrpcService[];
  /** Ends timers and watches, and answers no calls that other members pass on. Before the replica stops. */
  close(): void;
}

/** The etcd v3 API over a running replica, which feeds the same state machine. One face for each state machine. */
export function createEtcdServices(context: Context): EtcdFace {
  const { stateMachine, replica, config } = context;
  const pump = new WatchPump(stateMachine);
  const leadership = new Leadership(
    replica,
    etcdLimits.leaderLossElectionTimeouts * config.electionTimeoutMs,
  );
  const keeper = new LeaseKeeper(context);
  const space = new SpaceKeeper(context, pump);
  const corruption = new CorruptionKeeper(context, pump);
  const compactor = config.autoCompaction && new AutoCompactor(context, config.autoCompaction);
  const leader = new LeaderCalls(context, leadership);
  const kv = service('KV', createKv(context, space, new RangeStreams(context, leadership)));
  const watch = createWatch(context, pump, leadership);
  const services = [
    { ...kv, definition: boundsTxn(takesEncoded(kv.definition, 'Range', 'RangeStream')) },
    service('Watch', watch.handlers),
    service('Lease', createLease(context, { keeper, leader, space })),
    service('Cluster', guarded(context, guards.Cluster, createCluster(context, leader))),
    service('Maintenance', guarded(context, guards.Maintenance, createMaintenance(context))),
    service('Auth', createAuth(context, new Passwords())),
  ];
  const answered = services.map((each) => asStanding(context, each));
  const waiters = new Waiters();
  const concurrency: Concurrency = { context, services: new InProcessServices(answered), pump, waiters };
  const ofTheirOwn = [
    service('v3lockpb.Lock', createLock(concurrency), 'etcd/lock.proto'),
    service('v3electionpb.Election', createElection(concurrency), 'etcd/election.proto'),
  ];
  return {
    services: [...answered, ...ofTheirOwn.map((each) => asStanding(context, each))],
    close: () => {
      waiters.close();
      watch.close();
      keeper.close();
      space.close();
      corruption.close();
      compactor?.close();
      leader.close();
      leadership.close();
      pump.close();
    },
  };
}

function service(
  name: string,
  implementation: UntypedServiceImplementation,
  protoFile = 'etcd/rpc.proto',
): GrpcService {
  const fullName = name.includes('.') ? name : `etcdserverpb.${name}`;
  return { protoFile, definition: serviceDefinition(protoFile, fullName), implementation };
}
