import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '@raftsman/telemetry';
import type { ProxyBackend } from './backend.js';
import { proxyLimits } from './limits.js';
import type { Endpoint, ServicePort } from './service-table.js';

/**
 * Service addresses as listening sockets, for clusters whose pods are processes of one machine and whose Service range is in 127.0.0.0/8.
 * Every worker's proxy wants the same address there; the first has it, the others try again, so that one of them takes over when it dies.
 * TCP only.
 */
export function createUserspaceBackend(logger: Logger): ProxyBackend {
  const listeners = new Map<string, Listener>();
  return {
    sync: (ports) => {
      const wanted = new Map<string, { readonly at: Endpoint; readonly port: ServicePort }>();
      for (const port of ports) {
        if (port.protocol !== 'TCP') continue;
        for (const address of port.clusterIPs)
          wanted.set(`${address}:${port.port}`, { at: { address, port: port.port }, port });
        if (port.nodePort > 0)
          wanted.set(`0.0.0.0:${port.nodePort}`, { at: { address: '0.0.0.0', port: port.nodePort }, port });
      }
      for (const [key, listener] of listeners) {
        if (wanted.has(key)) continue;
        listener.close();
        listeners.delete(key);
      }
      for (const [key, { at, port }] of wanted) {
        const listener = listeners.get(key);
        if (listener === undefined) listeners.set(key, openListener(at, port.endpoints, logger));
        else listener.retarget(port.endpoints);
      }
      return Promise.resolve();
    },
    close: () => {
      for (const listener of listeners.values()) listener.close();
      listeners.clear();
      return Promise.resolve();
    },
  };
}

interface Listener {
  retarget(endpoints: readonly Endpoint[]): void;
  close(): void;
}

type State =
  | { readonly kind: 'listening'; readonly server: Server }
  | { readonly kind: 'waiting'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'closed' };

function openListener(at: Endpoint, initial: readonly Endpoint[], logger: Logger): Listener {
  let endpoints = initial;
  let turn = 0;
  let state: State;
  const clients = new Set<Socket>();

  function bind(): void {
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
      clients.add(client);
      client.on('close', () => clients.delete(client)).on('error', () => client.destroy());
      turn += 1;
      const order = endpoints.map((_, i) => endpoints[(i + turn) % endpoints.length]!);
      connectAny(order, client);
    });
    server.maxConnections = proxyLimits.connectionsPerPortMax;
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (state.kind === 'closed') return;
      if (error.code !== 'EADDRINUSE') logger.error({ err: error, ...at }, 'cannot serve a Service address');
      state = { kind: 'waiting', timer: setTimeout(bind, proxyLimits.bindRetryMs) };
    });
    state = { kind: 'listening', server };
    server.listen({ host: at.address, port: at.port, exclusive: true });
  }
  bind();

  return {
    retarget: (next) => {
      endpoints = next;
    },
    close: () => {
      const before = state;
      state = { kind: 'closed' };
      if (before.kind === 'waiting') clearTimeout(before.timer);
      if (before.kind === 'listening') before.server.close();
      for (const client of clients) client.destroy();
    },
  };
}

/** Tries one endpoint after the other; the client's bytes wait meanwhile. Without endpoints the connection closes, as nftables rejects it. */
function connectAny(order: readonly Endpoint[], client: Socket): void {
  const [endpoint, ...rest] = order;
  if (endpoint === undefined || client.destroyed) {
    client.resetAndDestroy();
    return;
  }
  const upstream = connect({ host: endpoint.address, port: endpoint.port, noDelay: true });
  const failed = (): void => {
    clearTimeout(timer);
    upstream.destroy();
    connectAny(rest, client);
  };
  const timer = setTimeout(failed, proxyLimits.connectTimeoutMs);
  upstream.once('error', failed);
  upstream.once('connect', () => {
    clearTimeout(timer);
    upstream.off('error', failed);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    client.pipe(upstream).pipe(client);
  });
}
