import type { ClientWritableStream, ServiceError } from '@grpc/grpc-js';
import {
  apiserverName,
  balancedTarget,
  channelOptions,
  clientCredentials,
  type TlsFiles,
} from '@raftsman/wire';
import type { Logger } from '@raftsman/telemetry';
import type { HeartbeatsClient } from '@raftsman/proto/gen/raftsman/v1/Heartbeats.js';
import type { Beat as BeatMessage } from '@raftsman/proto/gen/raftsman/v1/Beat.js';
import { beatSubject, encodeBeat, heartbeatsService, type Beat, type Load } from './beat.js';
import { heartbeatLimits } from './limits.js';
import { openNatsLink } from './nats-link.js';

export interface BeatSenderConfig {
  readonly node: string;
  /** Changes with every start of the agent: the sequence begins anew with it. */
  readonly bootId: string;
  readonly intervalMs: number;
  readonly natsServers: readonly string[];
  /** gRPC addresses of the apiservers, for when NATS is out of reach. */
  readonly apiservers: readonly string[];
  readonly tls: TlsFiles;
  readonly load: () => Load;
}

/** Beats every `intervalMs` until `signal` aborts: over NATS, and over gRPC too while NATS does not answer. */
export function startBeatSender(config: BeatSenderConfig, logger: Logger, signal: AbortSignal): void {
  const nats = openNatsLink(
    { servers: config.natsServers, tls: config.tls, name: config.node },
    logger,
    signal,
  );
  const fallback = createFallback(config, logger);
  const subject = beatSubject(config.node);
  let sequence = 0;
  let unconfirmed = 0;
  const beat = (): void => {
    sequence += 1;
    const message: Beat = {
      node: config.node,
      bootId: config.bootId,
      sequence,
      intervalMs: config.intervalMs,
      load: config.load(),
    };
    const published = nats.publish(subject, encodeBeat(message));
    const confirmed = published && nats.healthy(heartbeatLimits.unconfirmedIntervalsMax * config.intervalMs);
    unconfirmed = confirmed ? 0 : unconfirmed + 1;
    if (confirmed) fallback.rest();
    else if (unconfirmed >= heartbeatLimits.unconfirmedIntervalsMax) fallback.send(message);
  };
  const timer = setInterval(beat, config.intervalMs);
  beat();
  signal.addEventListener(
    'abort',
    () => {
      clearInterval(timer);
      fallback.close();
      void nats.close();
    },
    { once: true },
  );
}

interface Fallback {
  send(beat: Beat): void;
  /** NATS is back. */
  rest(): void;
  close(): void;
}

/** One client stream to whichever apiserver answers; a broken one is replaced at the next beat. */
function createFallback(config: BeatSenderConfig, logger: Logger): Fallback {
  let client: HeartbeatsClient | null = null;
  let stream: ClientWritableStream<BeatMessage> | null = null;
  let inUse = false;

  const open = (): ClientWritableStream<BeatMessage> => {
    client ??= new heartbeatsService(
      balancedTarget(config.apiservers),
      clientCredentials(config.tls),
      channelOptions({ serverName: apiserverName }),
    ) as unknown as HeartbeatsClient;
    const opened = client.Send((error: ServiceError | null) => {
      if (stream === opened) stream = null;
      if (error) logger.debug({ err: error }, 'beats over gRPC broke off');
    });
    opened.on('error', () => undefined); // The callback above has the error too.
    return opened;
  };

  const rest = (): void => {
    if (inUse) logger.info('beats go over NATS again');
    inUse = false;
    stream?.end();
    stream = null;
  };
  return {
    send: (beat) => {
      if (config.apiservers.length === 0) return;
      if (!inUse) logger.warn('NATS does not answer: beats go over gRPC');
      inUse = true;
      stream ??= open();
      // A stream that does not drain is stuck: beats must not pile up behind it.
      if (stream.writableNeedDrain) {
        stream.cancel();
        stream = open();
      }
      stream.write(beat);
    },
    rest,
    close: () => {
      rest();
      client?.close();
    },
  };
}
