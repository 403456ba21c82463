import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { BoltFile } from './bolt/reader.js';
import { SnapshotFileError } from './errors.js';

const checksumBytes = 32;
/** A database is a multiple of this, so that what is beyond it is the checksum (etcd's rule). */
const sectorBytes = 512;
const readBytes = 1024 * 1024;

export interface SnapshotSource {
  readonly bolt: BoltFile;
  close(): Promise<void>;
}

/** `checkHash`: the file must end with the SHA-256 of what precedes. Rejects with SnapshotFileError or the system's error. */
export async function openSnapshot(path: string, checkHash: boolean): Promise<SnapshotSource> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const hasChecksum = size % sectorBytes === checksumBytes;
    const bytes = hasChecksum ? size - checksumBytes : size;
    if (checkHash) {
      if (!hasChecksum) throw new SnapshotFileError('snapshot missing hash but --skip-hash-check=false');
      await compareChecksum(handle, bytes);
    }
    return { bolt: await BoltFile.open(handle, bytes), close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function compareChecksum(handle: FileHandle, bytes: number): Promise<void> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(readBytes);
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(readBytes, bytes - at), at);
    if (bytesRead === 0) throw new SnapshotFileError('the file became shorter while it was read');
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  const expected = Buffer.alloc(checksumBytes);
  await handle.read(expected, 0, checksumBytes, bytes);
  const got = hash.digest();
  if (!got.equals(expected))
    throw new SnapshotFileError(`expected sha256 ${expected.toString('hex')}, got ${got.toString('hex')}`);
}
