import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger, MetricsPage } from '@raftsman/telemetry';
import type { InProcessServices } from '@raftsman/wire';
import { answerJson, answerText } from './answers.js';
import { Gateway } from './gateway.js';
import { Health, type HealthSource } from './health.js';
import { isGatewayPath } from './paths.js';

export interface HttpFaceOptions extends HealthSource {
  readonly services: InProcessServices;
  readonly metrics: MetricsPage;
  /** etcd's, in three parts. */
  readonly version: string;
  readonly requestBytesMax: number;
  readonly logger: Logger;
}

export interface HttpFace {
  /** Everything that etcd serves over HTTP on its client port. */
  readonly client: RequestListener;
  /** Only what --listen-metrics-urls is for: /metrics and health. */
  readonly metrics: RequestListener;
  readonly health: Health;
}

/** HTTP/1.1 beside gRPC: /v3/ (and /v3beta/), /version, /metrics, /health, /livez, /readyz. */
export function createHttpFace(options: HttpFaceOptions): HttpFace {
  const health = new Health(options);
  const gateway = new Gateway(options.services, options.requestBytesMax);
  const versions = { etcdserver: options.version, etcdcluster: clusterVersion(options.version) };
  const observe = (url: URL, request: IncomingMessage, response: ServerResponse): boolean => {
    if (health.handle(url, request, response)) return true;
    if (url.pathname !== '/metrics') return false;
    if (isGet(request, response)) void answerMetrics(options.metrics, response);
    return true;
  };
  return {
    health,
    metrics: (request, response) => {
      if (!observe(urlOf(request), request, response)) notFound(response);
    },
    client: (request, response) => {
      const url = urlOf(request);
      if (isGatewayPath(url.pathname)) void gateway.handle(url.pathname, request, response);
      else if (url.pathname === '/version') {
        if (isGet(request, response)) answerJson(response, versions);
      } else if (!observe(url, request, response)) notFound(response);
    },
  };
}

/** A cluster's version has no third part. */
const clusterVersion = (version: string): string => version.replace(/\.\d+$/, '.0');

/** Whatever the client sends as its target: what is no path of ours is nothing. */
function urlOf({ url = '/' }: IncomingMessage): URL {
  return URL.canParse(url, 'http://store') ? new URL(url, 'http://store') : new URL('http://store/');
}

const notFound = (response: ServerResponse): void => answerText(response, 404, '404 page not found');

function isGet({ method }: IncomingMessage, response: ServerResponse): boolean {
  if (method === 'GET') return true;
  response.setHeader('allow', 'GET');
  answerText(response, 405, 'Method Not Allowed');
  return false;
}

async function answerMetrics(metrics: MetricsPage, response: ServerResponse): Promise<void> {
  const text = await metrics.render();
  response.writeHead(200, { 'content-type': metrics.contentType });
  response.end(text);
}
