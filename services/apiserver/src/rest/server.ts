import { readFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '@raftsman/telemetry';
import { limits } from '../limits.js';
import type { RestHandler } from './handler.js';

export interface RestServer {
  /** Answers the port. Rejects if the address is taken. */
  listen(address: string, port: number): Promise<number>;
  /** Takes no more connections, lets running requests end for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string;
}

/**
 * HTTP/2 and 1.1 over TLS. A client without a certificate, or with one that does not verify, is let through the
 * handshake, so that it can be answered with a Status (the handler decides). Garbage closes the connection.
 */
export function createRestServer(tls: ServerTls, handler: RestHandler, logger: Logger): RestServer {
  const server = createSecureServer({
    cert: readFileSync(tls.certFile),
    key: readFileSync(tls.keyFile),
    ca: readFileSync(tls.clientCaFile),
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    allowHTTP1: true,
    handshakeTimeout: limits.headersTimeoutMs,
    settings: {
      maxConcurrentStreams: limits.streamsPerConnection,
      maxHeaderListSize: limits.headerBytesMax,
    },
  });
  // Honoured for HTTP/1.1, though the types do not say so.
  Object.assign(server, {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    maxConnections: limits.connections,
  });
  const sockets = trackSockets(server, logger);
  const sessions = trackSessions(server, logger);
  server.on('request', handler);
  return {
    listen: (address, port) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, address, () => {
          server.off('error', reject);
          server.on('error', (error) => logger.error({ err: error }, 'HTTPS server'));
          resolve((server.address() as AddressInfo).port);
        });
      }),
    close: (graceMs) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => sockets.forEach((socket) => socket.destroy()), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        for (const session of sessions) session.close();
      }),
  };
}

function trackSockets(server: Http2SecureServer, logger: Logger): Set<TLSSocket> {
  const sockets = new Set<TLSSocket>();
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const refused = (what: string) => (error: Error) => logger.debug({ err: error.message }, what);
  server.on('tlsClientError', (error, socket) => {
    refused('TLS handshake failed')(error);
    socket.destroy();
  });
  server.on('sessionError', refused('HTTP/2 session failed'));
  (server as NodeJS.EventEmitter).on('clientError', (error: Error, socket: TLSSocket) => {
    refused('not HTTP')(error);
    socket.destroy();
  });
  return sockets;
}

function trackSessions(server: Http2SecureServer, logger: Logger): Set<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    closeWhenIdle(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', (error: Error) => logger.debug({ err: error.message }, 'HTTP/2 session failed'));
  });
  return sessions;
}

/** Else whoever opens a connection and never asks for anything holds a place of `limits.connections` for good. */
function closeWhenIdle(session: ServerHttp2Session): void {
  let streams = 0;
  session.on('stream', (stream) => {
    streams += 1;
    stream.once('close', () => (streams -= 1));
  });
  session.setTimeout(limits.idleTimeoutMs, () => {
    if (streams === 0) session.close();
  });
}
