import { crc32 } from 'node:zlib';
import type { ClientWritableStream, ServiceError } from '@grpc/grpc-js';
import type { StateRow, StateView } from '@raftsman/journal';
import { encodeConfiguration, type MemberId } from '@raftsman/raft';
import type { SnapshotFrame } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotFrame.js';
import type { SnapshotReceipt__Output } from '@raftsman/proto/gen/raftsman/raft/v1/SnapshotReceipt.js';
import { storeLimits } from '../../limits.js';
import { createPeerClient, type PeerTarget } from './client.js';
import { helloTo, type PeerIdentity } from './hello.js';

/**
 * Streams a state to a peer over a connection of its own, as fast as the peer writes it down. Resolves with whether the peer took it,
 * once it is durable and in use there; rejects when the stream breaks, stalls or is refused.
 */
export async function sendSnapshot(
  view: StateView,
  messageTerm: number,
  to: MemberId,
  target: PeerTarget,
  identity: PeerIdentity,
): Promise<boolean> {
  const client = createPeerClient(target);
  try {
    return await stream(view, messageTerm, to, identity, client);
  } finally {
    client.close();
  }
}

async function stream(
  view: StateView,
  messageTerm: number,
  to: MemberId,
  identity: PeerIdentity,
  client: ReturnType<typeof createPeerClient>,
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
  const { index, term: indexTerm, configuration } = view.meta;
  const hello = helloTo(to, identity);
  try {
    await write({
      header: {
        hello,
        term: messageTerm,
        index,
        indexTerm,
        configuration: encodeConfiguration(configuration),
      },
    });
    await write({ end: await writeRows(view, write) });
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
  view: StateView,
  write: (frame: SnapshotFrame) => Promise<void>,
): Promise<{ rowCount: number; crc32: number }> {
  let rows: StateRow[] = [];
  let bytes = 0;
  let rowCount = 0;
  let sum = 0;
  for await (const row of view.rows()) {
    sum = crc32(row.value, crc32(row.key, sum));
    rowCount += 1;
    rows.push(row);
    bytes += row.key.length + row.value.length;
    if (bytes < storeLimits.snapshotFrameBytesMax) continue;
    await write({ rows: { rows } });
    rows = [];
    bytes = 0;
  }
  if (rows.length > 0) await write({ rows: { rows } });
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
