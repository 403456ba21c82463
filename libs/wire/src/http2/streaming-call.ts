import { Duplex } from 'node:stream';
import type { Metadata } from '@grpc/grpc-js';
import { status } from '../grpc.js';
import { CallError, type Method } from '../in-process.js';
import { answerHeaders, answerTrailers, okStatus, statusOf, type CallStatus } from './answers.js';
import type { AuthContext, CallContext } from './call-context.js';
import { http2Limits } from './limits.js';
import type { MessageAssembler } from './messages.js';
import type { Http2Stream, RequestReceiver } from './stream.js';
import { deserialized } from './unary-call.js';

/**
 * grpc-js' server side of a call with a stream of messages on either side or both: a Duplex of messages. A status emitted as `error` ends it, and
 * so does `end`. What the handler does not read the client may not send; a write calls back when the message has gone to the socket.
 */
export class StreamingCall extends Duplex implements RequestReceiver {
  request: unknown;
  cancelled = false;
  readonly #method: Method;
  readonly #handler: Function;
  readonly #stream: Http2Stream;
  readonly #context: CallContext;
  readonly #assembler: MessageAssembler;
  /** The request of a method without request stream has come. */
  #started = false;
  #headersSent = false;
  #ending: CallStatus = okStatus;
  /** Bytes that came and are not allowed for again yet. */
  #owedBytes = 0;
  #full = false;

  constructor(
    method: Method,
    handler: Function,
    stream: Http2Stream,
    context: CallContext,
    assembler: MessageAssembler,
  ) {
    super({ objectMode: true });
    this.#method = method;
    this.#handler = handler;
    this.#stream = stream;
    this.#context = context;
    this.#assembler = assembler;
    this.on('error', (error: unknown) => {
      this.#ending = statusOf(error);
      if (this.destroyed) this.#stream.end(answerTrailers(this.#ending, !this.#headersSent));
      else this.end();
    });
    if (method.requestStream) this.#begin();
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
    if (!this.#headersSent) this.#sendHeaders(metadata);
  }

  requestData(bytes: Buffer): void {
    this.#owedBytes += bytes.length;
    try {
      for (const message of this.#assembler.push(bytes)) this.#take(deserialized(this.#method, message));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#assembler.drop();
      this.emit('error', error);
      return;
    }
    if (!this.#full) this.#allow();
  }

  requestEnd(): void {
    if (this.#method.requestStream) this.push(null);
    else if (this.#started) this.#begin();
    else this.emit('error', new CallError(status.UNIMPLEMENTED, 'Request message is missing'));
  }

  abandoned(): void {
    this.#assembler.drop();
    this.cancelled = true;
    this.emit('cancelled', 'cancelled');
    this.destroy();
  }

  override _read(): void {
    this.#full = false;
    this.#allow();
  }

  override _write(message: unknown, _encoding: BufferEncoding, done: () => void): void {
    if (!this.#headersSent) this.#sendHeaders();
    this.#stream.sendMessage(this.#method.responseSerialize(message), done);
  }

  override _final(done: () => void): void {
    done();
    this.#stream.end(answerTrailers(this.#ending, !this.#headersSent));
  }

  override end(metadata?: unknown): this {
    if (metadata !== undefined) this.#ending = { ...this.#ending, metadata: metadata as Metadata };
    return super.end();
  }

  #take(message: unknown): void {
    if (this.#method.requestStream) {
      this.#full = !this.push(message);
      return;
    }
    if (this.#started) throw new CallError(status.UNIMPLEMENTED, 'Too many request messages');
    this.#started = true;
    this.request = message;
  }

  #begin(): void {
    const { connection } = this.#stream;
    connection.runningCalls += 1;
    this.once('close', () => (connection.runningCalls -= 1));
    if (this.#method.responseStream) this.#handler(this);
    else
      this.#handler(this, (error: unknown, response: unknown, trailer?: Metadata | null) =>
        this.#answer(error, response, trailer),
      );
  }

  /**
   * Of a method that answers a stream with one message. Past the Duplex: a handler that iterated over the requests to their end has destroyed it.
   */
  #answer(error: unknown, response: unknown, trailer?: Metadata | null): void {
    if (error) this.#ending = statusOf(error, trailer);
    else {
      if (trailer) this.#ending = { ...okStatus, metadata: trailer };
      if (!this.#headersSent) this.#sendHeaders();
      this.#stream.sendMessage(this.#method.responseSerialize(response), null);
    }
    this.#stream.end(answerTrailers(this.#ending, !this.#headersSent));
    this.destroy();
  }

  #sendHeaders(metadata?: Metadata): void {
    this.#headersSent = true;
    this.#stream.sendHeaders(answerHeaders(metadata));
  }

  #allow(): void {
    if (this.#owedBytes < http2Limits.streamWindowBytes / 4) return;
    this.#stream.allow(this.#owedBytes);
    this.#owedBytes = 0;
  }
}
