import type { Socket } from 'node:net';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { status } from '../grpc.js';
import type { Method } from '../in-process.js';
import { answerTrailers, plainHttp } from './answers.js';
import { CallContext } from './call-context.js';
import { Http2Connection, type ConnectionEvents, type Patience } from './connection.js';
import type { HeaderList } from './hpack.js';
import { http2Limits } from './limits.js';
import { MessageAssembler, type PartialBytes } from './messages.js';
import { StreamingCall } from './streaming-call.js';
import type { Http2Stream, RequestReceiver } from './stream.js';
import { Sweeper } from './sweeper.js';
import { UnaryCall } from './unary-call.js';

interface Entry {
  readonly method: Method;
  readonly handler: Function;
}

export interface Http2ServerOptions {
  readonly messageBytesMax: number;
  /** So long a client may say nothing until it is asked whether it is there, and so long it has to answer. 0: for ever. */
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
}

const sweepsIn = (ms: number): number => (ms === 0 ? Infinity : Math.ceil(ms / http2Limits.sweepIntervalMs));

/** Takes the request of a call that is answered already. */
const deaf: RequestReceiver = {
  requestData: () => undefined,
  requestEnd: () => undefined,
  abandoned: () => undefined,
};

/**
 * A gRPC server over sockets that others accepted, for handlers written for grpc-js. It spends a fraction of what grpc-js and node:http2 spend on a
 * call, which is what a store's small requests mostly cost (docs/decisions/0016).
 */
export class Http2GrpcServer {
  readonly #methods = new Map<string, Entry>();
  readonly #connections = new Sweeper<Http2Connection>({
    intervalMs: http2Limits.sweepIntervalMs,
    batchMax: http2Limits.sweepBatchMax,
  });
  readonly #messageBytesMax: number;
  readonly #patience: Patience;
  readonly #partialBytes: PartialBytes = { bytes: 0 };
  #onIdle: (() => void) | null = null;

  constructor({ messageBytesMax, keepaliveTimeMs, keepaliveTimeoutMs }: Http2ServerOptions) {
    this.#messageBytesMax = messageBytesMax;
    const sweepsToPing = sweepsIn(keepaliveTimeMs);
    this.#patience = { sweepsToPing, sweepsToEnd: sweepsToPing + sweepsIn(keepaliveTimeoutMs) };
  }

  /** As grpc-js' Server has it, for helpers that add services of their own. */
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    for (const [name, method] of Object.entries(definition)) {
      const handler = implementation[name] ?? implementation[method.originalName ?? ''];
      if (handler !== undefined)
        this.#methods.set(method.path, { method, handler: (handler as Function).bind(implementation) });
    }
  }

  /** A connection whose first bytes are still to be read. */
  serve(socket: Socket): void {
    const events: ConnectionEvents = {
      request: (stream, headers) => this.#request(stream, headers),
      closed: (closed) => this.#closed(closed),
    };
    const connection = new Http2Connection(socket, events, this.#patience);
    this.#connections.add(connection);
  }

  /** Resolves when all calls have ended and their connections are closed. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      for (const connection of this.#connections) connection.goAway();
      if (this.#connections.size === 0) resolve();
    });
  }

  cut(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  #closed(connection: Http2Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onIdle?.();
  }

  #request(stream: Http2Stream, headers: HeaderList): RequestReceiver {
    const context = new CallContext(headers, stream.connection);
    if (!context.header('content-type').startsWith('application/grpc')) return refuse(stream, plainHttp(415));
    if (context.header(':method') !== 'POST') return refuse(stream, plainHttp(405));
    const entry = this.#methods.get(context.path);
    if (entry === undefined) return refuse(stream, unknownMethod(context.path));
    const { method, handler } = entry;
    const assembler = new MessageAssembler(
      this.#messageBytesMax,
      context.header('grpc-encoding'),
      this.#partialBytes,
      http2Limits.partialRequestBytesMax,
    );
    const Call = method.requestStream || method.responseStream ? StreamingCall : UnaryCall;
    return new Call(method, handler, stream, context, assembler);
  }
}

function refuse(stream: Http2Stream, trailers: Buffer): RequestReceiver {
  stream.end(trailers);
  return deaf;
}

/** As grpc-go says it. */
function unknownMethod(path: string): Buffer {
  const [, service = '', method = ''] = path.split('/');
  const details =
    service === '' || method === ''
      ? `malformed method name: "${path}"`
      : `unknown method ${method} for service ${service}`;
  return answerTrailers({ code: status.UNIMPLEMENTED, details }, true);
}
