import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import type { Metadata, MethodDefinition, ServerUnaryCall, UntypedHandleCall } from '@grpc/grpc-js';
import { status } from './grpc.js';
import type { GrpcService } from './server.js';

/** Who a call in the process is made for. A server's call is one: what is done on the way to its answer is done in its name. */
export type Caller = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'getPeer' | 'getAuthContext'>;

/** A gRPC status other than OK. */
export class CallError extends Error {
  readonly code: status;
  readonly details: string;

  constructor(code: status, details: string) {
    super(details);
    this.name = 'CallError';
    this.code = code;
    this.details = details;
  }
}

export type Method = MethodDefinition<unknown, unknown>;

interface Entry {
  readonly method: Method;
  readonly handler: UntypedHandleCall;
}

/**
 * The handlers of services, called without a connection. Requests and responses pass in their wire form, so that a handler
 * sees what it sees when gRPC calls it.
 */
export class InProcessServices {
  readonly #entries = new Map<string, Entry>();

  constructor(services: readonly Pick<GrpcService, 'definition' | 'implementation'>[]) {
    for (const { definition, implementation } of services)
      for (const [name, method] of Object.entries(definition)) {
        const handler = implementation[name] ?? implementation[method.originalName ?? name];
        if (handler !== undefined) this.#entries.set(method.path, { method, handler });
      }
  }

  /** `path`: `/etcdserverpb.KV/Range`. */
  method(path: string): Method | undefined {
    return this.#entries.get(path)?.method;
  }

  /** A call with messages as the service's handlers and clients have them. Rejects with CallError. */
  async ask<Response>(
    path: string,
    request: object,
    caller: Caller,
    signal?: AbortSignal,
  ): Promise<Response> {
    const { method } = this.#entry(path);
    const bytes = await this.unary(path, method.requestSerialize(request), caller, signal);
    return method.responseDeserialize(bytes) as Response;
  }

  /** Rejects with CallError; with CANCELLED once `signal` aborts, of which the handler is told. */
  unary(path: string, request: Buffer, caller: Caller, signal?: AbortSignal): Promise<Buffer> {
    const { method, handler } = this.#entry(path);
    return new Promise((resolve, reject) => {
      const call = new UnaryCall(path, caller, method.requestDeserialize(request));
      const cancel = (): void => {
        call.cancelled = true;
        call.emit('cancelled', 'cancelled');
        reject(new CallError(status.CANCELLED, 'Cancelled'));
      };
      if (signal?.aborted === true) return cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      (handler as Function)(call, (error: CallError | null, response: unknown) => {
        signal?.removeEventListener('abort', cancel);
        if (error !== null) reject(new CallError(error.code, error.details));
        else resolve(method.responseSerialize(response));
      });
    });
  }

  /**
   * A call with a stream on either side. Of `requests` a method without request stream takes the first. `deliver` is given one response
   * at a time. Resolves at the end of the responses; rejects with CallError, or with what `deliver` or `requests` reject with.
   */
  async stream(
    path: string,
    requests: AsyncIterable<Buffer>,
    caller: Caller,
    deliver: (response: Buffer) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void> {
    const { method, handler } = this.#entry(path);
    const call = new StreamCall(path, caller, method, deliver);
    const iterator = requests[Symbol.asyncIterator]();
    if (!method.requestStream) {
      const first = await iterator.next();
      if (first.done === true) throw new CallError(status.INVALID_ARGUMENT, 'EOF');
      call.request = method.requestDeserialize(first.value);
    }
    const cancel = (): void => call.cancel(new CallError(status.CANCELLED, 'Cancelled'));
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted === true) cancel();
    else (handler as Function)(call);
    if (method.requestStream) void call.receive(iterator);
    try {
      await call.ended;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  #entry(path: string): Entry {
    const entry = this.#entries.get(path);
    if (entry === undefined) throw new CallError(status.UNIMPLEMENTED, `unknown method ${path}`);
    return entry;
  }
}

/** What a handler may ask of a call that came over no connection. */
const surface = (path: string, caller: Caller) => ({
  metadata: caller.metadata,
  getPeer: () => caller.getPeer(),
  getAuthContext: () => caller.getAuthContext(),
  getPath: () => path,
  getHost: () => '',
  getDeadline: () => Infinity,
  sendMetadata: (_metadata: Metadata) => undefined,
});

class UnaryCall extends EventEmitter {
  readonly request: unknown;
  cancelled = false;

  constructor(path: string, caller: Caller, request: unknown) {
    super();
    this.request = request;
    Object.assign(this, surface(path, caller));
  }
}

/** The server's side of a stream: grpc-js' contract (`error` emitted with a status ends it) over a Duplex of messages. */
class StreamCall extends Duplex {
  readonly ended: Promise<void>;
  request: unknown;
  cancelled = false;
  readonly #method: Method;
  readonly #deliver: (response: Buffer) => Promise<void>;
  #failure: Error | null = null;
  #settle!: () => void;
  #wanted: (() => void) | null = null;

  constructor(path: string, caller: Caller, method: Method, deliver: (response: Buffer) => Promise<void>) {
    super({ objectMode: true });
    this.#method = method;
    this.#deliver = deliver;
    Object.assign(this, surface(path, caller));
    this.ended = new Promise((resolve, reject) => {
      this.#settle = () => (this.#failure === null ? resolve() : reject(this.#failure));
    });
    this.on('error', (error: Error & { readonly code?: status; readonly details?: string }) => {
      this.#failure ??=
        typeof error.code === 'number' ? new CallError(error.code, error.details ?? error.message) : error;
      this.end();
    });
    this.on('close', () => this.#settle());
  }

  /** The other side is gone, or has failed. */
  cancel(reason: Error): void {
    if (this.destroyed) return;
    this.#failure ??= reason;
    this.cancelled = true;
    this.emit('cancelled', 'cancelled');
    this.destroy();
  }

  /** Hands requests over as they are wanted. Never rejects: what `requests` reject with cancels the call. */
  async receive(requests: AsyncIterator<Buffer>): Promise<void> {
    try {
      for (;;) {
        const next = await requests.next();
        if (this.destroyed) return;
        if (next.done === true) break;
        if (!this.push(this.#method.requestDeserialize(next.value)))
          await new Promise<void>((resolve) => (this.#wanted = resolve));
      }
      this.push(null);
    } catch (error) {
      this.cancel(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _read(): void {
    this.#wanted?.();
    this.#wanted = null;
  }

  override _write(message: unknown, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    void this.#send(message, done);
  }

  async #send(message: unknown, done: () => void): Promise<void> {
    try {
      await this.#deliver(this.#method.responseSerialize(message));
    } catch (error) {
      this.cancel(error instanceof Error ? error : new Error(String(error)));
    }
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    done();
    this.#settle();
    // Nothing is read after the status has gone.
    this.push(null);
    this.resume();
  }
}
