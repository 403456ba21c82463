import { crc32 } from 'node:zlib';
import type { ClientWritableStream, ServiceError } from '@grpc/grpc-js';
import type { StateRow } from '@raftsman/journal';
import { encodeConfiguration, type MemberId } from '@raftsman/raft';
import type { PeerClient } from '@raftsman/proto/gen/raftsman/raft/v1/Peer.js';
import type { SnapshotFrame } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotFrame.js';
import type { SnapshotPositionResponse__Output } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotPositionResponse.js';
import type { SnapshotReceipt__Output } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotReceipt.js';
import { status } from '@raftsman/wire';
import { storeLimits } from '../../limits.js';
import type { PeerTarget } from './client.js';
import { helloTo, type PeerIdentity } from './hello.js';
import type { Mark, OutgoingState } from './outgoing-state.js';

/**
 * Streams a state, or what the peer does not have of it yet, over a connection of its own, as fast as the peer writes it down. Resolves with
 * whether the peer took it, once it is durable and in use there; rejects when the stream breaks, stalls or is refused.
 */
export async function sendSnapshot(
  state: OutgoingState,
  messageTerm: number,
  to: MemberId,
  target: PeerTarget,
  identity: PeerIdentity,
): Promise<boolean> {
  const { createPeerClient } = await import('./client.js');
  const client = createPeerClient(target);
  try {
    const after = state.beginAfter(
      state.isUnderWay ? await askPosition(state, to, identity, client) : { rowCount: 0, crc32: 0 },
    );
    const { index, term: indexTerm, configuration } = state.view.meta;
    const header = {
      hello: helloTo(to, identity),
      term: messageTerm,
      index,
      indexTerm,
      configuration: encodeConfiguration(configuration),
      stateId: state.id,
      afterRowCount: after.rowCount,
    };
    return await stream(header, state, after, client);
  } finally {
    client.close();
  }
}

/** What the peer received is not what was sent: nothing goes on from there. */
export const isWrongState = (error: unknown): boolean =>
  (error as Partial<ServiceError>).code === status.DATA_LOSS;

async function askPosition(
  { id: stateId }: OutgoingState,
  to: MemberId,
  identity: PeerIdentity,
  client: PeerClient,
): Promise<{ readonly rowCount: number; readonly crc32: number }> {
  const question = { hello: helloTo(to, identity), stateId };
  const deadline = Date.now() + storeLimits.snapshotStallMs;
  const position = await new Promise<SnapshotPositionResponse__Output>((resolve, reject) =>
    client.snapshotPosition(question, { deadline }, (error, answer) => {
      if (answer) resolve(answer);
      else reject(error ?? Object.assign(new Error('no answer'), noAnswer));
    }),
  );
  return { rowCount: Number(position.rowCount), crc32: position.crc32 };
}

async function stream(
  header: SnapshotFrame['header'],
  state: OutgoingState,
  after: Mark,
  client: PeerClient,
): Promise<boolean> {
  let failed: ServiceError | null = null;
  let call!: ClientWritableStream<SnapshotFrame>;
  const receipt = new Promise<SnapshotReceipt__Output>((resolve, reject) => {
    call = client.installSnapshot((error, answer) => {
      if (answer) resolve(answer);
      else reject((failed = error ?? Object.assign(new Error('no answer'), noAnswer)));
    });
  });
  receipt.catch(() => undefined); // Awaited at the end; a frame that cannot be written finds `failed`.
  call.on('error', () => undefined); // The callback has it.
  const write = async (frame: SnapshotFrame): Promise<void> => {
    if (failed !== null) throw failed;
    if (!call.write(frame)) await drained(call, receipt);
  };
  try {
    await write({ header });
    await write({ end: await writeRows(state, after, write) });
    call.end();
    const { accepted } = await within(storeLimits.snapshotInstallMs, receipt);
    return accepted;
  } catch (error) {
    call.cancel();
    throw error;
  }
}

const noAnswer = { code: 2, details: 'no answer', metadata: undefined as never };

/** Rows in frames of about snapshotFrameBytesMax; answers what the receiver checks. */
async function writeRows(
  state: OutgoingState,
  after: Mark,
  write: (frame: SnapshotFrame) => Promise<void>,
): Promise<{ rowCount: number; crc32: number }> {
  let rows: StateRow[] = [];
  let bytes = 0;
  let { rowCount, crc32: sum } = after;
  const writeFrame = async (lastKey: Uint8Array): Promise<void> => {
    const frame = { rows: { rows } };
    rows = [];
    bytes = 0;
    state.sending({ rowCount, crc32: sum, lastKey });
    await write(frame);
  };
  for await (const row of state.view.rows(after.lastKey)) {
    sum = crc32(row.value, crc32(row.key, sum));
    rowCount += 1;
    rows.push(row);
    bytes += row.key.length + row.value.length;
    if (bytes >= storeLimits.snapshotFrameBytesMax) await writeFrame(row.key);
  }
  const last = rows.at(-1);
  if (last !== undefined) await writeFrame(last.key);
  return { rowCount, crc32: sum };
}

/** Waits until the peer has taken what was written; not for ever, and not for one that is gone. */
async function drained(call: ClientWritableStream<SnapshotFrame>, end: Promise<unknown>): Promise<void> {
  const drain = new Promise<void>((resolve) => call.once('drain', resolve));
  await within(storeLimits.snapshotStallMs, Promise.race([drain, end]));
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the peer took nothing for ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
