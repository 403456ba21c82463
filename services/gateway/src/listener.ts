import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '@raftsman/telemetry';
import { gatewayLimits } from './limits.js';
import type { Pool } from './pool.js';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** One port of the gateway: bytes pass through untouched, TLS ends at the apiserver. */
export interface Listener {
  listen(at: Endpoint): Promise<void>;
  /** Closes the connections to one backend, so that their clients connect anew. */
  cut(backend: number): void;
  /** Takes no more connections, and closes those that are left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export function createListener(backends: readonly Endpoint[], pool: Pool, logger: Logger): Listener {
  const pairs = new Map<Socket, { readonly backend: number; readonly upstream: Socket }>();

  const server: Server = createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true }, (client) => {
    client.on('error', () => client.destroy());
    connectAny(pool.candidates(), client);
  });
  server.maxConnections = gatewayLimits.connectionsMax;

  /** Tries one backend after the other; the client's bytes wait meanwhile. */
  function connectAny(candidates: readonly number[], client: Socket): void {
    const [backend, ...rest] = candidates;
    if (backend === undefined || client.destroyed) {
      client.destroy();
      return;
    }
    const upstream = connect({ ...backends[backend]!, noDelay: true, keepAlive: true });
    const failed = (): void => {
      clearTimeout(timer);
      upstream.destroy();
      pool.connectFailed(backend);
      connectAny(rest, client);
    };
    const timer = setTimeout(failed, gatewayLimits.connectTimeoutMs);
    upstream.once('error', failed);
    upstream.once('connect', () => {
      clearTimeout(timer);
      upstream.off('error', failed);
      join(client, upstream, backend);
    });
  }

  function join(client: Socket, upstream: Socket, backend: number): void {
    pool.opened(backend);
    pairs.set(client, { backend, upstream });
    let open = true;
    const end = (): void => {
      client.destroy();
      upstream.destroy();
      if (!open) return;
      open = false;
      pairs.delete(client);
      pool.closed(backend);
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    if (client.destroyed) {
      end();
      return;
    }
    client.pipe(upstream).pipe(client);
  }

  return {
    listen: (at) => listenOn(server, at, logger),
    cut: (backend) => {
      for (const [client, pair] of pairs) if (pair.backend === backend) client.destroy();
    },
    close: (graceMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => pairs.forEach((_, client) => client.destroy()), graceMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

function listenOn(server: Server, { host, port }: Endpoint, logger: Logger): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.on('error', (error) => logger.error({ err: error }, 'listener'));
      resolve();
    });
  });
}
