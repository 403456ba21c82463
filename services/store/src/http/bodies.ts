import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { CallError, status, wireLimits } from '@raftsman/wire';
import { JsonValues } from './json-values.js';
import { httpLimits } from './limits.js';

/** Reads the JSON of requests, within what all of them together may hold. */
export class Bodies {
  readonly #valueCharactersMax: number;
  #bytesHeld = 0;

  /** `requestBytesMax`: of a gRPC request. */
  constructor(requestBytesMax: number) {
    this.#valueCharactersMax =
      httpLimits.jsonBytesPerRequestByte * requestBytesMax + httpLimits.jsonOverheadBytes;
  }

  /** As `values`, of a stream: it may rest between two of them, but one that has begun ends in time, or the connection is closed. */
  async *streamed(request: IncomingMessage): AsyncGenerator<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const heard = (hasBegun: boolean): void => {
      if (hasBegun) timer ??= setTimeout(() => request.socket.destroy(), wireLimits.httpBodyTimeoutMs);
      else {
        clearTimeout(timer);
        timer = undefined;
      }
    };
    try {
      yield* this.values(request, heard);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * One value after the other as they come. `heard` is told after each piece whether a value has begun and not ended: only then is anything held.
   * Throws JsonError, or CallError when there is no room.
   */
  async *values(
    request: IncomingMessage,
    heard: (hasBegun: boolean) => void = () => undefined,
  ): AsyncGenerator<unknown> {
    const values = new JsonValues(this.#valueCharactersMax);
    const decoder = new StringDecoder('utf8');
    let held = 0;
    const hold = (bytes: number): void => {
      this.#bytesHeld += bytes - held;
      held = bytes;
    };
    try {
      // Without destroying: that would take the connection away from the answer.
      const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      for await (const chunk of chunks) {
        hold(held + chunk.length);
        if (this.#bytesHeld > httpLimits.bodyBytesTotalMax)
          throw new CallError(status.RESOURCE_EXHAUSTED, 'etcdserver: too many requests');
        const ended = values.push(decoder.write(chunk));
        if (ended.length > 0 || !values.hasBegun) {
          hold(0);
          heard(false);
        }
        yield* ended;
        if (!values.hasBegun) continue;
        if (ended.length > 0) hold(chunk.length);
        heard(true);
      }
      values.finish();
    } finally {
      hold(0);
    }
  }
}
