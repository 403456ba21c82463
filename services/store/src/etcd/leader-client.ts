import { status, type Metadata, type ServiceError } from '@grpc/grpc-js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { LeaseKeepAliveResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveResponse.js';
import type { LeaseTimeToLiveResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseTimeToLiveResponse.js';
import { clientCredentials, loadService } from '@raftsman/wire';
import type { Caller } from './access.js';
import { ForwardedTokens } from './auth-tokens.js';
import type { Context } from './context.js';
import { etcdError, EtcdError } from './errors.js';
import { forwarded } from './forwarded.js';
import { etcdLimits } from './limits.js';

/** Asks the leader what only it knows, over the client API that it serves to everyone, in the name of whoever asks this member. */
export class LeaderClient {
  readonly #context: Context;
  readonly #tokens: ForwardedTokens;
  #connection: { readonly url: string; readonly client: LeaseClient } | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#tokens = new ForwardedTokens(context);
  }

  /** Rejects with EtcdError, AuthError or ReplicaError. */
  async keepAlive(id: string, caller: Caller): Promise<LeaseKeepAliveResponse__Output> {
    return this.#ask(caller, (metadata) => this.#keepAlive(id, metadata));
  }

  /** Rejects with EtcdError, AuthError or ReplicaError. */
  async timeToLive(id: string, keys: boolean, caller: Caller): Promise<LeaseTimeToLiveResponse__Output> {
    return this.#ask(caller, (metadata) => this.#timeToLive(id, keys, metadata));
  }

  close(): void {
    this.#connection?.client.close();
    this.#connection = undefined;
  }

  async #ask<Response>(caller: Caller, ask: (metadata: Metadata) => Promise<Response>): Promise<Response> {
    try {
      return await ask(forwarded(await this.#tokens.of(caller)));
    } catch (error) {
      // The leader was started since, and has forgotten its tokens; only of one of our own can there be another.
      const isUnknown = error instanceof EtcdError && error.code === status.UNAUTHENTICATED;
      if (!isUnknown || !this.#tokens.forget(caller)) throw error;
    }
    return ask(forwarded(await this.#tokens.of(caller)));
  }

  #keepAlive(id: string, metadata: Metadata): Promise<LeaseKeepAliveResponse__Output> {
    const stream = this.#client().LeaseKeepAlive(metadata, { deadline: deadline() });
    return new Promise((resolve, reject) => {
      stream.on('data', (response: LeaseKeepAliveResponse__Output) => {
        resolve(response);
        stream.end();
      });
      stream.on('error', (error: ServiceError) => reject(fromLeader(error)));
      stream.on('end', () => reject(etcdError('leaderChanged')));
      stream.write({ ID: id });
    });
  }

  #timeToLive(id: string, keys: boolean, metadata: Metadata): Promise<LeaseTimeToLiveResponse__Output> {
    const client = this.#client();
    return new Promise((resolve, reject) => {
      client.LeaseTimeToLive({ ID: id, keys }, metadata, { deadline: deadline() }, (error, response) => {
        if (error) reject(fromLeader(error));
        else if (response) resolve(response);
        else reject(etcdError('leaderChanged'));
      });
    });
  }

  #client(): LeaseClient {
    const { replica, config } = this.#context;
    const { leader } = replica.status();
    const url = replica.members().find(({ id }) => id === leader)?.clientUrls[0];
    if (url === undefined) throw etcdError('noLeader');
    if (this.#connection?.url !== url) {
      this.close();
      const Client = loadService('etcd/rpc.proto', 'etcdserverpb.Lease');
      const client = new Client(new URL(url).host, clientCredentials(config.leaderSecurity));
      this.#connection = { url, client: client as unknown as LeaseClient };
    }
    return this.#connection.client;
  }
}

const deadline = (): number => Date.now() + etcdLimits.leaderCallTimeoutMs;

const fromLeader = (error: ServiceError): EtcdError => new EtcdError(error.code, error.details);
