import { leaderElectionFlags, apiClientConfig, type LeaderElectionFlags } from '@raftsman/config';
import type { LogLevel } from '@raftsman/telemetry';
import type { ClientSecurity } from '@raftsman/wire';

export interface SchedulerConfig {
  /** gRPC addresses of all apiservers, host:port. */
  readonly apiservers: readonly string[];
  readonly security: ClientSecurity;
  readonly leaderElection: LeaderElectionFlags;
  /** host:port or URL of each NATS server; none: the leader shows that it lives by renewing its Lease alone. */
  readonly natsServers: readonly string[];
  /** Only pods whose spec.schedulerName is this are scheduled; also the component of its Events. */
  readonly schedulerName: string;
  readonly logLevel: LogLevel;
}

type Options = Parameters<typeof apiClientConfig>[0] &
  Parameters<typeof leaderElectionFlags>[0] & {
    readonly natsServers: readonly string[];
    readonly schedulerName: string;
    readonly logLevel: LogLevel;
  };

/** From what commander parsed; the flags' own parsers have refused what is malformed. */
export function parseConfig(options: Options): SchedulerConfig {
  const { apiservers, certFile, keyFile, caFile } = apiClientConfig(options);
  return {
    apiservers,
    security: { certFile, keyFile, caFile },
    leaderElection: leaderElectionFlags(options),
    natsServers: options.natsServers,
    schedulerName: options.schedulerName,
    logLevel: options.logLevel,
  };
}
