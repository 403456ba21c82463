import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { MaintenanceClient } from '@raftsman/proto/gen/etcdserverpb/Maintenance.js';
import { clientCredentials, loadService, type ClientSecurity } from '@raftsman/wire';
import { SnapshotFileError } from './errors.js';

const checksumBytes = 32;

/**
 * Fetches the snapshot of one member, ours or etcd's, into a file, which appears when it is whole and its checksum right. Answers its
 * bytes. Rejects with SnapshotFileError, a gRPC ServiceError or the system's error.
 */
export async function saveSnapshot(target: string, security: ClientSecurity, path: string): Promise<number> {
  const Client = loadService('etcd/rpc.proto', 'etcdserverpb.Maintenance');
  const client = new Client(target, clientCredentials(security), {
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
  }) as unknown as MaintenanceClient;
  const part = `${path}.part`;
  try {
    const bytes = await receive(client, part);
    await rename(part, path);
    return bytes;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    client.close();
  }
}

async function receive(client: MaintenanceClient, part: string): Promise<number> {
  const file = await open(part, 'w', 0o600);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    let tail = Buffer.alloc(0);
    // The last bytes are the checksum of those before; they may come together.
    for await (const { blob } of client.snapshot({}) as AsyncIterable<{ blob: Buffer }>) {
      await file.write(blob);
      bytes += blob.length;
      const known = Buffer.concat([tail, blob]);
      const settled = Math.max(0, known.length - checksumBytes);
      hash.update(known.subarray(0, settled));
      tail = known.subarray(settled);
    }
    if (bytes <= checksumBytes || !hash.digest().equals(tail))
      throw new SnapshotFileError(`sha256 checksum not found or not right [bytes: ${bytes}]`);
    await file.sync();
    return bytes;
  } finally {
    await file.close();
  }
}
