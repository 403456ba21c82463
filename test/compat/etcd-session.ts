import { Metadata, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import type { ClusterClient } from '@raftsman/proto/gen/etcdserverpb/Cluster.js';
import type { KVClient } from '@raftsman/proto/gen/etcdserverpb/KV.js';
import type { LeaseClient } from '@raftsman/proto/gen/etcdserverpb/Lease.js';
import type { MaintenanceClient } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import type { AuthClient } from '@raftsman/proto/gen/etcdserverpb/Auth.js';
import type { WatchClient } from '@raftsman/proto/gen/etcdserverpb/Watch.js';
import type { WatchRequest } from '@raftsman/proto/gen/etcdserverpb/WatchRequest.js';
import type { WatchResponse__Output } from '@raftsman/proto/gen/etcdserverpb/WatchResponse.js';
import { clientCredentials, loadService } from '@raftsman/wire';

type Callback = (error: ServiceError | null, response?: unknown) => void;
type Unary = (request: object, metadata: Metadata, callback: Callback) => { cancel(): void };

const services: Record<string, readonly [file: string, fullName: string]> = {
  Lock: ['etcd/lock.proto', 'v3lockpb.Lock'],
  Election: ['etcd/election.proto', 'v3electionpb.Election'],
};

/** What a server said to a script, with what must differ between two clusters taken out. */
export class Session {
  readonly transcript: unknown[] = [];
  /** Goes with every request and watch. */
  readonly metadata = new Metadata();
  readonly #clients: Record<string, { close(): void }> = {};
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  get kv(): KVClient {
    return this.#client('KV') as unknown as KVClient;
  }
  get lease(): LeaseClient {
    return this.#client('Lease') as unknown as LeaseClient;
  }
  get cluster(): ClusterClient {
    return this.#client('Cluster') as unknown as ClusterClient;
  }
  get maintenance(): MaintenanceClient {
    return this.#client('Maintenance') as unknown as MaintenanceClient;
  }
  get auth(): AuthClient {
    return this.#client('Auth') as unknown as AuthClient;
  }

  /** Sends one request; its answer or its error goes into the transcript. */
  async call(
    service: 'KV' | 'Lease' | 'Cluster' | 'Maintenance' | 'Auth' | 'Lock' | 'Election',
    method: string,
    request: object,
  ): Promise<unknown> {
    const answer = await this.ask(service, method, request);
    this.note(`${service}.${method} ${JSON.stringify(normalise(request))}`, answer);
    return answer;
  }

  /** Sends one request whose answer the script handles itself. */
  ask(service: string, method: string, request: object): Promise<unknown> {
    return this.start(service, method, request).answer;
  }

  /** Sends one request that may stay unanswered for long. */
  start(service: string, method: string, request: object): { answer: Promise<unknown>; cancel(): void } {
    const client = this.#client(service) as unknown as Record<string, Unary>;
    let call: { cancel(): void };
    const answer = new Promise((resolve) => {
      call = client[method]!(request, this.metadata, (error, response) =>
        resolve(error ? refusal(error) : response),
      );
    });
    return { answer, cancel: () => call.cancel() };
  }

  /** Everything that a stream of responses says, until it is cancelled. */
  responses(service: string, method: string, request: object): { received: unknown[]; cancel(): void } {
    const client = this.#client(service) as unknown as Record<
      string,
      (request: object) => ClientReadableStream<unknown>
    >;
    const received: unknown[] = [];
    const call = client[method]!(request);
    call.on('data', (response) => received.push(response));
    call.on('error', (error: ServiceError) => received.push(refusal(error)));
    return { received, cancel: () => call.cancel() };
  }

  range = (request: object): Promise<unknown> => this.call('KV', 'range', request);
  put = (key: string, value: string, more: object = {}): Promise<unknown> =>
    this.call('KV', 'put', { key: Buffer.from(key), value: Buffer.from(value), ...more });
  remove = (key: string, more: object = {}): Promise<unknown> =>
    this.call('KV', 'deleteRange', { key: Buffer.from(key), ...more });
  txn = (request: object): Promise<unknown> => this.call('KV', 'txn', request);

  note(what: string, answer: unknown): void {
    this.transcript.push({ what, answer: normalise(answer) });
  }

  /** A watch stream; everything it says is kept in `received`. */
  watch(metadata = this.metadata): WatchSession {
    return new WatchSession(this.#client('Watch') as unknown as WatchClient, metadata);
  }

  close(): void {
    for (const client of Object.values(this.#clients)) client.close();
  }

  #client(name: string): object {
    const [file, fullName] = services[name] ?? ['etcd/rpc.proto', `etcdserverpb.${name}`];
    return (this.#clients[name] ??= new (loadService(file, fullName))(
      this.#address,
      clientCredentials('insecure'),
      { 'grpc.max_receive_message_length': -1 },
    ));
  }
}

export class WatchSession {
  readonly received: WatchResponse__Output[] = [];
  readonly #stream: ReturnType<WatchClient['Watch']>;
  ended: unknown;

  constructor(client: WatchClient, metadata: Metadata) {
    this.#stream = client.Watch(metadata);
    this.#stream.on('data', (response: WatchResponse__Output) => this.received.push(response));
    this.#stream.on('error', (error: ServiceError) => (this.ended = refusal(error)));
    this.#stream.on('end', () => (this.ended ??= 'end'));
  }

  send(request: WatchRequest): void {
    this.#stream.write(request);
  }

  create(createRequest: NonNullable<WatchRequest['createRequest']>): void {
    this.send({ createRequest });
  }

  /** Waits for what the script waits for. */
  async until(what: string, holds: (session: WatchSession) => boolean): Promise<void> {
    const deadline = Date.now() + 30_000;
    while (!holds(this)) {
      if (Date.now() > deadline)
        throw new Error(`waited in vain for ${what}: ${JSON.stringify(normalise(this.received))}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async events(count: number): Promise<void> {
    await this.until(`${count} events`, () => this.eventsOf().length >= count);
  }

  async responses(count: number): Promise<void> {
    await this.until(`${count} responses`, () => this.received.length >= count);
  }

  eventsOf(watchId?: string): WatchResponse__Output['events'] {
    return this.received
      .filter((response) => watchId === undefined || response.watchId === watchId)
      .flatMap(({ events }) => events);
  }

  /** Each watch's story: what was said of it and its events, however they were put into messages. */
  stories(): unknown {
    const stories = new Map<string, unknown[]>();
    for (const { watchId, events, header, created, canceled, compactRevision, cancelReason } of this
      .received) {
      const story = stories.get(watchId) ?? [];
      stories.set(watchId, story);
      if (events.length === 0)
        story.push({ created, canceled, compactRevision, cancelReason, revision: header?.revision });
      story.push(...events);
    }
    return [...stories].sort(([a], [b]) => Number(a) - Number(b));
  }

  close(): void {
    this.#stream.on('error', () => undefined);
    this.#stream.cancel();
  }
}

const refusal = ({ code, details }: ServiceError): object => ({ error: { code, details } });

/** Cluster, member and term go; bytes become readable. */
export function normalise(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('latin1').slice(0, 100);
  if (Array.isArray(value)) return value.map(normalise);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !['clusterId', 'memberId', 'raftTerm'].includes(name))
      .map(([name, inner]) => [name, normalise(inner)]),
  );
}
