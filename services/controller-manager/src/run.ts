import { randomUUID } from 'node:crypto';
import {
  createApiClient,
  createEventRecorder,
  runLeaderElected,
  systemClock,
  validateLeaderElection,
  type ApiClient,
} from '@raftsman/client';
import {
  createFailureDetector,
  openLeaderChannel,
  receiveBeats,
  type LeaderChannel,
} from '@raftsman/heartbeat';
import type { Logger } from '@raftsman/telemetry';
import type { ControllerManagerConfig } from './config.js';
import { createControllers, type Listen } from './controllers.js';
import { createInformers } from './informers.js';
import { controllerLimits } from './limits.js';

/** Runs the controllers while it holds the lease, until `signal` aborts. Rejects only for a bug or a bad config. */
export async function run(
  config: ControllerManagerConfig,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { leaderElect, candidate, ...lease } = config.leaderElection;
  const election = { ...lease, identity: `${candidate}_${randomUUID()}` };
  validateLeaderElection(election);
  const client = createApiClient({
    apiservers: config.apiservers,
    security: config.security,
    fieldManager: 'kube-controller-manager',
  });
  const work = (term: AbortSignal): Promise<void> =>
    runControllers(client.scoped(term), config, nodeBeats(config, logger), logger, term);
  try {
    if (leaderElect) {
      const beats = leaderBeats(config, logger, signal);
      await runLeaderElected({ config: election, client, logger, work, beats }, signal);
    } else await work(signal);
  } finally {
    client.close();
  }
}

/** One term: caches and controllers begin with it and end with it. */
export async function runControllers(
  client: ApiClient,
  config: ControllerManagerConfig,
  listen: Listen,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const informers = createInformers(client, logger, systemClock);
  const recorder = createEventRecorder({ client, component: 'controller-manager', logger });
  const context = {
    client,
    informers,
    recorder,
    logger,
    clock: systemClock,
    random: Math.random,
  };
  const controllers = createControllers(context, config, listen);
  await Promise.all([
    ...controllers.map((controller) => controller.run(signal)),
    ...informers.all.map(({ informer }) => informer.run(signal)),
    recorder.run(signal),
  ]);
}

/** The failure detector on the beats of NATS and of every apiserver. */
function nodeBeats(config: ControllerManagerConfig, logger: Logger): Listen {
  return (signal) => {
    const detector = createFailureDetector({
      gracePeriodMs: config.nodeMonitorGracePeriodMs,
      stallMs: controllerLimits.stallMs,
    });
    if (config.security === 'insecure') {
      throw new TypeError(
        'beats need certificates: the controller-manager has no insecure mode with node-lifecycle',
      );
    }
    const receiver = receiveBeats(
      {
        natsServers: config.natsServers,
        apiservers: config.apiservers,
        tls: config.security,
        name: 'kube-controller-manager',
        onBeat: (beat, channel) => detector.observe(beat, channel, systemClock.monotonicMs()),
      },
      logger,
      signal,
    );
    return { detector, natsLink: () => receiver.natsLink() };
  };
}

/** Undefined without NATS: then the Lease alone tells who lives. */
function leaderBeats(
  { natsServers, security, leaderElection }: ControllerManagerConfig,
  logger: Logger,
  signal: AbortSignal,
): LeaderChannel | undefined {
  if (natsServers.length === 0) return undefined;
  if (security === 'insecure') throw new TypeError('--nats-servers needs certificates');
  return openLeaderChannel({ lease: leaderElection.leaseName, natsServers, tls: security }, logger, signal);
}
