export { commaList, durationMs, hostPort, port, wholeNumber } from './flags.js';
export { addApiClientFlags, apiClientConfig, type ApiClientConfig } from './api-client-flags.js';
export { runService } from './run-service.js';
export {
  ConfigError,
  loadClusterConfig,
  parseClusterConfig,
  type ClusterConfig,
  type MasterConfig,
  type StoreMachineConfig,
  type WorkerConfig,
} from './cluster.js';
export {
  addLeaderElectionFlags,
  leaderElectionFlags,
  type LeaderElectionFlags,
} from './leader-election-flags.js';
