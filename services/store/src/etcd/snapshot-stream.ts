import type { ServerWritableStream } from '@grpc/grpc-js';
import type { SnapshotRequest__Output } from '@raftsman/proto/gen/etcdserverpb/SnapshotRequest.js';
import type { SnapshotResponse } from '@raftsman/proto/gen/etcdserverpb/SnapshotResponse.js';
import type { StateView } from '../contract.js';
import { snapshotFile } from '../snapshot/file.js';
import { snapshotLimits } from '../snapshot/limits.js';
import { memberHeader, type Context } from './context.js';
import { etcdError, toEtcdError } from './errors.js';
import { requiresLeader } from './unary.js';

type Call = ServerWritableStream<SnapshotRequest__Output, SnapshotResponse>;

/** The format of the files: etcd 3.5's, which every 3.4 and later reads. */
const storageVersion = '3.5.0';

/** What this member has applied when it is asked, as a file; writes go on meanwhile. As fast as the client takes it, but not for ever. */
export class SnapshotStreams {
  readonly #context: Context;
  #running = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Never rejects but for a bug. */
  async serve(call: Call): Promise<void> {
    this.#running += 1;
    try {
      if (this.#running > snapshotLimits.snapshotsMax) throw etcdError('tooManyRequests');
      if (requiresLeader(call.metadata) && this.#context.replica.status().leader === null)
        throw etcdError('noLeader');
      await this.#send(call);
      call.end();
    } catch (error) {
      const refusal = toEtcdError(error);
      if (refusal === undefined) throw error;
      call.emit('error', { code: refusal.code, details: refusal.details });
    } finally {
      this.#running -= 1;
    }
  }

  async #send(call: Call): Promise<void> {
    const { replica, logger } = this.#context;
    const view = await replica.openStateView();
    const startedAtMs = performance.now();
    let bytes = 0;
    try {
      for await (const blob of snapshotFile(view, this.#marks(view))) {
        const more = call.write({
          header: memberHeader(this.#context),
          blob: blob.bytes,
          remainingBytes: blob.remainingBytes,
          version: storageVersion,
        });
        bytes += blob.bytes.length;
        if (!more) await drained(call);
        if (call.cancelled) break;
      }
    } finally {
      await view.close();
    }
    const tookMs = Math.round(performance.now() - startedAtMs);
    logger.info({ bytes, tookMs, index: view.meta.index, given: !call.cancelled }, 'snapshot for a client');
  }

  #marks({ meta: { index, term, configuration } }: StateView) {
    const { voters, learners } = configuration;
    return { index, term, voters, learners, members: this.#context.replica.members() };
  }
}

/** Resolves when the client took what was written, or is gone; rejects when it takes nothing for long. */
function drained(call: Call): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer);
      call.off('drain', done);
      call.off('cancelled', done);
      resolve();
    };
    const timer = setTimeout(() => {
      call.off('drain', done);
      call.off('cancelled', done);
      reject(etcdError('timeout'));
    }, snapshotLimits.stallMs);
    call.on('drain', done);
    call.on('cancelled', done);
    if (call.cancelled) done();
  });
}
