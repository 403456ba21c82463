import { channelOptions, clientCredentials, type TlsFiles } from '@raftsman/wire';
import type { Logger } from '@raftsman/telemetry';
import type { HeartbeatsClient } from '@raftsman/proto/gen/raftsman/v1/Heartbeats.js';
import type { Beat__Output } from '@raftsman/proto/gen/raftsman/v1/Beat.js';
import { anyBeatSubject, beatFromMessage, decodeBeat, heartbeatsService, type Beat } from './beat.js';
import type { Channel } from './failure-detector.js';
import { heartbeatLimits } from './limits.js';
import { openNatsLink, pause } from './nats-link.js';

export interface BeatReceiverConfig {
  readonly natsServers: readonly string[];
  /** gRPC addresses of all apiservers: each one is watched, since an agent picks any of them. */
  readonly apiservers: readonly string[];
  readonly tls: TlsFiles;
  readonly name: string;
  readonly onBeat: (beat: Beat, channel: Channel) => void;
}

export interface BeatReceiver {
  /** For the failure detector: `up` only while a NATS server confirms our pings. Without NATS in the cluster: always `up`. */
  natsLink(): 'up' | 'down';
}

/** Hears every node's beats on both channels until `signal` aborts. */
export function receiveBeats(config: BeatReceiverConfig, logger: Logger, signal: AbortSignal): BeatReceiver {
  const nats = openNatsLink(
    { servers: config.natsServers, tls: config.tls, name: config.name },
    logger,
    signal,
    {
      subject: anyBeatSubject,
      handle: (payload) => {
        const beat = decodeBeat(payload);
        if (beat !== null) config.onBeat(beat, 'nats');
      },
    },
  );
  signal.addEventListener('abort', () => void nats.close(), { once: true });
  for (const apiserver of config.apiservers) void watchApiserver(apiserver, config, logger, signal);
  return {
    natsLink: () =>
      config.natsServers.length === 0 || nats.healthy(heartbeatLimits.natsUnconfirmedMaxMs) ? 'up' : 'down',
  };
}

async function watchApiserver(
  address: string,
  config: BeatReceiverConfig,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const client = new heartbeatsService(
    address,
    clientCredentials(config.tls),
    channelOptions(),
  ) as unknown as HeartbeatsClient;
  while (!signal.aborted) {
    await new Promise<void>((resolve) => {
      const stream = client.Watch({});
      const stop = (): void => stream.cancel();
      signal.addEventListener('abort', stop, { once: true });
      stream.on('data', (message: Beat__Output) => {
        const beat = beatFromMessage(message);
        if (beat !== null) config.onBeat(beat, 'grpc');
      });
      stream.on('error', (error) =>
        logger.debug({ err: error, apiserver: address }, 'watch of beats broke off'),
      );
      stream.on('close', () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
    });
    await pause(heartbeatLimits.reconnectWaitMs, signal);
  }
  client.close();
}
