import { randomUUID } from 'node:crypto';
import { createApiClient, runLeaderElected, systemClock, validateLeaderElection } from '@raftsman/client';
import { openLeaderChannel, type LeaderChannel } from '@raftsman/heartbeat';
import type { Logger } from '@raftsman/telemetry';
import type { SchedulerConfig } from './config.js';
import { createScheduler } from './scheduler.js';

/** Schedules while it holds the lease, until `signal` aborts. Rejects only for a bug or a bad config. */
export async function run(config: SchedulerConfig, logger: Logger, signal: AbortSignal): Promise<void> {
  const { leaderElect, candidate, ...lease } = config.leaderElection;
  const identity = `${candidate}_${randomUUID()}`;
  const election = { ...lease, identity };
  validateLeaderElection(election);
  const client = createApiClient({
    apiservers: config.apiservers,
    security: config.security,
    fieldManager: 'kube-scheduler',
  });
  const work = (term: AbortSignal): Promise<void> =>
    createScheduler({
      client: client.scoped(term),
      schedulerName: config.schedulerName,
      logger,
      clock: systemClock,
      random: Math.random,
    }).run(term);
  try {
    if (leaderElect) {
      const beats = leaderBeats(config, logger, signal);
      await runLeaderElected({ config: election, client, logger, work, beats }, signal);
    } else await work(signal);
  } finally {
    client.close();
  }
}

/** Undefined without NATS: then the Lease alone tells who lives. */
function leaderBeats(
  { natsServers, security, leaderElection }: SchedulerConfig,
  logger: Logger,
  signal: AbortSignal,
): LeaderChannel | undefined {
  if (natsServers.length === 0) return undefined;
  if (security === 'insecure') throw new TypeError('--nats-servers needs certificates');
  return openLeaderChannel({ lease: leaderElection.leaseName, natsServers, tls: security }, logger, signal);
}
