import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { CallError, status } from '@raftsman/wire';
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

  /** One value after the other as they come. Throws JsonError, or CallError when there is no room. */
  async *values(request: IncomingMessage): AsyncGenerator<unknown> {
    const values = new JsonValues(this.#valueCharactersMax);
    const decoder = new StringDecoder('utf8');
    let held = 0;
    try {
      // Without destroying: that would take the connection away from the answer.
      const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      for await (const chunk of chunks) {
        held += chunk.length;
        this.#bytesHeld += chunk.length;
        if (this.#bytesHeld > httpLimits.bodyBytesTotalMax)
          throw new CallError(status.RESOURCE_EXHAUSTED, 'etcdserver: too many requests');
        for (const value of values.push(decoder.write(chunk))) {
          this.#bytesHeld -= held;
          held = 0;
          yield value;
        }
      }
      values.finish();
    } finally {
      this.#bytesHeld -= held;
    }
  }
}
