import type { IncomingMessage, ServerResponse } from 'node:http';
import { wireLimits } from './limits.js';

/**
 * How long the body of a request of HTTP/1.1 may take to come. Node.js' own bound is one for all requests of a server, and would cut those whose body is
 * a stream, which lasts as long as its client likes.
 */
const running = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** From now on; when its time is over the connection is closed, with a 408 if nothing was answered. */
export function limitBody(request: IncomingMessage, response: ServerResponse): void {
  if (!hasBody(request)) return;
  start(request, response);
  request.once('close', () => clearTimeout(running.get(request)));
}

/** Its body is a stream, which whoever reads it bounds. What still comes when it is answered is limited again. */
export function liftBodyLimit(request: IncomingMessage, response: ServerResponse): void {
  clearTimeout(running.get(request));
  if (!running.delete(request)) return;
  response.once('finish', () => start(request, response));
}

function start(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => {
    if (!request.complete) cut(request, response);
  }, wireLimits.httpBodyTimeoutMs);
  running.set(request, timer);
}

function cut({ socket }: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent) socket.destroy();
  else socket.end(tooSlow, () => socket.destroy());
}

const tooSlow = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
