import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { keyRange, revision, type Binary, type RangeRequest, type Revision } from '@raftsman/mvcc';
import type { RangeRequest__Output } from '@raftsman/proto/gen/etcdserverpb/RangeRequest.js';
import type { RangeStreamResponse } from '@raftsman/proto/gen/etcdserverpb/RangeStreamResponse.js';
import { requireRead } from '../auth/permissions.js';
import { readAs } from './access.js';
import { memberHeader, storeOf, type Context } from './context.js';
import type { EncodedResponse } from './encoded.js';
import { etcdError, toEtcdError, type EtcdError } from './errors.js';
import { parseRangeStream } from './from-wire.js';
import type { Leadership } from './leadership.js';
import { etcdLimits } from './limits.js';
import { encodeRangePart, type RangePart } from './range-response.js';
import { requiresLeader } from './unary.js';

type Call = ServerWritableStream<RangeRequest__Output, RangeStreamResponse>;

/**
 * Ranges answered in parts, all of one revision: the next part is read from the store once the client has taken the one before, so that a
 * large answer is never in memory as a whole. A compaction beyond that revision ends the stream, as in etcd.
 */
export class RangeStreams {
  readonly #context: Context;
  readonly #leadership: Leadership;
  #running = 0;
  /** When the last of those who wait for a turn has it. */
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(context: Context, leadership: Leadership) {
    this.#context = context;
    this.#leadership = leadership;
  }

  /** Never rejects but for a bug. */
  async serve(call: Call): Promise<void> {
    const ended = new AbortController();
    for (const event of ['cancelled', 'close', 'error']) call.on(event, () => ended.abort());
    let forget = (): unknown => undefined;
    this.#running += 1;
    try {
      if (this.#running > etcdLimits.rangeStreamsMax) throw etcdError('tooManyRequests');
      if (requiresLeader(call.metadata)) {
        if (!this.#leadership.hasLeader()) throw etcdError('noLeader');
        forget = this.#leadership.onLost(() => refuse(call, etcdError('noLeader')));
      }
      await this.#answer(call, ended.signal);
      if (!ended.signal.aborted) call.end();
    } catch (error) {
      const refusal = toEtcdError(error);
      if (refusal === undefined) throw error;
      if (!ended.signal.aborted) refuse(call, refusal);
    } finally {
      forget();
      this.#running -= 1;
    }
  }

  async #answer(call: Call, ended: AbortSignal): Promise<void> {
    const request = parseRangeStream(call.request);
    if (!call.request.serializable) await this.#context.replica.readIndex();
    const read = <T>(what: () => T): Promise<T> =>
      readAs(this.#context, call, (auth, who) => requireRead(auth, who, request.key, request.rangeEnd), what);
    // Asked once, like a watch: what follows is of the revision that could be read then.
    const present = await read(() => storeOf(this.#context).revision);
    const at = request.revision > 0 ? revision(request.revision) : present;
    if (request.countOnly) {
      const count = await this.#countFrom(request.key, request, at, ended);
      await this.#send(
        call,
        ended,
        { kvs: [], keysOnly: false, revision: present, more: false, count },
        true,
      );
    } else {
      await this.#sendParts(call, ended, request, at, present);
    }
  }

  /** `at`: the revision that is read; `present`: what the header tells. */
  async #sendParts(
    call: Call,
    ended: AbortSignal,
    request: RangeRequest,
    at: Revision,
    present: Revision,
  ): Promise<void> {
    const { keysOnly } = request;
    const bounds = { bytesMax: etcdLimits.rangePartBytes, keysMax: etcdLimits.rangePartKeys, keysOnly };
    let kvsMax = request.limit > 0 ? request.limit : Infinity;
    let count = 0;
    for (let key: Binary | null = request.key; key !== null && !ended.aborted;) {
      const range = keyRange(key, request.rangeEnd);
      const { kvs, next } = storeOf(this.#context).page(range, at, { ...bounds, kvsMax });
      count += kvs.length;
      kvsMax -= kvs.length;
      key = kvsMax > 0 ? next : null;
      const left = key === null && next !== null ? await this.#countFrom(next, request, at, ended) : 0;
      const part = {
        kvs,
        keysOnly,
        revision: present,
        more: left > 0,
        count: count + left,
      };
      if (kvs.length > 0 || key === null) await this.#send(call, ended, part, key === null);
      else await this.#ownTurn();
    }
  }

  /** Keys from one on, as they were at a revision. Of the present the index knows how many; else each is looked at, and others run in between. */
  async #countFrom(first: Binary, request: RangeRequest, at: Revision, ended: AbortSignal): Promise<number> {
    const keysMax = etcdLimits.rangeCountKeysPerSlice;
    const bounds = { kvsMax: Infinity, bytesMax: Infinity, keysOnly: true, keysMax };
    let count = 0;
    for (let key: Binary | null = first; key !== null && !ended.aborted;) {
      const store = storeOf(this.#context);
      if (store.revision === at)
        return count + store.range({ ...request, key, revision: at, limit: 0, countOnly: true }).count;
      await this.#ownTurn();
      const { kvs, next } = storeOf(this.#context).page(keyRange(key, request.rangeEnd), at, bounds);
      count += kvs.length;
      key = next;
    }
    return count;
  }

  /** A turn of the event loop that no other stream is given: a thousand of them in one would hold up everybody. */
  #ownTurn(): Promise<unknown> {
    this.#lastTurn = this.#lastTurn.then(() => nextTurn());
    return this.#lastTurn;
  }

  async #send(call: Call, ended: AbortSignal, part: RangePart, isLast: boolean): Promise<void> {
    const encoded = await encodeRangePart(isLast ? memberHeader(this.#context) : null, part);
    await taken(call, encoded, ended);
  }
}

/** Resolves when the client has taken the part, or the call has ended; rejects with EtcdError when it takes nothing for long. */
function taken(call: Call, part: EncodedResponse, ended: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer);
      ended.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(() => {
      ended.removeEventListener('abort', done);
      reject(etcdError('timeout'));
    }, etcdLimits.rangeStreamStallMs);
    ended.addEventListener('abort', done);
    if (ended.aborted) done();
    // In its wire form: index.ts lets this method answer so.
    else call.write(part as RangeStreamResponse, done);
  });
}

function refuse(call: Call, { code, details }: EtcdError): void {
  call.emit('error', { code, details });
}
