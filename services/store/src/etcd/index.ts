import type { Logger } from '@raftsman/telemetry';
import type { GrpcService } from '@raftsman/wire';
import type { Replica, StateMachine } from '../contract.js';
import type { EtcdFaceConfig } from './config.js';

export { defaultEtcdFaceConfig, type EtcdFaceConfig } from './config.js';

/** MVCC as a state machine: made before the replica, which feeds it, and read by the services. */
export interface EtcdStateMachine extends StateMachine {
  /** The store's revision; 1 when nothing was ever written. */
  revision(): number;
}

export declare function createStateMachine(): EtcdStateMachine;

export interface EtcdFace {
  /** KV, Watch, Lease, Cluster, Maintenance, Auth: for createGrpcServer. */
  readonly services: readonly GrpcService[];
  /** Ends timers, watches and the connection to the leader. Before the replica stops. */
  close(): void;
}

export declare function createEtcdServices(options: {
  readonly stateMachine: EtcdStateMachine;
  readonly replica: Replica;
  readonly config: EtcdFaceConfig;
  readonly logger: Logger;
}): EtcdFace;
