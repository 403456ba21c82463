import type { sendUnaryData, ServerReadableStream, ServerUnaryCall } from '@grpc/grpc-js';
import type { Journal } from '@raftsman/journal';
import { decodeConfiguration, logIndex, term, type MemberId } from '@raftsman/raft';
import type { SnapshotFrame__Output } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotFrame.js';
import type { SnapshotHeader__Output } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotHeader.js';
import type { SnapshotPositionRequest__Output } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotPositionRequest.js';
import type { SnapshotPositionResponse } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotPositionResponse.js';
import type { SnapshotReceipt } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotReceipt.js';
import type { Logger } from '@raftsman/telemetry';
import { status } from '@raftsman/wire';
import { storeLimits } from '../../limits.js';
import { Arrival } from './arrival.js';
import type { PeerEvents } from './client.js';
import { meet, type PeerIdentity } from './hello.js';

type SnapshotCall = ServerReadableStream<SnapshotFrame__Output, SnapshotReceipt>;

/** What a sender is told: a gRPC status. */
class Refused extends Error {
  readonly code: status;
  constructor(code: status, details: string) {
    super(details);
    this.name = 'Refused';
    this.code = code;
  }
}

/** The stream ended before the state did; what came is whole. */
class Cut extends Refused {
  constructor(cause: unknown) {
    super(status.ABORTED, 'the stream was cut');
    this.cause = cause;
  }
}

export interface SnapshotReceiverOptions {
  readonly identity: PeerIdentity;
  readonly journal: Journal;
  readonly deliver: PeerEvents['snapshot'];
  readonly logger: Logger;
  readonly keepMs?: number;
}

/**
 * Takes one snapshot at a time, from its first frame until it is in use. Frames are read as fast as they are written down. What a cut stream
 * leaves is kept for a while, for the next one of the same state.
 */
export class SnapshotReceiver {
  readonly #options: SnapshotReceiverOptions;
  #busy = false;
  #closed = false;
  #kept: { readonly arrival: Arrival; readonly timer: NodeJS.Timeout } | null = null;

  constructor(options: SnapshotReceiverOptions) {
    this.#options = options;
  }

  receive(call: SnapshotCall, answer: sendUnaryData<SnapshotReceipt>): void {
    call.on('error', () => undefined); // The reading loop ends by it.
    this.#answer(
      this.#alone(() => this.#takeIn(call)).then((accepted) => ({ accepted })),
      answer,
    );
  }

  tellPosition(
    { request }: ServerUnaryCall<SnapshotPositionRequest__Output, SnapshotPositionResponse>,
    answer: sendUnaryData<SnapshotPositionResponse>,
  ): void {
    this.#answer(
      this.#alone(async () => {
        const from = await this.#meet(request.hello);
        const arrival = this.#kept?.arrival;
        return arrival?.isOf(from, request.stateId) ? arrival.position : {};
      }),
      answer,
    );
  }

  /** Nothing comes any more. What is kept is deleted when the journal is opened again. */
  close(): void {
    this.#closed = true;
    if (this.#kept !== null) clearTimeout(this.#kept.timer);
    this.#kept = null;
  }

  #answer<T>(work: Promise<T>, answer: sendUnaryData<T>): void {
    work.then(
      (value) => answer(null, value),
      (error: unknown) => {
        this.#options.logger.warn({ err: error }, 'did not take a snapshot');
        const code = error instanceof Refused ? error.code : status.INTERNAL;
        answer({ code, details: error instanceof Error ? error.message : String(error) });
      },
    );
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy) throw new Refused(status.RESOURCE_EXHAUSTED, 'another snapshot is on its way');
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  async #meet(hello: Parameters<typeof meet>[0]): Promise<MemberId> {
    const { identity, journal } = this.#options;
    const greeting = await meet(hello, identity, journal);
    if (greeting.kind !== 'welcome') throw new Refused(status.FAILED_PRECONDITION, greeting.reason);
    return greeting.from;
  }

  async #takeIn(call: SnapshotCall): Promise<boolean> {
    const frames: AsyncIterator<SnapshotFrame__Output> = call[Symbol.asyncIterator]();
    const first = await frames.next();
    const header = first.done === true ? undefined : first.value.header;
    const from = await this.#meet(header?.hello);
    if (!header) throw new Refused(status.FAILED_PRECONDITION, 'no header');
    const arrival = await this.#arrivalOf(from, header);
    try {
      await takeRows(frames, arrival);
      return await hand(header, from, arrival, this.#options.deliver);
    } catch (error) {
      if (error instanceof Cut && arrival.position.rowCount > 0) this.#keep(arrival);
      else await arrival.staging.abort();
      throw error;
    }
  }

  /** That which is kept, or a new one. */
  async #arrivalOf(from: MemberId, header: SnapshotHeader__Output): Promise<Arrival> {
    const { journal, keepMs } = this.#options;
    const kept = this.#kept;
    if (kept?.arrival.goesOnWith(from, header)) {
      clearTimeout(kept.timer);
      this.#kept = null;
      return kept.arrival;
    }
    if (Number(header.afterRowCount) !== 0)
      throw new Refused(status.ABORTED, 'what comes before these rows is not here');
    await this.#drop();
    return new Arrival(from, header, await journal.stage(), keepMs ?? storeLimits.snapshotKeepMs);
  }

  #keep(arrival: Arrival): void {
    if (this.#closed) return;
    const keepMs = arrival.grace.cutAfter(arrival.position.rowCount, performance.now());
    const timer = setTimeout(() => {
      this.#drop().catch((error: unknown) =>
        this.#options.logger.warn({ err: error }, 'half a snapshot could not be deleted'),
      );
    }, keepMs).unref();
    this.#kept = { arrival, timer };
  }

  async #drop(): Promise<void> {
    const kept = this.#kept;
    this.#kept = null;
    if (kept === null) return;
    clearTimeout(kept.timer);
    await kept.arrival.staging.abort();
  }
}

async function takeRows(frames: AsyncIterator<SnapshotFrame__Output>, arrival: Arrival): Promise<void> {
  for (;;) {
    const next = await frames.next().catch((error: unknown) => {
      throw new Cut(error);
    });
    if (next.done === true) throw new Cut(undefined);
    const { rows, end } = next.value;
    if (rows) await arrival.add(rows.rows);
    if (!end) continue;
    const { rowCount, crc32 } = arrival.position;
    if (Number(end.rowCount) !== rowCount || end.crc32 !== crc32)
      throw new Refused(status.DATA_LOSS, 'what arrived is not what was sent');
    return;
  }
}

async function hand(
  header: SnapshotHeader__Output,
  from: MemberId,
  { staging }: Arrival,
  deliver: PeerEvents['snapshot'],
): Promise<boolean> {
  const configuration = decodeConfiguration(header.configuration);
  if (configuration === null) throw new Refused(status.INVALID_ARGUMENT, 'a configuration that is none');
  const staged = await staging.finish({
    index: logIndex(Number(header.index)),
    term: term(Number(header.indexTerm)),
    configuration,
  });
  const accepted = await deliver(from, Number(header.term), staged);
  if (!accepted) await staging.abort();
  return accepted;
}
