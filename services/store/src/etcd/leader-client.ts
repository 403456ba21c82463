import type { ChannelCredentials, Client, Metadata, ServiceError } from '@grpc/grpc-js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { LeaseKeepAliveResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseKeepAliveResponse.js';
import type { LeaseTimeToLiveResponse__Output } from '@raftsman/proto/gen/etcdserverpb/LeaseTimeToLiveResponse.js';
import { clientCredentials, loadService, serviceDefinition, status } from '@raftsman/wire';
import type { Caller } from './access.js';
import { ForwardedTokens } from './auth-tokens.js';
import type { Context } from './context.js';
import { etcdError, EtcdError } from './errors.js';
import { forwarded } from './forwarded.js';
import { etcdLimits } from './limits.js';

const protoFile = 'etcd/rpc.proto';
const clusterMethods = serviceDefinition(protoFile, 'etcdserverpb.Cluster');

export type ClusterMethod = 'MemberAdd' | 'MemberRemove' | 'MemberUpdate' | 'MemberPromote' | 'MemberList';

interface Connection {
  readonly url: string;
  readonly credentials: ChannelCredentials;
  readonly lease: LeaseClient;
  readonly cluster: Client;
}

/** Asks the leader what only it knows, over the client API that it serves to everyone, in the name of whoever asks this member. */
export class LeaderClient {
  readonly #context: Context;
  readonly #tokens: ForwardedTokens;
  #connection: Connection | undefined;

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

  /** Rejects with EtcdError, AuthError or ReplicaError. */
  async cluster<Response extends object>(
    method: ClusterMethod,
    request: object,
    caller: Caller,
  ): Promise<Response> {
    return this.#ask(caller, (metadata) => this.#cluster<Response>(method, request, metadata));
  }

  close(): void {
    this.#connection?.lease.close();
    this.#connection?.cluster.close();
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

  #cluster<Response>(method: ClusterMethod, request: object, metadata: Metadata): Promise<Response> {
    const { cluster } = this.#clients();
    const { path, requestSerialize, responseDeserialize } = clusterMethods[method]!;
    const options = { deadline: Date.now() + etcdLimits.memberChangeTimeoutMs };
    return new Promise((resolve, reject) => {
      cluster.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize as (bytes: Buffer) => Response,
        request,
        metadata,
        options,
        (error, response) => {
          if (error) reject(fromLeader(error));
          else if (response) resolve(response);
          else reject(etcdError('leaderChanged'));
        },
      );
    });
  }

  #client(): LeaseClient {
    return this.#clients().lease;
  }

  #clients(): Connection {
    const { replica, config } = this.#context;
    const { leader } = replica.status();
    const url = replica.members().find(({ id }) => id === leader)?.clientUrls[0];
    if (url === undefined) throw etcdError('noLeader');
    // Others when the certificates were renewed: a channel keeps those that it was made with, beyond their end.
    const credentials = clientCredentials(config.leaderSecurity);
    const known = this.#connection;
    if (known?.url === url && known.credentials === credentials) return known;
    this.close();
    const create = (name: string): Client => {
      const Service = loadService(protoFile, `etcdserverpb.${name}`);
      return new Service(new URL(url).host, credentials);
    };
    this.#connection = {
      url,
      credentials,
      lease: create('Lease') as unknown as LeaseClient,
      cluster: create('Cluster'),
    };
    return this.#connection;
  }
}

const deadline = (): number => Date.now() + etcdLimits.leaderCallTimeoutMs;

const fromLeader = (error: ServiceError): EtcdError => new EtcdError(error.code, error.details);
