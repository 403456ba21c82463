import type { ClientSecurity } from '@raftsman/wire';
import { shared, systemClock, type Clock } from './clock.js';
import { Endpoints } from './endpoints.js';
import { createResourceClient, type ResourceClient } from './resource-client.js';
import type { TypedResource } from './kinds.js';
import type { ObjectLike } from './types.js';

export interface ApiClientConfig {
  /** gRPC addresses of all apiservers, host:port. At least one. */
  readonly apiservers: readonly string[];
  /** `insecure` only on loopback. */
  readonly security: ClientSecurity;
  /** metadata.managedFields' manager of what this client writes. */
  readonly fieldManager: string;
}

/**
 * The API as typed verbs. Every failure is an ApiError; a call whose repetition cannot do harm is repeated on another
 * apiserver when one does not answer.
 */
export interface ApiClient {
  of<T extends ObjectLike>(resource: TypedResource<T>): ResourceClient<T>;
  /** The same client whose calls all end when `signal` aborts: for work that must not outlive a leader's term. */
  scoped(signal: AbortSignal): ApiClient;
  /** The same client with other deadlines, see clientLimits. */
  withTimeouts(timeouts: CallTimeouts): ApiClient;
  /** Ends every call. */
  close(): void;
}

export interface CallTimeouts {
  /** One try on one apiserver. */
  readonly attemptTimeoutMs?: number;
  /** All tries of one call. */
  readonly callTimeoutMs?: number;
}

/** What the verbs share. */
export interface ClientContext {
  readonly timeouts: CallTimeouts;
  readonly endpoints: Endpoints;
  readonly clock: Clock;
  readonly fieldManager: string;
  readonly signal: AbortSignal | undefined;
}

export function createApiClient(config: ApiClientConfig, clock: Clock = systemClock): ApiClient {
  const endpoints = new Endpoints(config.apiservers, config.security, clock);
  return withContext({
    endpoints,
    clock,
    fieldManager: config.fieldManager,
    signal: undefined,
    timeouts: {},
  });
}

function withContext(context: ClientContext): ApiClient {
  return {
    of: (resource) => createResourceClient(context, resource),
    scoped: (signal) =>
      withContext({
        ...context,
        signal: shared(context.signal === undefined ? signal : AbortSignal.any([context.signal, signal])),
      }),
    withTimeouts: (timeouts) => withContext({ ...context, timeouts: { ...context.timeouts, ...timeouts } }),
    close: () => context.endpoints.close(),
  };
}
