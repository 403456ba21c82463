import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import {
  CallError,
  liftBodyLimit,
  loadTypes,
  status,
  type Caller,
  type InProcessServices,
} from '@raftsman/wire';
import type { Type } from 'protobufjs';
import { answerText } from './answers.js';
import { Bodies } from './bodies.js';
import { callerOf } from './caller.js';
import { errorBody, httpStatusOf, streamErrorBody, toCallError } from './errors.js';
import { encodeJson } from './from-json.js';
import { JsonError } from './json-values.js';
import { gatewayPaths } from './paths.js';
import { writeJson } from './to-json.js';

/** A call that a path stands for. */
interface Binding {
  readonly path: string;
  readonly request: Type;
  readonly response: Type;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

const protoFiles = ['etcd/rpc.proto', 'etcd/lock.proto', 'etcd/election.proto'];

/** etcd's JSON gateway: the services of this member over HTTP/1.1, one handler for all of them. */
export class Gateway {
  readonly #services: InProcessServices;
  readonly #bodies: Bodies;
  /** By their paths; made when they are first asked for. */
  readonly #bindings = new Map<string, Binding>();

  constructor(services: InProcessServices, requestBytesMax: number) {
    this.#services = services;
    this.#bodies = new Bodies(requestBytesMax);
  }

  /** Never rejects but for a bug. */
  async handle(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const binding = this.#bindingOf(path);
    if (binding === undefined) return answerText(response, 404, 'Not Found');
    if (request.method !== 'POST') return answerText(response, 405, 'Method Not Allowed');
    // No page of another site may use a visitor's browser to get here; etcd has no such rule.
    if (request.headers.origin !== undefined) return answerText(response, 403, 'Forbidden');
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    request.on('error', () => gone.abort());
    const exchange = { request, response, caller: callerOf(request), signal: gone.signal };
    try {
      if (binding.responseStream) await this.#stream(binding, exchange);
      else await this.#ask(binding, exchange);
    } catch (error) {
      if (gone.signal.aborted || response.destroyed) return;
      const refusal = toCallError(error);
      if (refusal === undefined) throw error;
      refuse(exchange, refusal);
    }
  }

  #bindingOf(path: string): Binding | undefined {
    const known = this.#bindings.get(path);
    const call = gatewayPaths.get(path);
    if (known !== undefined || call === undefined) return known;
    const [service, method] = call.split('/') as [string, string];
    const definition = this.#services.method(`/${call}`);
    const root = protoFiles.map(loadTypes).find((each) => each.lookup(service) !== null);
    const described = root?.lookupService(service).methods[method];
    if (definition === undefined || !described?.resolvedRequestType || !described.resolvedResponseType)
      throw new TypeError(`no call ${call}`);
    const binding = {
      path: `/${call}`,
      request: described.resolvedRequestType,
      response: described.resolvedResponseType,
      requestStream: definition.requestStream,
      responseStream: definition.responseStream,
    };
    this.#bindings.set(path, binding);
    return binding;
  }

  async #ask(binding: Binding, { request, response, caller, signal }: Exchange): Promise<void> {
    const first = await firstOf(this.#bodies.values(request));
    const message = encodeJson(binding.request, first);
    const answer = await this.#services.unary(binding.path, message, caller, signal);
    response.writeHead(200, { 'content-type': 'application/json' });
    await writeAll(response, writeJson(binding.response, answer), signal);
    response.end();
  }

  async #stream(binding: Binding, { request, response, caller, signal }: Exchange): Promise<void> {
    if (binding.requestStream) liftBodyLimit(request, response);
    const deliver = async (message: Buffer): Promise<void> => {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"result":');
      await writeAll(response, writeJson(binding.response, message), signal);
      response.write('}\n');
    };
    await this.#services.stream(binding.path, this.#messages(binding, request), caller, deliver, signal);
    response.end();
  }

  async *#messages(binding: Binding, request: IncomingMessage): AsyncGenerator<Buffer> {
    if (!binding.requestStream) {
      yield encodeJson(binding.request, await firstOf(this.#bodies.values(request)));
      return;
    }
    try {
      for await (const value of this.#bodies.streamed(request)) yield encodeJson(binding.request, value);
    } catch (error) {
      // So it is in grpc-gateway, where a stream's requests are concerned.
      throw error instanceof JsonError ? new CallError(status.UNKNOWN, error.message) : error;
    }
  }
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly caller: Caller;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** What follows the first value is not looked at; without one, the request has nothing but defaults. */
async function firstOf(values: AsyncIterable<unknown>): Promise<unknown> {
  for await (const value of values) return value;
  return {};
}

/** As fast as the client takes it, and with a pause for others after each piece. */
async function writeAll(
  response: ServerResponse,
  pieces: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  let characters = 0;
  for (const piece of pieces) {
    if (signal.aborted) throw new CallError(status.CANCELLED, 'Cancelled');
    const room = response.write(piece);
    characters += piece.length;
    if (!room) await once(response, 'drain', { signal });
    else if (characters > 64 * 1024) await setImmediate();
    else continue;
    characters = 0;
  }
}

function refuse({ request, response }: Exchange, refusal: CallError): void {
  if (response.headersSent) {
    response.end(streamErrorBody(refusal));
    return;
  }
  // What is left of the request is not read for the sake of the next one.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(httpStatusOf(refusal.code), { 'content-type': 'application/json' });
  response.end(errorBody(refusal));
}
