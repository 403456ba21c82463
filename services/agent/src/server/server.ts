import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { Logger } from '@raftsman/telemetry';
import type { PodManager } from '../pods/pod-manager.js';
import { agentLimits } from '../limits.js';
import type { Runtime } from '../runtime/runtime.js';
import { ContainerLogs, HttpError } from './container-logs.js';

export interface AgentServerOptions {
  readonly certFile: string;
  readonly keyFile: string;
  /** Whose client certificates are taken. */
  readonly clientCaFile: string;
  readonly pods: PodManager;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

export interface AgentServer {
  /** Rejects if the port is taken. Answers the port. */
  listen(host: string, port: number): Promise<number>;
  close(): Promise<void>;
}

/** kubelet's HTTPS API, as far as the apiserver uses it: /healthz, /pods, /containerLogs/<namespace>/<pod>/<container>. */
export function createAgentServer(options: AgentServerOptions): AgentServer {
  const logs = new ContainerLogs(options.pods, options.runtime);
  const server = createServer(
    {
      cert: readFileSync(options.certFile),
      key: readFileSync(options.keyFile),
      ca: readFileSync(options.clientCaFile),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      handshakeTimeout: agentLimits.headersTimeoutMs,
      headersTimeout: agentLimits.headersTimeoutMs,
      requestTimeout: agentLimits.headersTimeoutMs,
      connectionsCheckingInterval: agentLimits.headersTimeoutMs / 2,
    },
    (request, response) => {
      handle(request, response, options.pods, logs).catch((error: unknown) => {
        answerError(error, response, options.logger);
      });
    },
  );
  server.maxConnections = agentLimits.connectionsMax;
  // Somebody without a certificate, or who speaks no TLS: the connection is closed, and that is all.
  server.on('tlsClientError', (error, socket) => {
    options.logger.debug({ err: error }, 'TLS handshake refused');
    socket.destroy();
  });
  return {
    listen: (host, port) => listen(server, host, port),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  pods: PodManager,
  logs: ContainerLogs,
): Promise<void> {
  if (!mayUse((request.socket as TLSSocket).getPeerCertificate()))
    throw new HttpError(403, "only system:masters and the apiserver may use a node's API");
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new HttpError(405, 'method not allowed');
  if (!URL.canParse(`https://agent${request.url ?? ''}`)) throw new HttpError(400, 'malformed path');
  const url = new URL(`https://agent${request.url ?? ''}`);
  const [route, ...parts] = url.pathname.split('/').slice(1).map(decode);
  if (route === 'healthz' && parts.length === 0) return text(response, 200, 'ok');
  if (route === 'pods' && parts.length === 0) {
    const list = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods.list() };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(list));
    return;
  }
  const [namespace, pod, container] = parts;
  const isLogs = route === 'containerLogs' && parts.length === 3;
  if (!isLogs || namespace === undefined || pod === undefined || container === undefined)
    throw new HttpError(404, '404 page not found');
  await logs.serve({ namespace, pod, container }, url.searchParams, response);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new HttpError(400, `malformed path segment ${part}`);
  }
}

/** Its issuer was checked by the handshake; this is about who it is. Pure. */
export function mayUse({ subject }: Pick<PeerCertificate, 'subject'>): boolean {
  // Node answers several organizations as an array; its types do not say so.
  const { O: organizations, CN: name } = (subject ?? {}) as { O?: string | string[]; CN?: string | string[] };
  return [organizations].flat().includes('system:masters') || name === 'system:kube-apiserver';
}

const text = (response: ServerResponse, status: number, body: string): void => {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
};

function answerError(error: unknown, response: ServerResponse, logger: Logger): void {
  if (response.headersSent) {
    // The client went away in the middle, or the log did: all that is left is to cut the answer short.
    response.destroy();
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE')
      logger.warn({ err: error }, 'an answer was cut short');
    return;
  }
  if (error instanceof HttpError) return text(response, error.status, `${error.message}\n`);
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return text(response, 404, 'there is no log yet\n');
  logger.error({ err: error }, 'answering a request');
  text(response, 500, 'internal error\n');
}
