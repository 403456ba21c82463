import { isIP } from 'node:net';
import { connectivityState, type ChannelOptions } from '@grpc/grpc-js';
import type { ApiClient as GeneratedApiClient } from '@raftsman/proto/gen/raftsman/v1/Api.js';
import {
  apiserverName,
  channelOptions,
  clientCredentials,
  loadService,
  type ClientSecurity,
} from '@raftsman/wire';
import type { Clock } from './clock.js';
import { clientLimits } from './limits.js';

/** One apiserver and its own channel. */
export interface Endpoint {
  readonly address: string;
  readonly client: GeneratedApiClient;
  /** Asked last until then (monotonic). */
  suspectUntilMs: number;
}

/**
 * The apiservers, taken in turn. A channel for each instead of one balanced channel: a call that failed can be repeated on
 * another server, and a write is only ever sent where a connection stands, so that "was it sent?" seldom arises.
 */
export class Endpoints {
  readonly #endpoints: readonly Endpoint[];
  readonly #clock: Clock;
  #next = 0;

  constructor(addresses: readonly string[], security: ClientSecurity, clock: Clock) {
    if (addresses.length === 0) throw new TypeError('no apiserver to connect to');
    const credentials = clientCredentials(security);
    const Client = loadService('raftsman/v1/api.proto', 'raftsman.v1.Api') as unknown as new (
      address: string,
      channelCredentials: typeof credentials,
      options: ChannelOptions,
    ) => GeneratedApiClient;
    this.#clock = clock;
    this.#endpoints = addresses.map((address) => ({
      address,
      client: new Client(address, credentials, endpointOptions(address)),
      suspectUntilMs: 0,
    }));
    // Components that start together should not all begin with the first apiserver.
    this.#next = Math.floor(Math.random() * addresses.length);
  }

  get size(): number {
    return this.#endpoints.length;
  }

  /**
   * The next one to ask: connected and unsuspected first, `avoid` last. Waits until one is connected, the time is up or
   * `signal` aborts.
   */
  async pick(
    deadlineMs: number,
    avoid: ReadonlySet<Endpoint>,
    signal: AbortSignal | undefined,
  ): Promise<Endpoint | undefined> {
    const connected = this.#connected();
    if (connected.length > 0) return this.#best(connected, avoid);
    await this.#waitForAny(deadlineMs, signal);
    return this.#best(this.#connected(), avoid);
  }

  failed(endpoint: Endpoint): void {
    endpoint.suspectUntilMs = this.#clock.monotonicMs() + clientLimits.suspectMs;
  }

  succeeded(endpoint: Endpoint): void {
    endpoint.suspectUntilMs = 0;
  }

  close(): void {
    for (const { client } of this.#endpoints) client.close();
  }

  /** In turn order; idle channels are woken on the way. */
  #connected(): Endpoint[] {
    const { length } = this.#endpoints;
    const start = this.#next++ % length;
    const inTurn = [...this.#endpoints.slice(start), ...this.#endpoints.slice(0, start)];
    return inTurn.filter(
      ({ client }) => client.getChannel().getConnectivityState(true) === connectivityState.READY,
    );
  }

  #best(connected: readonly Endpoint[], avoid: ReadonlySet<Endpoint>): Endpoint | undefined {
    const now = this.#clock.monotonicMs();
    const rank = (endpoint: Endpoint): number =>
      (avoid.has(endpoint) ? 2 : 0) + (endpoint.suspectUntilMs > now ? 1 : 0);
    return connected.toSorted((a, b) => rank(a) - rank(b))[0];
  }

  #waitForAny(deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    const deadline = Date.now() + Math.max(0, deadlineMs - this.#clock.monotonicMs());
    return new Promise((resolve) => {
      let waiting = this.#endpoints.length;
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        resolve();
      };
      signal?.addEventListener('abort', done, { once: true });
      for (const { client } of this.#endpoints) {
        client.waitForReady(deadline, (error) => {
          waiting -= 1;
          if (error === undefined || waiting === 0) done();
        });
      }
    });
  }
}

/** No retries by gRPC itself, which would repeat writes that must not be repeated: calls.ts decides. */
function endpointOptions(address: string): ChannelOptions {
  // TLS knows no server name that is an IP address; every apiserver's certificate carries the common name.
  const isIp = isIP(address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')) !== 0;
  return {
    ...channelOptions(isIp ? { serverName: apiserverName } : {}),
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ pick_first: {} }] }),
    'grpc.keepalive_time_ms': clientLimits.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': clientLimits.keepaliveTimeoutMs,
  };
}
