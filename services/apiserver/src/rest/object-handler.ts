import {
  badRequest,
  failure,
  methodNotSupported,
  parseIncludeObject,
  type ApiError,
  type Pod,
  type Resource,
} from '@raftsman/api';
import { limits } from '../limits.js';
import { bodyValue } from '../registry/body-value.js';
import type { WriteResult } from '../registry/core.js';
import { parseDeleteOptions } from '../registry/delete-options.js';
import { apiErrorOf } from '../registry/storage-failure.js';
import type { Body, DeleteOptions, Target } from '../registry/target.js';
import { readBody } from './body.js';
import type { Call, RestOptions } from './handler.js';
import { negotiate, type Representation } from './negotiate.js';
import { containerOf, logPlace, nodesResource, streamLog } from './pod-log.js';
import { presentList, presentObject, watchLines, type Presentation } from './present.js';
import { boolean, deleteOptions, listOptions, watchOptions, wholeNumber, writeOptions } from './query.js';
import { sendValue } from './respond.js';
import { streamWatch, streamWatchError } from './watch-stream.js';

const representations = ['', 'Table', 'PartialObjectMetadata'] as const;

/** `release`: this request will stream for long and no longer counts among those in flight. */
export async function answerObject(
  options: RestOptions,
  call: Call,
  target: Target,
  release: () => void,
): Promise<void> {
  const { method, query } = call;
  const one = target.name !== '';
  if (method === 'GET' && target.subresource === 'log') return answerLog(options, call, target, release);
  if (method === 'GET' && !one && boolean(query, 'watch')) return answerWatch(options, call, target, release);
  const representation = negotiate(String(call.request.headers.accept ?? ''), representations);
  const how: Presentation = {
    as: representation.as,
    includeObject: parseIncludeObject(query.get('includeObject') ?? undefined),
    now: options.now(),
  };
  const respond = (result: WriteResult): void =>
    sendResult(call, target.resource, result, representation, how);
  const { core } = options;
  const { context } = call;
  if (method === 'GET' && one) {
    const object = await core.get(context, target, query.get('resourceVersion') ?? '');
    return respond({ object, created: false, warnings: [] });
  }
  if (method === 'GET') {
    const result = await core.list(context, target, listOptions(query));
    return sendValue(call.exchange, 200, presentList(target.resource, result, how), representation);
  }
  if (method === 'POST' && (!one || target.subresource !== '')) {
    return respond(await core.create(context, target, await bodyOf(call), writeOptions(query)));
  }
  if (method === 'PUT' && one) {
    return respond(await core.update(context, target, await bodyOf(call), writeOptions(query)));
  }
  if (method === 'PATCH' && one) {
    return respond(await core.patch(context, target, await bodyOf(call), writeOptions(query)));
  }
  if (method === 'DELETE' && one) return respond(await core.delete(context, target, await deletion(call)));
  if (method === 'DELETE') {
    const result = await core.deleteCollection(context, target, listOptions(query), await deletion(call));
    return sendValue(call.exchange, 200, presentList(target.resource, result, how), representation);
  }
  throw wrongMethod(method);
}

/** The words of Kubernetes' mux for a method that a path does not take. */
function wrongMethod(method: string): ApiError {
  return failure(
    405,
    'MethodNotAllowed',
    `the server does not allow this method on the requested resource (${method})`,
    {},
  );
}

async function bodyOf(call: Call): Promise<Body> {
  const contentType = String(call.request.headers['content-type'] ?? '');
  return { bytes: await readBody(call.request), contentType };
}

async function deletion(call: Call): Promise<DeleteOptions> {
  const body = await bodyOf(call);
  if (body.bytes.length === 0) return deleteOptions(call.query);
  const asked = parseDeleteOptions(bodyValue(body).value);
  return { ...asked, dryRun: asked.dryRun || deleteOptions(call.query).dryRun };
}

function sendResult(
  call: Call,
  resource: Resource,
  result: WriteResult,
  representation: Representation,
  how: Presentation,
): void {
  const { object, created, warnings } = result;
  const headers: Record<string, readonly string[]> =
    warnings.length === 0 ? {} : { warning: warnings.map((each) => `299 - ${JSON.stringify(each)}`) };
  const value = presentObject(resource, object, how);
  sendValue(call.exchange, created ? 201 : 200, value, representation, headers);
}

async function answerWatch(
  options: RestOptions,
  call: Call,
  target: Target,
  release: () => void,
): Promise<void> {
  const { query, exchange } = call;
  const { as } = negotiate(String(call.request.headers.accept ?? ''), representations);
  const includeObject = parseIncludeObject(query.get('includeObject') ?? undefined);
  const asked = wholeNumber(query, 'timeoutSeconds') ?? 0;
  const timeoutMs =
    asked > 0 ? Math.min(asked * 1_000, 2 ** 31 - 1) : limits.watchTimeoutMs * (1 + Math.random());
  const watcher = await options.core
    .watch(call.context, target, watchOptions(query))
    .catch((error: unknown) => {
      const refusal = apiErrorOf(error);
      if (refusal.code !== 410) throw refusal;
      streamWatchError(exchange.response, refusal);
      return null;
    });
  if (watcher === null) return;
  release();
  const line = watchLines(target.resource, { as, includeObject, now: options.now() });
  await streamWatch(exchange.response, watcher, line, timeoutMs);
}

async function answerLog(
  options: RestOptions,
  call: Call,
  target: Target,
  release: () => void,
): Promise<void> {
  const { core, agentSecurity } = options;
  if (agentSecurity === null) throw methodNotSupported(target.resource, 'log');
  const found = await core.get(call.context, target, '');
  const pod = found as unknown as Pod;
  const container = containerOf(pod, call.query);
  const { nodeName = '' } = pod.spec;
  if (nodeName === '') throw badRequest(`pod ${target.name} does not have a host assigned`);
  const node = await core.get(
    { ...call.context, identity: { name: 'system:kube-apiserver', groups: ['system:masters'] } },
    { resource: nodesResource, namespace: '', name: nodeName, subresource: '' },
    '0',
  );
  release();
  await streamLog(call.exchange.response, logPlace(pod, node, container, call.query), agentSecurity);
}
