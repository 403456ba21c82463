import type { TlsFiles } from '@raftsman/wire';
import type { Logger } from '@raftsman/telemetry';
import { decodeBeat, encodeBeat } from './beat.js';
import { heartbeatLimits } from './limits.js';
import { openNatsLink } from './nats-link.js';

/** Who holds a Lease says so on a subject of its own; candidates listen. Every one of them is sender and receiver on one connection. */
export interface LeaderChannel {
  /** Dropped while NATS is out of reach. */
  send(beat: LeaderBeat): void;
  /** Whether a NATS server confirms our pings. */
  healthy(): boolean;
  /** Calls back for every beat on the subject, our own too; answers what ends it. */
  onBeat(handler: (beat: LeaderBeat) => void): () => void;
}

export interface LeaderBeat {
  /** The Lease's holderIdentity. */
  readonly holder: string;
  /** Grows with every beat of that holder. */
  readonly sequence: number;
}

export interface LeaderChannelConfig {
  /** The Lease's name; its namespace is not part of the subject. */
  readonly lease: string;
  readonly natsServers: readonly string[];
  readonly tls: TlsFiles;
}

export const leaderSubject = (lease: string): string => `raftsman.leader.${lease.replaceAll('.', '_')}`;

/** Stays connected until `signal` aborts. A beat travels as raftsman.v1.Beat: `node` is the Lease, `boot_id` its holder. */
export function openLeaderChannel(
  config: LeaderChannelConfig,
  logger: Logger,
  signal: AbortSignal,
): LeaderChannel {
  const subject = leaderSubject(config.lease);
  const handlers = new Set<(beat: LeaderBeat) => void>();
  const nats = openNatsLink(
    { servers: config.natsServers, tls: config.tls, name: config.lease },
    logger,
    signal,
    {
      subject,
      handle: (payload) => {
        const beat = decodeBeat(payload);
        if (beat === null || beat.node !== config.lease) return;
        for (const handler of handlers) handler({ holder: beat.bootId, sequence: beat.sequence });
      },
    },
  );
  signal.addEventListener('abort', () => void nats.close(), { once: true });
  return {
    send: ({ holder, sequence }) => {
      const load = { cpuLoad: 0, memoryAvailableBytes: 0, pods: 0 };
      nats.publish(
        subject,
        encodeBeat({ node: config.lease, bootId: holder, sequence, intervalMs: 0, load }),
      );
    },
    healthy: () => nats.healthy(heartbeatLimits.natsUnconfirmedMaxMs),
    onBeat: (handler) => {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
  };
}
