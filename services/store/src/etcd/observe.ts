import type { ServerWritableStream } from '@grpc/grpc-js';
import { isTombstone, revision } from '@raftsman/mvcc';
import type { LeaderRequest__Output } from '@raftsman/proto/gen/v3electionpb/LeaderRequest.js';
import type { LeaderResponse } from '@raftsman/proto/gen/v3electionpb/LeaderResponse.js';
import { Changes } from './changes.js';
import { firstOf, prefixRange, Requests, type Concurrency } from './concurrency.js';
import { header } from './context.js';
import { etcdError, toEtcdError } from './errors.js';
import { wireKeyValue } from './to-wire.js';
import { requiresLeader } from './unary.js';

type Call = ServerWritableStream<LeaderRequest__Output, LeaderResponse>;

/** One observer: what it has not taken yet is read from history, not kept. */
export function observe(concurrency: Concurrency, call: Call): void {
  const left = new AbortController();
  const abort = (): void => left.abort();
  for (const event of ['cancelled', 'close', 'error']) call.on(event, abort);
  if (call.cancelled) abort();
  void follow();
  async function follow(): Promise<void> {
    try {
      if (requiresLeader(call.metadata) && concurrency.context.replica.status().leader === null)
        throw etcdError('noLeader');
      await new Observer(concurrency, call, left.signal).run();
    } catch (error) {
      const refusal = toEtcdError(error);
      if (refusal === undefined) throw error;
      if (!left.signal.aborted) call.emit('error', { code: refusal.code, details: refusal.details });
    }
  }
}

class Observer {
  readonly #concurrency: Concurrency;
  readonly #call: Call;
  readonly #signal: AbortSignal;
  readonly #requests: Requests;

  constructor(concurrency: Concurrency, call: Call, signal: AbortSignal) {
    this.#concurrency = concurrency;
    this.#call = call;
    this.#signal = signal;
    this.#requests = new Requests(concurrency, call);
  }

  /** Rejects with EtcdError; with CANCELLED when the client has left. */
  async run(): Promise<never> {
    const { name } = this.#call.request;
    for (;;) {
      const { kvs, header: said } = await this.#requests.range(firstOf(name));
      const kv = kvs[0];
      const { key, from } =
        kv === undefined
          ? await this.#firstCandidate(Number(said!.revision))
          : {
              key: kv.key,
              from: Number(said!.revision),
            };
      if (kv !== undefined) await this.#send({ header: said, kv });
      await this.#followTerm(key, from + 1);
    }
  }

  /** Nobody leads at `present`: whoever comes first does. */
  async #firstCandidate(present: number): Promise<{ key: Buffer; from: number }> {
    const { key, rangeEnd } = prefixRange(this.#call.request.name);
    const changes = new Changes(this.#concurrency, key, rangeEnd, revision(present + 1));
    try {
      for (;;) {
        const batch = await changes.next(this.#signal);
        const first = batch.changes.find((change) => !isTombstone(change));
        if (first === undefined) continue;
        const kv = wireKeyValue(first);
        await this.#send({ header: header(this.#concurrency.context, first.modRevision), kv });
        return { key: Buffer.from(first.key, 'latin1'), from: first.modRevision };
      }
    } finally {
      changes.close();
    }
  }

  /** What the leader with this key proclaims, until the key is gone. */
  async #followTerm(key: Buffer, from: number): Promise<void> {
    const changes = new Changes(this.#concurrency, key, Buffer.alloc(0), revision(from));
    try {
      for (;;) {
        const batch = await changes.next(this.#signal);
        for (const change of batch.changes) {
          if (isTombstone(change)) return;
          const said = header(this.#concurrency.context, batch.upTo);
          await this.#send({ header: said, kv: wireKeyValue(change) });
        }
      }
    } finally {
      changes.close();
    }
  }

  /** Resolves when the client has room for more. */
  async #send(response: LeaderResponse): Promise<void> {
    await this.#concurrency.waiters.wait<void>(this.#signal, (resolve) => {
      this.#call.write(response, () => resolve());
    });
  }
}
