import type { sendUnaryData, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import { Metadata, status as grpcStatus } from '@grpc/grpc-js';
import { ApiError, grpcCodeOf, type KubeObject } from '@raftsman/api';
import type { ListRequest__Output } from '@raftsman/proto/gen/raftsman/v1/ListRequest.js';
import type { WatchEvent } from '@raftsman/proto/gen/raftsman/v1/WatchEvent.js';
import type { WatchRequest__Output } from '@raftsman/proto/gen/raftsman/v1/WatchRequest.js';
import { createGrpcServer, serviceDefinition } from '@raftsman/wire';
import { MemoryStore, type Ref } from './memory-store.js';

export interface MemoryApiserver {
  readonly address: string;
  readonly store: MemoryStore;
  /** Calls by verb and resource: "update leases". */
  readonly calls: Map<string, number>;
  /** Every call answers this until it is undefined again. */
  fail: ((verb: string, ref: Ref) => Error | 'hang' | undefined) | undefined;
  /** Ends all watch streams, as a server does that drains. */
  breakWatches(): void;
  close(): Promise<void>;
}

const encode = (object: KubeObject): { json: Buffer } => ({ json: Buffer.from(JSON.stringify(object)) });
const lengthDelimited = (field: number, bytes: Uint8Array): Buffer => {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), bytes]);
};

/** As the apiserver answers errors: google.rpc.Status with a KubernetesStatus in the trailers. */
function grpcError(error: unknown): { code: number; details: string; metadata?: Metadata } {
  if (!(error instanceof ApiError)) return { code: grpcStatus.UNAVAILABLE, details: String(error) };
  const kubernetesStatus = lengthDelimited(1, Buffer.from(JSON.stringify(error.status)));
  const typeUrl = Buffer.from('type.googleapis.com/raftsman.v1.KubernetesStatus');
  const any = Buffer.concat([lengthDelimited(1, typeUrl), lengthDelimited(2, kubernetesStatus)]);
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', lengthDelimited(3, any));
  return { code: grpcCodeOf(error.status), details: error.message, metadata };
}

/** One face of a store; several faces of one store are several apiservers. Listens on a free port of loopback. */
export async function startMemoryApiserver(
  store = new MemoryStore(),
  address = '127.0.0.1:0',
): Promise<MemoryApiserver> {
  const calls = new Map<string, number>();
  const watches = new Set<ServerWritableStream<WatchRequest__Output, WatchEvent>>();
  const note = (verb: string, ref: Ref): Error | 'hang' | undefined => {
    const name = `${verb} ${ref.resource}${ref.subresource === '' ? '' : `/${ref.subresource}`}`;
    calls.set(name, (calls.get(name) ?? 0) + 1);
    return server.fail?.(verb, ref);
  };
  const unary =
    <Request extends { ref: Ref | null }>(verb: string, answer: (request: Request) => object) =>
    (call: ServerUnaryCall<Request, object>, callback: sendUnaryData<object>): void => {
      const failure = note(verb, call.request.ref!);
      if (failure === 'hang') return;
      try {
        if (failure !== undefined) throw failure;
        callback(null, answer(call.request));
      } catch (error) {
        callback(grpcError(error));
      }
    };
  const grpc = createGrpcServer(
    [
      {
        protoFile: 'raftsman/v1/api.proto',
        definition: serviceDefinition('raftsman/v1/api.proto', 'raftsman.v1.Api'),
        implementation: {
          ...verbs(store, unary),
          watch: (call: ServerWritableStream<WatchRequest__Output, WatchEvent>) => {
            const failure = note('watch', call.request.ref!);
            if (failure === 'hang') return;
            if (failure === undefined) serveWatch(store, watches, call);
            else call.emit('error', grpcError(failure));
          },
        },
      },
    ],
    { reflection: false },
  );
  const port = await grpc.listen(address, 'insecure');
  const server: MemoryApiserver = {
    address: `127.0.0.1:${port}`,
    store,
    calls,
    fail: undefined,
    breakWatches: () => {
      for (const watch of watches) watch.end();
    },
    close: () => grpc.close(0),
  };
  return server;
}

type Unary = <Request extends { ref: Ref | null }>(
  verb: string,
  answer: (request: Request) => object,
) => (call: ServerUnaryCall<Request, object>, callback: sendUnaryData<object>) => void;

interface ObjectRequest {
  ref: Ref | null;
  object: { json: Buffer } | null;
}
interface DeleteRequest {
  ref: Ref | null;
  options: {
    gracePeriodSeconds?: string;
    propagationPolicy: string;
    preconditionUid: string;
    preconditionResourceVersion: string;
  } | null;
}

function verbs(store: MemoryStore, unary: Unary): Record<string, unknown> {
  const body = (request: ObjectRequest): KubeObject =>
    JSON.parse(request.object!.json.toString()) as KubeObject;
  return {
    get: unary<{ ref: Ref | null }>('get', ({ ref }) => encode(store.get(ref!))),
    list: unary<ListRequest__Output>('list', (request) => list(store, request)),
    create: unary<ObjectRequest>('create', (request) => {
      const ref = request.ref!;
      if (ref.subresource !== 'binding') return encode(store.create(ref, body(request)));
      store.bind(ref, (body(request)['target'] as { name: string }).name);
      return encode({ apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success', code: 201 });
    }),
    update: unary<ObjectRequest>('update', (request) => encode(store.update(request.ref!, body(request)))),
    delete: unary<DeleteRequest>('delete', ({ ref, options }) => {
      const grace = options?.gracePeriodSeconds;
      const deletion = {
        gracePeriodSeconds: grace === undefined ? undefined : Number(grace),
        propagationPolicy: options?.propagationPolicy ?? '',
        uid: options?.preconditionUid ?? '',
        resourceVersion: options?.preconditionResourceVersion ?? '',
      };
      return encode(store.delete(ref!, deletion));
    }),
  };
}

function list(store: MemoryStore, request: ListRequest__Output): object {
  const ref = request.ref!;
  const matching = store
    .list(ref)
    .filter((object) => matches(object, request.fieldSelector, request.labelSelector));
  const start = Number(request.continue || 0);
  const limit = Number(request.limit) || matching.length;
  const end = start + limit;
  return {
    resourceVersion: String(store.revision),
    items: matching.slice(start, end).map(encode),
    continue: end < matching.length ? String(end) : '',
  };
}

function serveWatch(
  store: MemoryStore,
  watches: Set<ServerWritableStream<WatchRequest__Output, WatchEvent>>,
  call: ServerWritableStream<WatchRequest__Output, WatchEvent>,
): void {
  const { ref, fieldSelector, labelSelector, resourceVersion } = call.request;
  try {
    const stop = store.watch(Number(resourceVersion), ({ prefix, type, object }) => {
      const { namespace = '' } = object.metadata;
      if (prefix !== store.prefix(ref!) || (ref!.namespace !== '' && namespace !== ref!.namespace)) return;
      if (matches(object, fieldSelector, labelSelector)) call.write({ type, object: encode(object) });
    });
    watches.add(call);
    const end = (): void => {
      stop();
      watches.delete(call);
    };
    call.on('cancelled', end);
    call.on('close', end);
  } catch (error) {
    call.emit('error', grpcError(error));
  }
}

/** Equality only: what the kit itself asks for. */
function matches(object: KubeObject, fieldSelector: string, labelSelector: string): boolean {
  const terms = (selector: string): [string, string][] =>
    selector === '' ? [] : selector.split(',').map((term) => term.split('=') as [string, string]);
  const field = (path: string): unknown =>
    path
      .split('.')
      .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], object);
  return (
    terms(fieldSelector).every(([path, value]) => (field(path) ?? '') === value) &&
    terms(labelSelector).every(([label, value]) => object.metadata.labels?.[label] === value)
  );
}
