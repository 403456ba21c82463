import { connect, type NatsConnection } from 'nats';
import type { TlsFiles } from '@raftsman/wire';
import type { Logger } from '@raftsman/telemetry';
import { heartbeatLimits } from './limits.js';

export interface NatsConfig {
  /** host:port of every server; empty: no NATS in this cluster. */
  readonly servers: readonly string[];
  readonly tls: TlsFiles;
  /** Shown in the server's logs. */
  readonly name: string;
}

/**
 * One connection to whichever server answers, kept up for as long as the process lives. The only file that knows the NATS client.
 * Nothing is buffered while the link is down: a late beat is worse than none.
 */
export interface NatsLink {
  /** Whether the server has confirmed everything up to `maxAgeMs` ago. */
  healthy(maxAgeMs: number): boolean;
  /** false: the link is down and the payload was dropped. */
  publish(subject: string, payload: Uint8Array): boolean;
  close(): Promise<void>;
}

interface LinkState {
  connection: NatsConnection | null;
  connected: boolean;
  /** When the oldest flush that is still unanswered began; null: none is. */
  flushingSinceMs: number | null;
}

export function openNatsLink(
  config: NatsConfig,
  logger: Logger,
  signal: AbortSignal,
  onMessage: { readonly subject: string; readonly handle: (payload: Uint8Array) => void } | null = null,
): NatsLink {
  const state: LinkState = { connection: null, connected: false, flushingSinceMs: null };
  if (config.servers.length > 0) void keepConnected(config, logger, signal, state, onMessage);
  return {
    healthy: (maxAgeMs) => {
      probe(state);
      return (
        state.connected &&
        (state.flushingSinceMs === null || performance.now() - state.flushingSinceMs < maxAgeMs)
      );
    },
    publish: (subject, payload) => {
      if (state.connection === null || !state.connected) return false;
      state.connection.publish(subject, payload);
      return true;
    },
    close: async () => {
      await state.connection?.close();
    },
  };
}

/** Asks the server for a sign of life unless one is being waited for. */
function probe(state: LinkState): void {
  const { connection } = state;
  if (connection === null || !state.connected || state.flushingSinceMs !== null) return;
  const startedMs = performance.now();
  state.flushingSinceMs = startedMs;
  const answered = (): void => {
    if (state.flushingSinceMs === startedMs) state.flushingSinceMs = null;
  };
  // A flush that fails belongs to a connection whose end the status loop reports.
  connection.flush().then(answered, answered);
}

async function keepConnected(
  config: NatsConfig,
  logger: Logger,
  signal: AbortSignal,
  state: LinkState,
  onMessage: { readonly subject: string; readonly handle: (payload: Uint8Array) => void } | null,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const connection = await connect({
        servers: [...config.servers],
        name: config.name,
        tls: { certFile: config.tls.certFile, keyFile: config.tls.keyFile, caFile: config.tls.caFile },
        reconnect: false,
        timeout: 2_000,
        pingInterval: 2_000,
        maxPingOut: 2,
      });
      if (signal.aborted) {
        await connection.close();
        return;
      }
      state.connection = connection;
      state.connected = true;
      state.flushingSinceMs = null;
      logger.info({ server: connection.getServer() }, 'connected to NATS');
      if (onMessage !== null) {
        connection.subscribe(onMessage.subject, {
          callback: (error, message) => void (error ?? onMessage.handle(message.data)),
        });
      }
      const reason = await connection.closed();
      state.connected = false;
      if (!signal.aborted) logger.warn({ reason: reason?.message }, 'lost the connection to NATS');
    } catch (error) {
      logger.debug({ err: error }, 'NATS is out of reach');
    }
    state.connection = null;
    state.connected = false;
    await pause(heartbeatLimits.reconnectWaitMs, signal);
  }
}

/** Resolves after `ms`, or at once when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
