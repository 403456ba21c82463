import { crc32 } from 'node:zlib';
import { status, type sendUnaryData, type ServerReadableStream } from '@grpc/grpc-js';
import type { Journal, Staging } from '@raftsman/journal';
import { decodeConfiguration, logIndex, term, type MemberId } from '@raftsman/raft';
import type { SnapshotEnd__Output } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotEnd.js';
import type { SnapshotFrame__Output } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotFrame.js';
import type { SnapshotHeader__Output } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotHeader.js';
import type { SnapshotReceipt } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotReceipt.js';
import type { Logger } from '@raftsman/telemetry';
import type { PeerEvents } from './client.js';
import { meet, type PeerIdentity } from './hello.js';

export type SnapshotCall = ServerReadableStream<SnapshotFrame__Output, SnapshotReceipt>;

/** What a sender is told: a gRPC status. */
class Refused extends Error {
  readonly code: status;
  constructor(code: status, details: string) {
    super(details);
    this.name = 'Refused';
    this.code = code;
  }
}

/** Takes one snapshot at a time, from its first frame until it is in use. Frames are read as fast as they are written down. */
export function createSnapshotReceiver(
  identity: PeerIdentity,
  journal: Journal,
  deliver: PeerEvents['snapshot'],
  logger: Logger,
): (call: SnapshotCall, answer: sendUnaryData<SnapshotReceipt>) => void {
  let busy = false;
  const receive = async (call: SnapshotCall): Promise<boolean> => {
    if (busy) throw new Refused(status.RESOURCE_EXHAUSTED, 'another snapshot is on its way');
    busy = true;
    try {
      return await takeIn(call, identity, journal, deliver);
    } finally {
      busy = false;
    }
  };
  return (call, answer) => {
    call.on('error', () => undefined); // The reading loop ends by it.
    receive(call).then(
      (accepted) => answer(null, { accepted }),
      (error: unknown) => {
        logger.warn({ err: error }, 'did not take a snapshot');
        const code = error instanceof Refused ? error.code : status.INTERNAL;
        answer({ code, details: error instanceof Error ? error.message : String(error) });
      },
    );
  };
}

async function takeIn(
  call: SnapshotCall,
  identity: PeerIdentity,
  journal: Journal,
  deliver: PeerEvents['snapshot'],
): Promise<boolean> {
  const frames: AsyncIterator<SnapshotFrame__Output> = call[Symbol.asyncIterator]();
  const first = await frames.next();
  const header = first.done === true ? undefined : first.value.header;
  const greeting = await meet(header?.hello, identity, journal);
  if (greeting.kind !== 'welcome' || !header)
    throw new Refused(
      status.FAILED_PRECONDITION,
      greeting.kind === 'welcome' ? 'no header' : greeting.reason,
    );
  const staging = await journal.stage();
  try {
    await stageRows(frames, staging);
    return await hand(header, greeting.from, staging, deliver);
  } catch (error) {
    await staging.abort();
    throw error;
  }
}

async function stageRows(frames: AsyncIterator<SnapshotFrame__Output>, staging: Staging): Promise<void> {
  let rowCount = 0;
  let sum = 0;
  let end: SnapshotEnd__Output | null = null;
  for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
    const { rows, end: last } = next.value;
    if (last) end = last;
    if (!rows) continue;
    for (const { key, value } of rows.rows) sum = crc32(value, crc32(key, sum));
    rowCount += rows.rows.length;
    await staging.add(rows.rows);
  }
  if (end === null) throw new Refused(status.ABORTED, 'the stream was cut');
  if (Number(end.rowCount) !== rowCount || end.crc32 !== sum)
    throw new Refused(status.DATA_LOSS, 'what arrived is not what was sent');
}

async function hand(
  header: SnapshotHeader__Output,
  from: MemberId,
  staging: Staging,
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
