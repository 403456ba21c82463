import { EventEmitter } from 'node:events';
import type { Metadata } from '@grpc/grpc-js';
import { status } from '../grpc.js';
import { CallError, type Method } from '../in-process.js';
import { answerHeaders, answerTrailers, okStatus, statusOf, type CallStatus } from './answers.js';
import type { AuthContext, CallContext } from './call-context.js';
import { http2Limits } from './limits.js';
import type { MessageAssembler } from './messages.js';
import type { Http2Stream, RequestReceiver } from './stream.js';

type Callback = (error: unknown, response?: unknown, trailer?: Metadata | null) => void;

/** grpc-js' ServerUnaryCall over a stream of our own: one message, one answer. */
export class UnaryCall extends EventEmitter implements RequestReceiver {
  request: unknown;
  cancelled = false;
  readonly #method: Method;
  readonly #handler: Function;
  readonly #stream: Http2Stream;
  readonly #context: CallContext;
  readonly #assembler: MessageAssembler;
  #received = false;
  #metadata: Metadata | undefined;

  constructor(
    method: Method,
    handler: Function,
    stream: Http2Stream,
    context: CallContext,
    assembler: MessageAssembler,
  ) {
    super();
    this.#method = method;
    this.#handler = handler;
    this.#stream = stream;
    this.#context = context;
    this.#assembler = assembler;
  }

  get metadata(): Metadata {
    return this.#context.metadata;
  }

  getPeer(): string {
    return this.#context.peer;
  }

  getAuthContext(): AuthContext {
    return this.#context.authContext;
  }

  getDeadline(): number {
    return this.#context.deadline;
  }

  getPath(): string {
    return this.#context.path;
  }

  getHost(): string {
    return this.#context.header(':authority');
  }

  sendMetadata(metadata: Metadata): void {
    this.#metadata = metadata;
  }

  requestData(bytes: Buffer): void {
    try {
      for (const message of this.#assembler.push(bytes)) this.#take(message);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return this.#finish(error);
    }
    if (!this.#received && this.#stream.receiveWindow < http2Limits.streamWindowBytes / 2)
      this.#stream.allow(http2Limits.streamWindowBytes - this.#stream.receiveWindow);
  }

  requestEnd(): void {
    if (this.#stream.localEnded) return;
    if (!this.#received)
      return this.#finish({ code: status.UNIMPLEMENTED, details: 'Request message is missing' });
    const { connection } = this.#stream;
    connection.runningCalls += 1;
    let answered = false;
    const callback: Callback = (error, response, trailer) => {
      if (answered) return;
      answered = true;
      connection.runningCalls -= 1;
      if (error) this.#finish(statusOf(error, trailer));
      else this.#answer(response, trailer);
    };
    this.#handler(this, callback);
  }

  abandoned(): void {
    this.#assembler.drop();
    this.cancelled = true;
    this.emit('cancelled', 'cancelled');
  }

  #take(message: Buffer): void {
    if (this.#received) throw new CallError(status.UNIMPLEMENTED, 'Too many request messages');
    this.#received = true;
    this.request = deserialized(this.#method, message);
  }

  #answer(response: unknown, trailer: Metadata | null | undefined): void {
    if (this.#stream.localEnded) return;
    const message = this.#method.responseSerialize(response);
    const ending = trailer ? { ...okStatus, metadata: trailer } : okStatus;
    this.#stream.answer(answerHeaders(this.#metadata), message, answerTrailers(ending, false));
  }

  #finish(ending: CallStatus): void {
    this.#assembler.drop();
    this.#stream.end(answerTrailers(ending, true));
  }
}

/** Throws CallError. */
export function deserialized(method: Method, message: Buffer): unknown {
  try {
    return method.requestDeserialize(message);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CallError(status.INTERNAL, `Error deserializing request: ${reason}`);
  }
}
