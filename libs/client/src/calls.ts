import {
  status as grpcStatus,
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  type requestCallback,
  type ServiceError,
} from '@grpc/grpc-js';
import { apiErrorFromGrpc } from '@raftsman/api';
import type { ApiClient as GeneratedApiClient } from '@raftsman/proto/gen/raftsman/v1/Api.js';
import { sleep, type Clock } from './clock.js';
import type { Endpoint, Endpoints } from './endpoints.js';
import { isServiceError, isTransient, toApiError } from './errors.js';
import { clientLimits } from './limits.js';

export interface CallRules {
  /** Whether the call may be sent again although an earlier try may have taken effect. */
  readonly repeatable: boolean;
  readonly attemptTimeoutMs?: number;
  readonly callTimeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export type UnaryCall<Response> = (
  client: GeneratedApiClient,
  options: CallOptions,
  callback: requestCallback<Response>,
) => ClientUnaryCall;

const unavailable = (message: string): Error => apiErrorFromGrpc(grpcStatus.UNAVAILABLE, message);
const aborted = (): Error => apiErrorFromGrpc(grpcStatus.CANCELLED, 'the caller was stopped');

/** One call, on another apiserver if one fails and the rules allow it. Rejects with ApiError. */
export async function callUnary<Response>(
  endpoints: Endpoints,
  clock: Clock,
  call: UnaryCall<Response>,
  rules: CallRules,
): Promise<Response> {
  const { repeatable, signal, attemptTimeoutMs = clientLimits.attemptTimeoutMs } = rules;
  const deadlineMs = clock.monotonicMs() + (rules.callTimeoutMs ?? clientLimits.callTimeoutMs);
  const tried = new Set<Endpoint>();
  let backoffMs: number = clientLimits.retryBackoffMinMs;
  let last: ServiceError | undefined;
  for (;;) {
    if (signal?.aborted === true) throw aborted();
    const leftMs = deadlineMs - clock.monotonicMs();
    const endpoint = leftMs > 0 ? await endpoints.pick(deadlineMs, tried, signal) : undefined;
    if (signal?.aborted) throw aborted();
    if (endpoint === undefined) {
      throw last === undefined ? unavailable('no apiserver is reachable') : toApiError(last);
    }
    try {
      const timeoutMs = Math.min(attemptTimeoutMs, leftMs);
      const response = await attempt(endpoint.client, call, timeoutMs, signal);
      endpoints.succeeded(endpoint);
      return response;
    } catch (error) {
      if (!isServiceError(error)) throw error;
      if (!isTransient(error)) throw toApiError(error);
      endpoints.failed(endpoint);
      if (!repeatable) throw toApiError(error);
      last = error;
    }
    tried.add(endpoint);
    if (tried.size >= endpoints.size) {
      tried.clear();
      await sleep(clock, backoffMs, signal);
      backoffMs = Math.min(backoffMs * 2, clientLimits.retryBackoffMaxMs);
    }
  }
}

function attempt<Response>(
  client: GeneratedApiClient,
  call: UnaryCall<Response>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options: CallOptions = { deadline: Date.now() + timeoutMs };
    const running = call(client, options, (error, response) => {
      signal?.removeEventListener('abort', cancel);
      if (error !== null) reject(error);
      else if (response === undefined) reject(unavailable('the answer was empty'));
      else resolve(response);
    });
    const cancel = (): void => running.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

export type StreamCall<Message> = (client: GeneratedApiClient) => ClientReadableStream<Message>;

/**
 * Messages of a stream on one apiserver, until it ends or `signal` aborts; a stream that breaks throws ApiError and is the
 * caller's to resume.
 */
export async function* callStream<Message>(
  endpoints: Endpoints,
  clock: Clock,
  call: StreamCall<Message>,
  signal: AbortSignal,
): AsyncGenerator<Message, void, undefined> {
  const deadlineMs = clock.monotonicMs() + clientLimits.callTimeoutMs;
  const endpoint = await endpoints.pick(deadlineMs, new Set(), signal);
  if (signal.aborted) return;
  if (endpoint === undefined) throw unavailable('no apiserver is reachable');
  const stream = call(endpoint.client);
  const cancel = (): void => stream.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    for await (const message of stream) yield message as Message;
  } catch (error) {
    if (signal.aborted) return;
    if (!isServiceError(error)) throw error;
    if (isTransient(error)) endpoints.failed(endpoint);
    throw toApiError(error);
  } finally {
    signal.removeEventListener('abort', cancel);
    stream.cancel();
  }
}
