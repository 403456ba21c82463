import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { ApiError, badRequest, pathNotFound, tooManyRequests, unauthorized } from '@raftsman/api';
import type { Logger } from '@raftsman/telemetry';
import { authorize, type Authorizer } from '../auth/authorizer.js';
import { anonymous, identityOf, type Identity } from '../auth/identity.js';
import { impersonated } from '../auth/impersonation.js';
import { limits } from '../limits.js';
import type { Core, RequestContext } from '../registry/core.js';
import { apiErrorOf } from '../registry/storage-failure.js';
import { answerHealth, type HealthChecks } from './health.js';
import { answerMeta } from './meta.js';
import { negotiate } from './negotiate.js';
import { answerObject } from './object-handler.js';
import type { AgentSecurity } from './pod-log.js';
import { parsePath } from './request-path.js';
import { readBody } from './body.js';
import { sendError, sendValue, type Exchange } from './respond.js';
import { answerReview, groupOfReview } from './reviews.js';

export interface RestOptions {
  readonly core: Core;
  readonly authorizer: Authorizer;
  readonly checks: HealthChecks;
  readonly logger: Logger;
  /** null: logs cannot be asked for. */
  readonly agentSecurity: AgentSecurity | null;
  /** host:port, for clients that ask where the server is. */
  readonly serverAddress: string;
  readonly now: () => number;
}

/** One request, taken apart. */
export interface Call {
  readonly request: Http2ServerRequest;
  readonly exchange: Exchange;
  readonly method: string;
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly context: RequestContext;
}

export type RestHandler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** Authenticates, finds out what is asked for and answers. Whatever fails is answered with a Status. */
export function createHandler(options: RestOptions): RestHandler {
  let inFlight = 0;
  return (request, response) => {
    const exchange = exchangeOf(request, response);
    response.on('error', () => undefined); // the client went away while it was being answered
    if (inFlight >= limits.requestsInFlight) {
      return sendError(exchange, tooManyRequests('too many requests, please try again later', 1));
    }
    inFlight += 1;
    let counted = true;
    const release = (): void => {
      if (counted) inFlight -= 1;
      counted = false;
    };
    answer(options, request, exchange, release)
      .catch((error: unknown) => {
        const failure = apiErrorOf(error);
        if (failure.code >= 500) options.logger.error({ err: error, path: request.url }, failure.message);
        sendError(exchange, failure);
      })
      .finally(release);
  };
}

function exchangeOf(request: Http2ServerRequest, response: Http2ServerResponse): Exchange {
  return {
    response,
    acceptsGzip: /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? '')),
    head: request.method === 'HEAD',
  };
}

/** Throws 401 for a certificate that does not count; null certificate: anonymous. */
function authenticate(request: Http2ServerRequest, now: number): Identity {
  const socket = request.socket as TLSSocket;
  const certificate = socket.getPeerCertificate();
  if (certificate === null || Object.keys(certificate).length === 0) return anonymous;
  const identity = socket.authorized ? identityOf(certificate, now) : null;
  if (identity === null) throw unauthorized();
  return identity;
}

async function answer(
  options: RestOptions,
  request: Http2ServerRequest,
  exchange: Exchange,
  release: () => void,
): Promise<void> {
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const [pathname, query] = urlOf(request.url);
  const identity = impersonated(authenticate(request, options.now()), request.headers, options.authorizer);
  const userAgent = String(request.headers['user-agent'] ?? 'unknown');
  const call: Call = { request, exchange, method, pathname, query, context: { identity, userAgent } };
  const path = parsePath(pathname);
  if (path === null) throw badRequest('the path has a malformed escape');
  if (path.kind === 'other') {
    const action = { kind: 'path', verb: method.toLowerCase(), path: pathname } as const;
    if (!options.authorizer.allows(identity, action)) refuse(options, identity, action);
    if (await answerHealth(exchange, options.checks, pathname, query)) return;
    if (answerMeta(call, options.serverAddress)) return;
    throw pathNotFound();
  }
  if (identity === anonymous) throw unauthorized();
  if (path.kind === 'object') return answerObject(options, call, path.target, release);
  const { review } = path;
  const action = { verb: 'create', group: groupOfReview(review), plural: review } as const;
  authorize(options.authorizer, identity, {
    kind: 'resource',
    ...action,
    subresource: '',
    namespace: '',
    name: '',
  });
  if (method !== 'POST') throw pathNotFound();
  const representation = negotiate(String(request.headers.accept ?? ''), ['']);
  const body = { bytes: await readBody(request), contentType: String(request.headers['content-type'] ?? '') };
  sendValue(
    exchange,
    201,
    answerReview(review, identity, options.authorizer, body, options.now()),
    representation,
  );
}

/** Whoever shows no certificate is asked for one (401); whoever may not is told so (403). */
function refuse(
  options: RestOptions,
  identity: Identity,
  action: { readonly kind: 'path'; readonly verb: string; readonly path: string },
): never {
  if (identity === anonymous) throw unauthorized();
  authorize(options.authorizer, identity, action);
  throw new ApiError(pathNotFound().status);
}

/** The request line holds a path, or from a proxy's client an absolute URL. */
function urlOf(url: string): readonly [pathname: string, query: URLSearchParams] {
  const at = url.indexOf('?');
  const pathname = at === -1 ? url : url.slice(0, at);
  if (!pathname.startsWith('/')) throw badRequest('the request names no path');
  return [pathname, new URLSearchParams(at === -1 ? '' : url.slice(at + 1))];
}
